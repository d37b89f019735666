"""Fetching from homes and adding one's own, against a server on this machine and archives made to do harm."""

import contextlib
import functools
import http.server
import io
import socketserver
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench import languages
from workbench.errors import BadInput, Unavailable
from workbench.files import read_json, sha256_bytes
from workbench.sources import catalogue, catalogue_fetch, catalogue_read
from workbench.sources.catalogue import Catalogue, Dataset, Entry, Home, KnownFile

CYM, DEU = languages.parse("cym"), languages.parse("deu")
CONTENT = {"cym.tsv": b"water\tdwr\nbread\tbara\n", "deu.tsv": b"water\tWasser\n"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("home")
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)
    handler = functools.partial(Quiet, directory=str(folder))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{listening.server_address[1]}/"
        listening.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def home(kind: str, at: str, members: str = "") -> Home:
    return Home.model_construct(kind=kind, at=at, members=members, note="by hand")


def known(*homes: Home, terms: str = "open", content: dict[str, bytes] = CONTENT) -> Catalogue:
    dataset = Dataset.model_construct(
        name="mine", title="mine", resources=("lexicon",), licence="X-1.0", terms=terms, citation="me", homes=homes,
        page="https://example.org", convention="iso639_3", format="gatitos", exceptions={"deu": "X-NC"}, folder="",
        held_out=False, others="", caveat="", note="",
    )  # fmt: skip
    files = tuple(
        KnownFile("mine", name, languages.parse(name[:3]), 1, 0, len(data), sha256_bytes(data), name)
        for name, data in content.items()
    )
    entries = tuple(
        Entry(dataset, lang, lang.code, "", tuple(file for file in files if file.lang == lang)) for lang in (CYM, DEU)
    )
    return Catalogue({"mine": dataset}, files, entries)


def test_pinned_files_are_fetched_checked_and_found_again(server: tuple[Path, str], tmp_path: Path) -> None:
    place = catalogue_fetch.get(known(home("pinned", server[1])), "mine", tmp_path, print)
    assert {path.name: path.read_bytes() for path in place.glob("*.tsv")} == CONTENT
    assert list(place.glob("*.spans")) == []
    catalogue_fetch.get(known(home("pinned", "http://127.0.0.1:9/")), "mine", tmp_path, print)  # all is there


def test_one_language_alone_is_fetched(server: tuple[Path, str], tmp_path: Path) -> None:
    place = catalogue_fetch.get(known(home("pinned", server[1])), "mine", tmp_path, print, lang=CYM)
    assert [path.name for path in place.glob("*.tsv")] == ["cym.tsv"]
    with pytest.raises(BadInput, match=r"no fin-Latn"):
        catalogue_fetch.get(known(home("pinned", server[1])), "mine", tmp_path, print, lang=languages.parse("fin"))


def test_other_bytes_than_the_pinned_ones_are_refused(server: tuple[Path, str], tmp_path: Path) -> None:
    wrong = known(home("pinned", server[1]), content={"cym.tsv": b"water\tDWR\nbread\tbara\n"})
    with pytest.raises(Unavailable, match="not the pinned ones"):
        catalogue_fetch.get(wrong, "mine", tmp_path, print)
    assert not (tmp_path / "mine" / "cym.tsv").exists()


def test_the_next_home_is_tried_and_if_none_answers_all_reasons_are_told(server, tmp_path, capsys) -> None:
    dead = home("pinned", server[1] + "nowhere/")
    place = catalogue_fetch.get(known(dead, home("pinned", server[1])), "mine", tmp_path, print)
    assert (place / "cym.tsv").exists()
    assert "nowhere" in capsys.readouterr().out
    with pytest.raises(Unavailable, match=r"404.*hub\.documents\('owner/mine'.*to be fetched by hand"):
        catalogue_fetch.get(
            known(dead, home("hub", "owner/mine"), home("page", "https://x")), "mine", tmp_path / "b", print
        )


