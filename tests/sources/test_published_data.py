"""What a study of published data reads: real files under $WORKBENCH_DATA."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import lexicon
from workbench.sources.embedded import EmbeddedData
from workbench.sources.published import PublishedData

ENG = languages.parse("eng-Latn")


@pytest.fixture
def published(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> PublishedData:
    """Without the embedded default, which these tests do not ask for."""
    monkeypatch.setenv("WORKBENCH_DATA", str(data_root))
    return PublishedData(EmbeddedData(data_root, "test"), "test")


@pytest.mark.data
def test_a_damaged_line_of_a_lexicon_is_left_out_and_told(
    published: PublishedData, data_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, oromo = data_root / "gatitos" / "en_om.tsv", languages.parse("orm")
    with pytest.raises(BadInput, match=r"en_om\.tsv:1178"):
        lexicon.read(path, "gatitos", ENG, oromo)
    found = published.lexicon(oromo)
    assert len(found.entries) > 3000
    assert "escape" not in found.entries
    told = capsys.readouterr().err
    assert "en_om.tsv: 2 left out" in told
    assert "en_om.tsv:1178" in told


@pytest.mark.data
def test_paradigms_are_read_from_all_files_of_a_language(
    published: PublishedData, capsys: pytest.CaptureFixture[str]
) -> None:
    kazakh = published.inflections(languages.parse("kaz"))
    assert len(kazakh) == len({(one.lemma, one.form, one.features) for one in kazakh}) == 28_481
    assert len({one.lemma for one in kazakh}) > 1_600
    assert len(published.inflections(languages.parse("ckb"))) > 11_089 + 22_176
    assert "ckb-arab.tsv: " in capsys.readouterr().err
