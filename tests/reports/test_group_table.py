"""Groups of languages: means, the worst group and the gap by hand; a hole is named."""

from __future__ import annotations

import pytest

from workbench.errors import BadInput
from workbench.records import Result
from workbench.reports import collect, group_table, plain
from workbench.reports.spec import Absent, Group, Groups, Row

VALUES = {  # variant -> language -> seed -> accuracy
    "base": {"cym-Latn": (0.4, 0.6), "fin-Latn": (0.2, 0.2), "rus-Cyrl": (0.1, 0.3)},
    "floor:majority": {"cym-Latn": (0.25,), "fin-Latn": (0.25,), "rus-Cyrl": (0.25,)},
    "floor:translated": {"cym-Latn": (0.5,), "rus-Cyrl": (0.7,)},
}


def rows() -> list[Result]:
    return [
        Result("r", "s", variant, seed, 1, "t", lang, "test", "accuracy", value, 10, "share", True)
        for variant, by_lang in VALUES.items()
        for lang, values in by_lang.items()
        for seed, value in enumerate(values)
    ]


def groups(**changed: object) -> Groups:
    given: dict[str, object] = {
        "name": "g", "title": "Groups", "caption": "By script.", "task": "t", "metric": "accuracy", "unit": "%",
        "scale": 100.0,
        "group": (Group(name="Latin", columns=("cym-Latn", "fin-Latn")), Group(name="Cyrillic", columns=("rus-Cyrl",))),
        "rows": tuple(Row(variant=name) for name in VALUES),
        "absent": (Absent(row="floor:translated", columns=("fin-Latn",), why="no lexicon"),),
    }  # fmt: skip
    return Groups.model_validate(given | changed)


def test_means_worst_group_gap_and_worst_language_by_hand() -> None:
    made = group_table.made(groups(), collect.gather(rows()))
    assert made.heads == ("group", "languages", "base", "floor:majority", "floor:translated")
    assert made.rows == (
        ("Latin", "2", "35.0 ± 7.1", "25.0", "50.0 (1)"),
        ("Cyrillic", "1", "20.0 ± 14.1", "25.0", "70.0"),
        ("all", "3", "30.0 ± 9.4", "25.0", "60.0 (2)"),
        ("worst group", "", "Cyrillic 20.0 ± 14.1", "Latin 25.0", "Latin 50.0"),
        ("gap, best to worst group", "", "15.0 ± 7.1", "0.0", "20.0"),
        ("worst language", "", "Finnish 20.0 ± .0", "Welsh 25.0", "Welsh 50.0"),
    )
    assert made.data[2][2] == pytest.approx(30.0)
    assert "of how many languages, where a row lacks some (no lexicon)" in made.caption
    assert set(plain.formats(made)) == {"g.md", "g.tex", "g.csv"}


def test_the_gap_is_that_of_the_means_where_a_seed_turns_it_round() -> None:
    values = {"cym-Latn": (0.4, 0.6), "fin-Latn": (0.4, 0.6), "rus-Cyrl": (0.1, 0.7)}
    found = [
        Result("r", "s", "base", seed, 1, "t", lang, "test", "accuracy", value, 10, "share", True)
        for lang, several in values.items()
        for seed, value in enumerate(several)
    ]
    made = group_table.made(groups(rows=(Row(variant="base"),), absent=()), collect.gather(found))
    assert made.rows[4] == ("gap, best to worst group", "", "10.0 ± 28.3")  # 30 and −10, not 30 and 10


def test_a_hole_that_is_not_declared_is_named() -> None:
    with pytest.raises(BadInput, match=r"no row for 'floor:translated'.*fin-Latn"):
        group_table.made(groups(absent=()), collect.gather(rows()))


def test_a_language_belongs_to_one_group() -> None:
    twice = (Group(name="a", columns=("cym-Latn",)), Group(name="b", columns=("cym-Latn",)))
    with pytest.raises(ValueError, match="languages of all groups must be distinct"):
        groups(group=twice)