@pytest.mark.parametrize("terms", ["non-commercial", "unstated"])
def test_licences_that_need_a_yes_are_asked_for_before_anything_is_fetched(server, tmp_path, terms) -> None:
    asking = known(home("pinned", server[1]), terms=terms)
    with pytest.raises(BadInput, match=rf"X-1\.0 \({terms}\).*--accept-licence"):
        catalogue_fetch.get(asking, "mine", tmp_path, print)
    assert not (tmp_path / "mine").exists()
    catalogue_fetch.get(asking, "mine", tmp_path, print, accept_licence=True)


def test_a_language_under_another_licence_is_asked_for_too(server: tuple[Path, str], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="its licence is X-NC"):
        catalogue_fetch.get(known(home("pinned", server[1])), "mine", tmp_path, print, lang=DEU)


def test_a_file_without_a_checksum_is_recorded_and_must_not_change(tmp_path, tmp_path_factory, server, capsys) -> None:
    each = known(home("each", server[1] + "{code}.tsv"))
    with pytest.raises(BadInput, match="one language at a time"):
        catalogue_fetch.get(each, "mine", tmp_path, print)
    place = catalogue_fetch.get(each, "mine", tmp_path, print, lang=CYM)
    assert (place / "cym.tsv").read_bytes() == CONTENT["cym.tsv"]
    assert read_json(place / "fetched.json")["cym.tsv"]["sha256"] == sha256_bytes(CONTENT["cym.tsv"])
    assert "nobody publishes its checksum" in capsys.readouterr().out
    (server[0] / "cym.tsv").write_bytes(b"something else\n")
    try:
        with pytest.raises(Unavailable, match="it has changed at its home"):
            catalogue_fetch.get(each, "mine", tmp_path, print, lang=CYM)
    finally:
        (server[0] / "cym.tsv").write_bytes(CONTENT["cym.tsv"])
    assert (place / "cym.tsv").read_bytes() == CONTENT["cym.tsv"]


# Archives


