"""Every parser against damaged files: a typed error or records, never a traceback, and no row lost without a word."""

import io
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import (
    bible,
    conllu,
    labeled,
    linguameta,
    massive,
    parallel,
    sigmorphon,
    storybook,
    text,
    unimorph,
    xsid,
)
from workbench.sources.lines import Report

CYM = languages.parse("cym-Latn")
META = {str(number): ("train", "alarm", "alarm_set") for number in range(10)}
XSID = b"# id = 1\n# text = a b\n# intent = x/y\n1\ta\tx/y\tO\n2\tb\tx/y\tB-z\n\n"
UD = b"# text = a b\n" + b"".join(
    b"%s\t%s\t_\t%s\t_\t_\t_\t_\t_\t_\n" % row
    for row in [(b"1", b"a", b"NOUN"), (b"2-3", b"bc", b"_"), (b"2", b"b", b"VERB"), (b"3", b"c", b"X")]
)
XML = b'<?xml version="1.0"?><c><seg type="verse" id="b.GEN.1.1">a\nb</seg><seg type="verse" id="b.GEN.1.2">c</seg></c>'


def parquet_bytes() -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([{"id": "1", "text": "a"}, {"id": "2", "text": "b"}]), file)
    return file.getvalue()


@dataclass(frozen=True)
class Parser:
    """`each_line`: a line of the file is a record, so that what is read and what is left out must add up."""

    file: str
    sound: bytes
    read: Callable[[Path, Report | None], Iterator[Any]]
    each_line: bool = False
    header: int = 0
    blank: bool = True


PARSERS = {
    "unimorph": Parser("cym", b"a\tb\tV;PST\nc\td\tN;ACC(2,SG)\n", lambda p, r: unimorph.read(p, CYM, r), True),
    "segmentations": Parser("cym", b"a\tb\tV\ta|b\n", lambda p, r: unimorph.segmentations(p, CYM, r), True),
    "derivations": Parser("cym", b"a\tb\tN:N\t-b\n", lambda p, r: unimorph.derivations(p, CYM, r), True),
    "sigmorphon": Parser("cym.trn", b"a\tV;PST\tb\nc\tN;SG\td\n", lambda p, r: sigmorphon.read(p, 2023, CYM, r), True),
    "covered": Parser("cym.tst", b"a\tV;PST\nc\t\tN;SG\n", lambda p, r: sigmorphon.read_covered(p, CYM, r), True),
    "sib200": Parser(
        "cym_Latn/dev.tsv",
        b'index_id\tcategory\ttext\n1\tsports\t"a ""b"""\n2\ttravel\t"c\n',
        lambda p, r: labeled.sib200(p.parents[1], "cym_Latn", "dev", r),
        True,
        1,
        False,
    ),
    "afrisenti": Parser(
        "hau/dev.tsv",
        b'tweet\tlabel\n"a\tpositive\nb\tneutral\n',
        lambda p, r: labeled.afrisenti(p.parents[1], "hau", "dev", r),
        True,
        1,
        False,
    ),
    "table": Parser("a.tsv", b"text\tlabel\na\tb\n", lambda p, r: labeled.table(p, CYM, "x", r), True, 1, False),
    "massive tsv": Parser(
        "cy-GB.tsv", b"id\tannot_utt\n1\ta [x : b c]\n2\td\n", lambda p, r: massive.read_tsv(p, META, r), True, 1, False
    ),
    "massive jsonl": Parser(
        "ja-JP.jsonl",
        b'{"id":"0","locale":"ja-JP","partition":"test","scenario":"a","intent":"b","annot_utt":"[x : 5 pm] z"}\n',
        massive.read_jsonl,
        True,
    ),
    "massive meta": Parser(
        "meta.tsv",
        b"id\tpartition\tscenario\tintent\n1\ttest\ta\tb\n",
        lambda p, r: iter(massive.read_meta(p)),
    ),
    "xsid": Parser("cy.test.conll", XSID * 2, lambda p, r: xsid.read(p, CYM, r)),
    "xsid train": Parser("texts", b"a b\nc\n", lambda p, r: xsid.read_train(p, p.with_name("labels"), CYM, r)),
    "conllu": Parser("cy.conllu", UD + b"\n" + UD, lambda p, r: conllu.read(p, CYM, r)),
    "columns": Parser("dev.txt", b"a NOUN\nb VERB\n\nc X\n", lambda p, r: conllu.read_columns(p, CYM, "pos", r)),
    "bible": Parser("a.tsv", b"b.GEN.1.1\ta\nb.GEN.1.2\tb\n", lambda p, r: bible.read(p, CYM, r), True, 0, False),
    "bible xml": Parser("a.xml", XML, lambda p, r: bible.read(p, CYM, r)),
    "storybook": Parser(
        "cy.jsonl",
        b'{"id":"1","pages":["a",""],"credits":["* License: CC BY"]}\n',
        lambda p, r: storybook.read(p, CYM, r),
    ),
    "storybook md": Parser("1.md", b"# T\n\n##\na\n\n##\n* License: CC BY\n", lambda p, r: storybook.read(p, CYM, r)),
    "linguameta": Parser(
        "l.tsv",
        ("\t".join(linguameta._HEADER) + "\ncy\tcym\tWelsh\tx\t1\tLatn\tGB\t\t\tFalse\t\t\t\t\tw\tQ\tC\n").encode(),
        linguameta.read,
        True,
        1,
        False,
    ),
    "lines": Parser("a.txt", b"a\n\nb\n", lambda p, r: text.documents(p, CYM, r), True),
    "paragraphs": Parser("a.txt", b"a\n\nb\n", lambda p, r: text.documents(p, CYM, r, unit="paragraph")),
    "jsonl": Parser(
        "a.jsonl", b'{"id": 1, "text": "a"}\n{"text": "b"}\n', lambda p, r: text.documents(p, CYM, r), True
    ),
    "tsv": Parser("a.tsv", b"id\ttext\n1\ta\n", lambda p, r: text.documents(p, CYM, r), True, 1, False),
    "xz": Parser("a.txt.xz", lzma.compress(b"a\nb\n" * 50), lambda p, r: text.documents(p, CYM, r)),
    "parquet": Parser("a.parquet", parquet_bytes(), lambda p, r: text.documents(p, CYM, r)),
    "ntrex": Parser("newstest2019-ref.cym.txt", b'a\n"b\n', lambda p, r: parallel.ntrex(p.parent, "cym", r)),
    "flores": Parser(
        "dev/cym_Latn.jsonl",
        b'{"id":1,"text":"a"}\n',
        lambda p, r: parallel.flores(p.parents[1], "cym_Latn", "dev", r),
    ),
}
BESIDE = {
    "labels": b"O B-x\ta\nO\tb\n",
    "newstest2019-src.eng.txt": b"a\nb\n",
    "dev/eng_Latn.jsonl": b'{"id":1,"text":"a"}\n',
}
PIECES = [
    b"\xef\xbb\xbf",
    b"\r",
    b"\r\n",
    b"\n\n",
    b'"',
    b"\0",
    b"\t",
    b"\xff",
    b"\xc3",
    b"\xe2\x80\xa8",
    b"#",
    b"[",
    b"]",
]


