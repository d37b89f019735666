"""What a study of published data reads: real files under $WORKBENCH_DATA."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import lexicon
from workbench.sources.embedded import EmbeddedData
from workbench.sources.published import PublishedData, open_published

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


def test_segmentations_and_derivations_are_read_where_they_lie_beside_the_paradigms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    bashkir, data = languages.parse("bak"), PublishedData(EmbeddedData(tmp_path, "test"), "test")
    folder = tmp_path / "unimorph" / "bak"
    folder.mkdir(parents=True)
    (folder / "bak").write_text("ат\tаттар\tN;PL\n", "utf-8")
    assert (data.segmentations(bashkir), data.derivations(bashkir)) == ([], [])
    (folder / "bak.segmentations").write_text("ат\tаттар\tN;PL\tат|тар\nброкен\n", "utf-8")
    (folder / "bak.derivations").write_text("ат\tатлы\tN:ADJ\t-лы\n", "utf-8")
    (one,), (other,) = data.segmentations(bashkir), data.derivations(bashkir)
    assert (one.inflection.form, one.segments) == ("аттар", ("ат", "тар"))
    assert (other.base, other.derived) == ("ат", "атлы")
    assert "bak.segmentations: 1 left out" in capsys.readouterr().err
    assert data.segmentations(languages.parse("fao")) == []


def test_a_file_beside_the_paradigms_makes_another_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    monkeypatch.setattr("workbench.sources.embedded.prepare", lambda: EmbeddedData(tmp_path, "test"))
    for name in ("ntrex", "gatitos", "unimorph/bak"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "unimorph" / "bak" / "bak").write_text("ат\tаттар\tN;PL\n", "utf-8")
    before = open_published([languages.parse("bak")]).revision
    (tmp_path / "unimorph" / "bak" / "bak.segmentations").write_text("ат\tаттар\tN;PL\tат|тар\n", "utf-8")
    assert open_published([languages.parse("bak")]).revision != before
    assert open_published([languages.parse("fao")]).revision == open_published([]).revision
