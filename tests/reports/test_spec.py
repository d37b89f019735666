from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.reports.spec import load

FLOORS = """kind = "floors"
title = "Floors"
table = "floors"

[[table]]
name = "floors"
title = "Floors alone"
caption = "No arms."
task = "intents"
metric = "accuracy"
unit = "%"
columns = ["cym-Latn"]
rows = [{ variant = "floor:majority" }]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('metric = "accuracy"\nsetting = "train=en"', 'metrics = "accuracy"', "unknown key; did you mean 'metric'"),
        ("digits = 1", 'digits = "1"', r"table\.1\.digits: input should be a valid integer, got '1'"),
        ('row = "lexicon+inflection", col', 'row = "lexicon+inflections", col', "did you mean 'lexicon.inflection'"),
        (
            '{ reference = "none", over = "languages" }',
            '{ reference = "nought", over = "seeds" }',
            "'nought' is none of",
        ),
        ('over = "languages"', 'over = "items"', "input should be 'seeds' or 'languages'"),
        (
            '"cym-Latn", "gle-Latn", "eus-Latn", "isl-Latn", "mal-Mlym"]',
            '"cym-Latn", "cym-Latn"]',
            "columns must be distinct",
        ),
        ('columns = ["cym-Latn"', 'columns = ["wolsh-Latn"', "wolsh"),
        ('label = "lexicon, pseudo-labelled", ', "", "row labels .* must be distinct"),
        ('setting = "layer={layer} centred eng>{code}"', 'setting = "centred"', "string should match pattern"),
        (', setting = "eng>{code}" }', " }", "a floor has no layers"),
        ('table = "intents"\n\n[[figure]]', 'table = "intent"\n\n[[figure]]', "did you mean 'intents'"),
        ('column = "eng-Latn"', 'column = "deu-Latn"', "'deu-Latn' is none of"),
        (
            'kind = "floors"\ntitle = "Do model-free floors win on text?"\ntable = "bits"',
            FLOORS,
            "needs both arms and floor",
        ),
        ('kind = "bars"', 'kind = "pie"', "pie"),
    ],
)
def test_a_fault_in_the_spec_names_file_path_and_remedy(spec_file: Path, old: str, new: str, said: str) -> None:
    text = spec_file.read_text("utf-8")
    assert old in text
    spec_file.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(BadInput, match=rf"(?s)table\.toml: \d+ problem.*{said}"):
        load(spec_file)


def test_no_spec_and_no_toml_are_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        load(tmp_path)
    (tmp_path / "table.toml").write_text("study = ")
    with pytest.raises(BadInput, match="not valid TOML"):
        load(tmp_path)
