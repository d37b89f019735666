from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from workbench.errors import BadInput, Unavailable
from workbench.files import sha256_file
from workbench.languages import parse
from workbench.sources import embedded, fetch
from workbench.sources.embedded import data, pins
from workbench.sources.embedded.data import EmbeddedData
from workbench.sources.fetch import Pin, Span

CYM, ENG, DEU, SWA, NYA, HYE, ISL = map(parse, ("cym", "eng", "deu", "swa", "nya", "hye", "isl"))


def quiet(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def wheels(handmade: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return handmade.whole_set(tmp_path_factory.mktemp("wheels") / "downloads")


def pins_of(wheels: dict[str, Path]) -> dict[str, Pin]:
    found = {}
    for key, path in wheels.items():
        sha256, size = sha256_file(path), path.stat().st_size
        found[key] = Pin(path.name, f"{fetch.MIRRORED}/{path.name}", size, sha256, (Span(0, size, sha256),))
    return found


@pytest.fixture
def offline(wheels: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hand-made wheels lie in the download folder; any request would fail."""
    home = next(iter(wheels.values())).parent.parent
    monkeypatch.setenv("WORKBENCH_DATA", str(home))
    monkeypatch.setattr(pins, "pins", lambda: pins_of(wheels))
    monkeypatch.setattr(data, "wanted_languages", lambda: (CYM, DEU, SWA, NYA, HYE, ISL))
    monkeypatch.setattr(fetch, "_request", lambda *arguments: pytest.fail("asked the network"))
    return home


@pytest.fixture
def prepared(offline: Path) -> EmbeddedData:
    return embedded.prepare(quiet)


def test_preparing_builds_once_and_then_only_looks(offline: Path) -> None:
    lines: list[str] = []
    first = embedded.prepare(lines.append)
    assert any("building" in line for line in lines) or (first.root / "DONE").exists()
    before = {path: path.stat().st_mtime_ns for path in first.root.rglob("*")}
    lines.clear()
    assert embedded.prepare(lines.append) == first
    assert lines == []
    assert {path: path.stat().st_mtime_ns for path in first.root.rglob("*")} == before
    assert first.revision in first.root.name


def test_text_is_aligned_with_english_by_id_and_splits_share_nothing(prepared: EmbeddedData) -> None:
    english = {
        document.id.partition("/")[2]: (split, document.text)
        for split in ("train", "dev", "test")
        for document in prepared.documents(ENG, split)
    }
    seen: set[str] = set()
    for split in ("train", "dev", "test"):
        for pair in prepared.pairs(CYM, split):
            assert english[pair.id] == (split, pair.source)
            assert pair.id not in seen
            seen.add(pair.id)
            assert (pair.lang, pair.task) == (CYM, "translation")
        texts = {document.text for document in prepared.documents(CYM, split)}
        assert texts == {pair.target for pair in prepared.pairs(CYM, split)}
    assert len(seen) == 11
    assert {document.lang for document in prepared.documents(DEU, "train")} == {DEU}


def test_bible_chapters_are_held_out_alike_in_all_languages(prepared: EmbeddedData) -> None:
    for split in ("train", "dev", "test"):
        chapters = {pair.id.rpartition(".")[0] for pair in prepared.pairs(DEU, split)}
        for other in ("train", "dev", "test"):
            if other != split:
                assert not chapters & {pair.id.rpartition(".")[0] for pair in prepared.pairs(DEU, other)}
    assert len(prepared.documents(NYA, "train")) == 2


def test_the_lexicon_has_origins_licences_and_no_held_out_string(prepared: EmbeddedData) -> None:
    lexicon = prepared.lexicon(CYM)
    assert (lexicon.source, lexicon.target) == (ENG, CYM)
    assert [translation.word for translation in lexicon.entries["save"]] == ["cadw", "arbed"]
    assert [translation.weight for translation in lexicon.entries["save"]] == [2.0, 1.0]
    assert lexicon.entries["Ireland"][0].word == "Iwerddon"
    assert "django (1)" in lexicon.origin
    assert "homeassistant: Apache-2.0" in lexicon.licence
    assert "babel: Unicode-3.0" in lexicon.licence
    held = {doc.text.lower() for split in ("dev", "test") for doc in prepared.documents(CYM, split)}
    words = {translation.word.lower() for entry in lexicon.entries.values() for translation in entry}
    assert not held & words
    assert prepared.lexicon(HYE).entries["tome"][0].pos == "N"


def test_intents_are_shared_with_english_and_only_english_trains(prepared: EmbeddedData) -> None:
    assert {pair.target for pair in prepared.intents(ENG, "train")} == {"HassTurnOn", "HassNevermind"}
    assert prepared.intents(CYM, "train") == []
    welsh = [pair for split in ("dev", "test") for pair in prepared.intents(CYM, split)]
    assert {pair.target for pair in welsh} == {"HassTurnOn"}
    assert any("drws" in pair.source or "golau" in pair.source for pair in welsh)
    assert prepared.intents(DEU, "test") == []


def test_inflections_are_split_into_atoms(prepared: EmbeddedData) -> None:
    cells = prepared.inflections(HYE)
    assert {cell.features for cell in cells if cell.form == "գրքին"} == {("N", "DAT", "SG", "DEF")}
    assert {cell.form for cell in prepared.inflections(ISL)} == {"hestur", "hest", "hestar"}
    assert prepared.inflections(CYM) == []


def test_a_language_is_found_by_its_macrolanguage_or_member(prepared: EmbeddedData) -> None:
    member = parse("swh-Latn")
    assert prepared.lexicon(member).target == member
    assert prepared.lexicon(member).entries["class activity"][0].word == "shughuli ya darasa"


def test_a_language_without_text_is_refused_with_what_there_is(prepared: EmbeddedData) -> None:
    with pytest.raises(BadInput, match="no text in fij-Latn; they have it in: cym-Latn, deu-Latn"):
        prepared.documents(parse("fij"), "train")
    with pytest.raises(BadInput, match="English with itself"):
        prepared.pairs(ENG, "test")


def test_counts_say_what_there_is(prepared: EmbeddedData) -> None:
    counts = prepared.languages()
    assert counts[CYM]["train strings"] == len(prepared.documents(CYM, "train"))
    assert counts[CYM]["lexicon rows"] == sum(map(len, prepared.lexicon(CYM).entries.values()))
    assert counts[HYE]["inflections"] == len(prepared.inflections(HYE))
    dropped = json.loads((prepared.root / "dropped.json").read_text("utf-8"))
    assert dropped["intents: not an intent of English"]["rows"] == 1


def test_what_a_killed_build_left_is_swept_away(prepared: EmbeddedData) -> None:
    done = prepared.root / "DONE"
    content = done.read_bytes()
    done.unlink()
    leftover = prepared.root.with_name(prepared.root.name + ".building")
    leftover.mkdir()
    (leftover / "half").write_text("half")
    assert embedded.prepare(quiet) == prepared
    assert done.read_bytes() == content
    assert not leftover.exists()


def test_a_failed_build_leaves_no_table(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "BUILDER", data.BUILDER + 1)

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workbench.sources.embedded.build.build", fail)
    with pytest.raises(Unavailable, match="disk is full"):
        embedded.prepare(quiet)
    assert not list(offline.glob(f"embedded-{embedded.revision()}*"))


def test_a_damaged_table_names_file_and_line(prepared: EmbeddedData) -> None:
    path = prepared.root / "lexicon" / "swa-Latn.tsv"
    original = path.read_text("utf-8")
    path.write_text(original + "only one column\n", "utf-8")
    with pytest.raises(BadInput, match=r"swa-Latn\.tsv:\d+: wanted 5 columns, got 1"):
        prepared.lexicon(SWA)
    path.write_text(original, "utf-8")


def test_tables_do_not_depend_on_the_order_of_hashes(wheels: dict[str, Path], tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from workbench.files import sha256_file
from workbench.languages import parse
from workbench.sources.embedded.build import build
from workbench.sources.fetch import Pin
folder, downloads = Path(sys.argv[1]), Path(sys.argv[2])
pins = {path.stem: Pin(path.name, "", path.stat().st_size, "", ()) for path in downloads.glob("*.whl")}
build(pins, downloads, folder, [parse(code) for code in ("cym", "deu", "swa", "hye", "isl")], lambda line: None)
for path in sorted(folder.rglob("*")):
    if path.is_file():
        print(path.relative_to(folder), sha256_file(path))
"""
    downloads = next(iter(wheels.values())).parent
    runs = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", script, str(folder), str(downloads)]
        runs.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert runs[0] == runs[1]
    assert "cym-Latn" in runs[0]


def test_the_data_folder_is_given_or_the_user_s_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    assert embedded.data_home() == tmp_path
    monkeypatch.delenv("WORKBENCH_DATA")
    assert embedded.data_home().name == "workbench"


def test_the_packaged_pins_cover_every_source_in_at_most_200_megabytes() -> None:
    found = pins.pins()
    assert set(found) == set(pins.sources())
    assert sum(pin.wanted_size for pin in found.values()) < 200_000_000
    for pin in found.values():
        assert pin.url.startswith(f"{fetch.MIRRORED}/packages/")
        assert all(0 <= span.start < span.end <= pin.size for span in pin.spans)
        assert pin.spans[-1].end == pin.size
    assert {licence.source for licence in embedded.licences()} == {*found, "babel"}
    assert all(licence.licence and licence.citation for licence in embedded.licences())


def test_pins_computed_from_a_wheel_hold_the_members_and_the_table_of_contents(wheels: dict[str, Path]) -> None:
    path = wheels["homeassistant"]
    table = tomllib.loads(pins.compute(path, ["hass_frontend/*/cy-*.json"]))[path.name]
    assert (table["size"], table["sha256"]) == (path.stat().st_size, sha256_file(path))
    ((start, end, _),) = table["spans"]  # Welsh comes after English
    assert 0 < start < end == path.stat().st_size
    ranges = pins.wanted_ranges(path, ["hass_frontend/*/cy-*.json"], merge=0)
    assert ranges[-1][1] == path.stat().st_size
    with pytest.raises(BadInput, match="no member fits"):
        pins.wanted_ranges(path, ["elsewhere/*"])


@pytest.mark.network
def test_the_real_wheels_are_still_served_as_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_MIRROR", raising=False)
    small = [pin for pin in pins.pins().values() if pin.wanted_size < 10_000_000]
    fetch.fetch(small, tmp_path, quiet)
    assert fetch.missing_bytes(small, tmp_path) == 0
