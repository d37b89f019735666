"""The manifest of known lexicons: it loads, it is refused where it is wrong, and the real files are what it says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.sources import lexicon_manifest
from workbench.sources.lexicon_manifest import Checked
from workbench.sources.lines import Report

MANIFEST = Path(__file__).resolve().parents[2] / "lexicons" / "MANIFEST.toml"

ONE = """
[mine]
title = "Words of mine"
home = "https://example.org"
licence = "CC0-1.0"
citation = "me"
format = "tsv"
folder = "mine"
commit = "c0ffee"
url = "https://example.org/{commit}/{name}"
[mine.files]
"eng-cym.tsv" = { target = "cym-Latn", rows = 2, dropped = 1, sha256 = "SHA" }
"""
TEXT = b"cat\tcath\ndog\nhorse\tceffyl\n"


def _write(folder: Path, text: str) -> Path:
    path = folder / "MANIFEST.toml"
    path.write_text(text.replace("SHA", hashlib.sha256(TEXT).hexdigest()))
    return path


def test_the_manifest_of_the_project_loads_and_every_source_says_its_licence_and_home() -> None:
    known = lexicon_manifest.load(MANIFEST)
    assert {"gatitos", "wechsel", "freedict", "apertium", "muse", "panlex", "wiktextract"} <= set(known)
    for source in known.values():
        assert source.home.startswith("https://")
        for name in source.files:
            assert lexicon_manifest.url_of(source, name).startswith("https://")
    ts = lexicon_manifest.url_of(known["gatitos"], "en_ts.tsv")
    assert known["gatitos"].commit not in ts


def test_a_file_is_checked_by_its_hash_its_rows_and_its_dropped_lines(tmp_path: Path) -> None:
    known = lexicon_manifest.load(_write(tmp_path, ONE))
    file = tmp_path / "mine" / "eng-cym.tsv"
    assert list(lexicon_manifest.verify(known, tmp_path)) == [Checked("mine", "eng-cym.tsv", "not there")]
    file.parent.mkdir()
    file.write_bytes(TEXT)
    assert list(lexicon_manifest.verify(known, tmp_path)) == [Checked("mine", "eng-cym.tsv", "")]
    found = lexicon_manifest.read(known["mine"], "eng-cym.tsv", tmp_path, Report())
    assert (found.licence, found.origin, len(found.entries)) == ("CC0-1.0", "mine/eng-cym.tsv", 2)
    file.write_bytes(TEXT + b"pig\tmochyn\n")
    assert "another version" in next(lexicon_manifest.verify(known, tmp_path)).fault
    wrong = lexicon_manifest.load(_write(tmp_path, ONE.replace("rows = 2", "rows = 3")))
    file.write_bytes(TEXT)
    assert next(lexicon_manifest.verify(wrong, tmp_path)).fault == "rows and dropped lines (2, 1), wanted (3, 1)"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"cym-Latn"', '"cym"', "wanted a full tag"),
        ('"cym-Latn"', '"welsh"', "nearest: cym"),
        ("eng-cym.tsv", "../eng-cym.tsv", "files"),
        ('folder = "mine"', 'folder = "../mine"', "mine.folder"),
        ('format = "tsv"', 'format = "vts"', "mine.format"),
        ('licence = "CC0-1.0"\n', "", "mine.licence: Field required"),
        ("rows = 2", "rows = 0", "rows"),
        ("title", "heading", "Extra inputs are not permitted"),
        ("SHA", "abc", "sha256"),
        ("[mine]", "[mine", "wanted a TOML manifest"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        lexicon_manifest.load(_write(tmp_path, ONE.replace(old, new)))


@pytest.mark.data
def test_every_real_file_loads_whole_and_is_what_the_manifest_says(data_root: Path) -> None:
    known = lexicon_manifest.load(MANIFEST)
    checked = list(lexicon_manifest.verify(known, data_root))
    assert [one for one in checked if one.fault] == []
    pinned = {(key, name): file for key, source in known.items() for name, file in source.files.items()}
    assert {(one.source, one.name) for one in checked} == set(pinned)
    for (key, name), file in pinned.items():  # no line is unaccounted for
        num_lines = (data_root / known[key].folder / name).read_bytes().count(b"\n")
        assert file.rows + file.dropped == num_lines, name
    rows = {key: [file.rows for file in source.files.values()] for key, source in known.items() if source.files}
    assert {key: (len(found), min(found), max(found), sum(found)) for key, found in rows.items()} == {
        "gatitos": (172, 3_806, 6_280, 755_325),
        "wechsel": (62, 83, 123_355, 721_677),
        "freedict": (10, 1_450, 10_128, 48_091),
        "apertium": (1, 31_114, 31_114, 31_114),
    }
    dropped = {name: file.dropped for (_, name), file in pinned.items() if file.dropped}
    assert dropped == {"en_arn.tsv": 3, "en_om.tsv": 2, "kha-eng.tsv": 5}
    packed = {path.name for folder in ("gatitos", "wechsel", "lexicon_gpl") for path in (data_root / folder).iterdir()}
    assert packed - {name for _, name in pinned} == {"README.md", "README.upstream.md"}