def tar(path: Path, members: dict[str, bytes], *others: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in others:
            archive.addfile(info)
    return path


def test_only_matching_members_are_taken_and_only_the_wild_parts_of_their_names(tmp_path: Path) -> None:
    members = {"top/data/cy.jsonl": b"cy", "top/LICENSE": b"x", "top/data/sub/de.jsonl": b"x", "data/fr.jsonl": b"x"}
    archive = tar(tmp_path / "a.tar.gz", members)
    assert catalogue_fetch.unpack(archive, "*/data/*.jsonl", "*/data/*.jsonl", tmp_path / "out") == 1
    assert (tmp_path / "out" / "cy.jsonl").read_bytes() == b"cy"
    stories = tar(tmp_path / "b.tar.gz", {"top/sw/1.md": b"1", "top/zu/1.md": b"2"})
    assert catalogue_fetch.unpack(stories, "*/sw/*.md", "*/{code}/*.md", tmp_path / "out") == 1
    assert (tmp_path / "out" / "sw" / "1.md").read_bytes() == b"1"


def test_an_archive_is_fetched_once_and_unpacked(server: tuple[Path, str], tmp_path: Path) -> None:
    tar(server[0] / "all.tar.gz", {"top/cym/a.tsv": b"1", "top/deu/a.tsv": b"2"})
    from_archive = known(home("archive", server[1] + "all.tar.gz", "*/{code}/*.tsv"))
    place = catalogue_fetch.get(from_archive, "mine", tmp_path, print, lang=CYM)
    assert [path.relative_to(place).as_posix() for path in place.rglob("*.tsv")] == ["cym/a.tsv"]
    catalogue_fetch.get(from_archive, "mine", tmp_path, print)
    assert (place / "deu" / "a.tsv").read_bytes() == b"2"
    none = known(home("archive", server[1] + "all.tar.gz", "*/x/*.tsv"))
    with pytest.raises(Unavailable, match="holds no file like"):
        catalogue_fetch.get(none, "mine", tmp_path / "b", print)


@pytest.mark.parametrize("name", ["top/../x.txt", "top/..", "/top/x.txt", "top//x.txt"])
def test_a_member_cannot_climb_out_of_the_folder(tmp_path: Path, name: str) -> None:
    archive = tar(tmp_path / "a.tar.gz", {name: b"evil"})
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(name, "evil")
    for one in (archive, packed):
        for pattern in ("*/*", "*/*/*"):
            try:
                catalogue_fetch.unpack(one, pattern, pattern, tmp_path / "deep" / "out")
            except BadInput:
                continue
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and "out" not in path.parts]
    assert sorted(outside) == [archive, packed]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("top/x.txt")
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(BadInput, match="is a link or a device"):
        catalogue_fetch.unpack(tar(tmp_path / "a.tar.gz", {}, info), "*/*.txt", "*/*.txt", tmp_path / "out")
    packed = tmp_path / "a.zip"
    link = zipfile.ZipInfo("top/x.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(BadInput, match="is a link or a device"):
        catalogue_fetch.unpack(packed, "*/*.txt", "*/*.txt", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bombs_are_stopped_while_they_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tar(tmp_path / "a.tar.gz", {"top/a.txt": b"0" * 1_000_000, "top/b.txt": b""})
    monkeypatch.setattr(catalogue_fetch, "MAX_FILE_BYTES", 500_000)
    with pytest.raises(BadInput, match="unpacks to over"):
        catalogue_fetch.unpack(archive, "*/*.txt", "*/*.txt", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    monkeypatch.setattr(catalogue_fetch, "MAX_MEMBERS", 1)
    with pytest.raises(BadInput, match="more than 1 members"):
        catalogue_fetch.unpack(archive, "*/b.txt", "*/b.txt", tmp_path / "out")


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_a_damaged_archive_is_an_error_or_gives_files_below_its_folder(tmp_path_factory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    if data.draw(st.booleans()):
        sound = tar(folder / "a.tar.gz", {"top/a.txt": b"abc" * 50, "top/b.txt": b"d"}).read_bytes()
    else:
        with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("top/a.txt", "abc" * 50)
        sound = (folder / "a.zip").read_bytes()
    at = data.draw(st.integers(0, len(sound)))
    raw = sound[:at] + data.draw(st.binary(max_size=6)) + sound[data.draw(st.integers(at, len(sound))) :]
    (folder / "raw").write_bytes(raw)
    with contextlib.suppress(BadInput):
        catalogue_fetch.unpack(folder / "raw", "*/*.txt", "*/*.txt", folder / "out")
    assert {path.name for path in folder.iterdir()} <= {"a.tar.gz", "a.zip", "raw", "out"}


# One's own


def mine(name: str = "my-words") -> Dataset:
    return Dataset(
        name=name, title="my words", resources=("lexicon",), licence="CC0-1.0", terms="open", citation="me",
        page="", convention="iso639_3", format="tsv",
    )  # fmt: skip


def test_ones_own_files_are_read_copied_stated_and_verified(tmp_path: Path, capsys) -> None:
    source = tmp_path / "words.tsv"
    source.write_text("water\tdŵr\nbroken\nbread\tbara\n", "utf-8")
    root = tmp_path / "data"
    catalogue_fetch.add(root, mine(), [source], CYM, print)
    said = capsys.readouterr().out
    assert "words.tsv: left out 1 x" in said
    assert "my-words: 2 rows of cym-Latn" in said
    known = catalogue.load(root)
    assert [entry.dataset.name for entry in known.of_language(CYM)].count("my-words") == 1
    (one,) = catalogue_read.verify(known, root)
    assert (one.fault, one.rows) == ("", 2)
    with pytest.raises(BadInput, match="there is one already"):
        catalogue_fetch.add(root, mine(), [source], CYM, print)


def test_what_the_format_cannot_read_is_not_added(tmp_path: Path) -> None:
    empty = tmp_path / "words.tsv"
    empty.write_text("nothing but\nprose here\n")
    with pytest.raises(BadInput, match=r"words\.tsv: .*left out"):
        catalogue_fetch.add(tmp_path / "data", mine(), [empty], CYM, print)
    with pytest.raises(BadInput, match="wanted a file"):
        catalogue_fetch.add(tmp_path / "data", mine(), [tmp_path / "absent.tsv"], CYM, print)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", "", "A", ".hidden"])
def test_the_name_of_a_data_set_is_never_a_path(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        mine(name)


def test_a_broken_entry_of_ones_own_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "x.json").write_text("{")
    with pytest.raises(BadInput, match=r"catalogue/x\.json: not as `workbench data add` wrote it"):
        catalogue.load(tmp_path)
