"""Files taken by the block: the same lines, rows, reports and errors as line by line, wherever a block ends."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Document, Inflection, draft, sealed
from workbench.sources import lexicon, lines, massive, unimorph
from workbench.sources.lexicon_entry import clean_rows
from workbench.sources.lines import Report, Seen, columns_of, every_line, rows

CYM, ENG, KAZ = languages.parse("cym"), languages.parse("eng"), languages.parse("kaz")
SILENT = settings(max_examples=150, deadline=None)

# What lines are cut by, what they must not be cut by, what is refused, and letters of one to four bytes.
PIECES = [
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\t",
    " ",
    "\0",
    "\u2028",
    "\u0085",
    "\x0b",
    "\ufeff",
    "a",
    "é",
    "e\u0301",
    "ж",
    "𝄞",
]
LINES = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def read_by(monkeypatch: pytest.MonkeyPatch, block: int | None, read) -> tuple[list[object], str, object]:
    """(what came, the error that ended it, the report), in blocks of that many bytes; None: each line for itself."""
    with monkeypatch.context() as patched:
        if block is None:
            patched.setattr(lines, "_sound", lambda chunk, is_first: None)
        else:
            patched.setattr(lines, "BLOCK_BYTES", block)
        found: list[object] = []
        error, report = "", Report()
        for asked in (report, None):
            try:
                for one in read(asked):
                    found.append(one)
            except BadInput as refused:
                error += f"{refused}\n"
        return found, error, (report.rows, report.dropped, report.noted)


READERS = {
    "lines": every_line,
    "rows": lambda path, report: rows(path, 2, report, skip=1),
    "gatitos": lambda path, report: lexicon.stream(path, "gatitos", ENG, CYM, report=report),
    "triples": lambda path, report: lexicon.stream(path, "triples", ENG, CYM, report=report),
    "unimorph": lambda path, report: unimorph.read(path, KAZ, report),
}


@pytest.mark.parametrize("name", READERS)
@given(text=LINES)
@example(text="a\tb\tN\r\na\tb\tN\r\n\r\na\tb\tV;;\n")
@example(text="жa\tb\tN\nж\té\tN\ne\u0301\te\u0301\tN\nж\té\tN")
@example(text="a\n\n")
@example(text="a\tb\n\na\t\n\t\n a\tb\na  b\tc\n")
@SILENT
def test_a_block_gives_what_its_lines_give(tmp_path_factory: pytest.TempPathFactory, name: str, text: str) -> None:
    path = tmp_path_factory.mktemp("blocks") / "file.tsv"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as monkeypatch:
        wanted = read_by(monkeypatch, None, lambda report: READERS[name](path, report))
        for block in (2, 7, 1 << 16):
            assert read_by(monkeypatch, block, lambda report: READERS[name](path, report)) == wanted, block


def test_what_comes_before_a_fault_is_seen_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("cat\tcath\n" * 500 + "dog\n")
    found = lexicon.stream(path, "gatitos", ENG, CYM)
    assert [next(found).target for _ in range(500)] == ["cath"] * 500
    with pytest.raises(BadInput, match=r"a\.tsv:501: wanted 2 tab-separated columns"):
        next(found)


def test_columns_are_cut_only_where_every_line_has_as_many() -> None:
    assert columns_of("a\tb\nc\td", 2) == [["a", "c"], ["b", "d"]]
    assert columns_of("a\tb\n\td", 2) == [["a", ""], ["b", "d"]]
    for text in ("a\tb\nc", "a\tb\tc\nd", "a\nb\tc\td", "a\tb\n", "", "a"):
        assert columns_of(text, 2) is None, text
    assert columns_of("a\n", 3) is None  # three fields, if its line end were one
    assert columns_of("a\nb", 1) == [["a", "b"]]


def test_what_is_to_be_put_right_is_left_to_the_slow_path() -> None:
    assert clean_rows("cat\tcath\na lot\tllawer iawn", 2) is not None
    for text in ("cat\tca\u0301th", "cat \tcath", "c  t\tcath", "cat\t", "\tcath", "cat\tc\u200bath", "cat\t\ufffd"):
        assert clean_rows(f"dog\tci\n{text}", 2) is None, ascii(text)
    assert clean_rows("cat\tcath\t", 3) == [("cat", "cath", "", 1.0)]


def test_repeated_rows_are_known_for_as_long_as_they_are_kept() -> None:
    seen = Seen(rows=2)
    assert [seen.add(row) for row in "abab"] == [False, False, True, True]
    assert not seen.add_new(["c", "c"])
    assert seen.add_new(["c", "d"])  # none of them was taken down before
    assert seen.add("a")  # of the generation before
    assert seen.add_new(["e", "f"])
    assert not seen.add("b")  # forgotten


@given(
    st.lists(
        st.sampled_from(["[", "]", " ", ":", "time", "nine", "am", "[date : ", "]", " [x : y] ", "\u3000"]), max_size=12
    ).map("".join)
)
@example("wake me at [time : nine am] [date : friday] please")
@example("[a : b][c : d]")
@example("x[a : b]")
@example("[a : b]x")
@SILENT
def test_the_short_path_of_massive_says_what_the_long_one_says(annotated: str) -> None:
    short = massive.tokenize_spaced(annotated)
    if short is not None:
        parts = massive.parse_slots(annotated)
        assert short == massive.tokenize(parts)
        assert " ".join(short[0]) == " ".join("".join(text for _, text in parts).split())


def test_the_usual_utterance_takes_the_short_path() -> None:
    assert massive.tokenize_spaced("wake me at [time : nine am]") == (
        ("wake", "me", "at", "nine", "am"),
        ("Other", "Other", "Other", "time", "time"),
    )


def test_a_sealed_draft_is_the_record() -> None:
    made = draft(Document)("a", "text", CYM)
    (document,) = sealed([made], Document)
    assert document == Document("a", "text", CYM)
    assert hash(document) == hash(Document("a", "text", CYM))
    assert type(document) is Document
    assert replace(document, id="b").id == "b"
    with pytest.raises(FrozenInstanceError):
        document.text = "other"
    cell = draft(Inflection)(CYM, "a", "b", ("N",))
    cell.__class__ = Inflection
    assert cell == Inflection(CYM, "a", "b", ("N",))