@st.composite
def damaged(draw: st.DrawFn, sound: bytes) -> bytes:
    data = draw(st.sampled_from([sound, sound, sound * 3, b""]))
    for _ in range(draw(st.integers(0, 4))):
        at, end = sorted(draw(st.tuples(st.integers(0, len(data)), st.integers(0, len(data)))))
        match draw(st.sampled_from(["piece", "bytes", "text", "cut", "end", "twice", "mac", "long"])):
            case "piece":
                data = data[:at] + draw(st.sampled_from(PIECES)) + data[at:]
            case "bytes":
                data = data[:at] + draw(st.binary(max_size=12)) + data[end:]
            case "text":
                data = data[:at] + draw(st.text(max_size=8)).encode("utf-8", "surrogatepass") + data[at:]
            case "cut":
                data = data[:at] + data[end:]
            case "end":
                data = data[:at]
            case "twice":
                data = data[:end] + data[at:]
            case "mac":
                data = data.replace(b"\n", draw(st.sampled_from([b"\r", b"\r\n"])))
            case "long":
                data = data[:at] + b"x" * 100_000 + data[at:]
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fuzz")
    for name in ("cym_Latn", "hau", "dev"):
        (root / name).mkdir()
    for name, data in BESIDE.items():
        (root / name).write_bytes(data)
    return root


@pytest.mark.parametrize("name", PARSERS)
def test_the_sound_file_is_read(folder: Path, name: str) -> None:
    parser = PARSERS[name]
    (folder / parser.file).write_bytes(parser.sound)
    assert list(parser.read(folder / parser.file, None))


def is_blank(line: bytes) -> bool:
    """Blank as the readers see it: bad bytes are not blank, one carriage return at the end is no content."""
    try:
        text = line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        return False
    return not text.strip() and "\r" not in text


def num_lines(raw: bytes, parser: Parser) -> int:
    lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if raw.endswith(b"\n"):
        lines.pop()
    return sum(not (parser.blank and is_blank(line)) for line in lines[parser.header :])


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_a_damaged_file_gives_records_or_a_typed_error_and_every_line_is_accounted_for(
    folder: Path, name: str, data: st.DataObject
) -> None:
    parser = PARSERS[name]
    raw = data.draw(damaged(parser.sound))
    path = folder / parser.file
    path.write_bytes(raw)
    report = Report()
    records = attempt(parser, path, report)
    strict = attempt(parser, path, None)
    dropped = sum(report.dropped.counts.values())
    if records is None:
        assert strict is None
    elif strict is None:
        assert dropped
    else:
        assert (strict, dropped) == (records, 0)
    if parser.each_line and records is not None:
        assert len(records) + dropped == num_lines(raw, parser)
        assert report.rows == len(records)


def attempt(parser: Parser, path: Path, report: Report | None) -> list[Any] | None:
    """The records, or None for a typed error that names the file (or the one beside it)."""
    try:
        return list(parser.read(path, report))
    except BadInput as error:
        message = str(error)
    assert any(str(named) in message for named in (path, path.with_name("labels"), path.parent)), message
    return None


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("piece", [b"x", b"[a : ", b"(,", b"\t ", b'"'])
def test_a_line_of_ten_megabytes_is_read_or_refused_in_a_moment(folder: Path, name: str, piece: bytes) -> None:
    parser = PARSERS[name]
    path = folder / parser.file
    head = parser.sound.split(b"\n")[: parser.header]
    path.write_bytes(b"\n".join([*head, piece * (10_000_000 // len(piece)), parser.sound]))
    attempt(parser, path, Report())
    path.write_bytes(parser.sound)
