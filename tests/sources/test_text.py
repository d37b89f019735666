import json
import lzma
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import text
from workbench.sources.lines import Report

CYM = languages.parse("cym-Latn")


def write(folder: Path, name: str, data: str) -> Path:
    path = folder / name
    path.write_bytes(data.encode())
    return path


def texts(path: Path, report: Report | None = None, unit: text.Unit = "line", column: str = "text") -> list[str]:
    return [row.text for row in text.documents(path, CYM, report, unit=unit, column=column)]


def test_plain_text_is_a_document_per_line_or_per_paragraph(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "\ufeffun\r\ndau\r\n\r\n  tri  \n\n\npedwar\npump")
    assert texts(path) == ["un", "dau", "tri", "pedwar", "pump"]
    found = list(text.documents(path, CYM, unit="paragraph"))
    assert [row.text for row in found] == ["un dau", "tri", "pedwar pump"]
    assert [row.id for row in found] == ["a-0000001", "a-0000004", "a-0000007"]
    assert (found[0].lang, found[0].source) == (CYM, "a.txt")


def test_tables_of_three_kinds_give_the_same_documents(tmp_path: Path) -> None:
    rows = [{"id": "x", "text": "nos da\u0301"}, {"id": "y", "text": '"bore'}]
    lines = write(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    table = write(tmp_path, "a.tsv", 'id\ttext\nx\tnos da\u0301\ny\t"bore\n')
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    packed = tmp_path / "a.jsonl.xz"
    packed.write_bytes(lzma.compress(lines.read_bytes()))
    for path in (lines, table, tmp_path / "a.parquet", packed):
        assert [(row.id, row.text) for row in text.documents(path, CYM)] == [("x", "nos dá"), ("y", '"bore')]


def test_malformed_json_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"text": "un"}\n{"text": "dau"\n{"text": "tri"}\n')
    with pytest.raises(BadInput, match=r"a\.jsonl:2: not JSON"):
        texts(path)
    report = Report()
    assert texts(path, report) == ["un", "tri"]
    assert report.dropped.counts == {"not JSON": 1}


@pytest.mark.parametrize(
    "line",
    [
        "[1]", '"text"', '{"txt": "x"}', '{"text": null}', '{"text": " "}', '{"text": 3}', '{"text": "a\\ud800"}',
        '{"text": "a\\u0000"}', "[" * 100_000, '{"text": 1' + "0" * 5000 + "}", "{'text': 'x'}",
    ],
)  # fmt: skip
def test_json_that_is_no_text_is_refused_line_by_line(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, "a.jsonl", line + '\n{"text": "\\\\u0000 is written so, and \\ud83d\\ude00 is a pair"}\n')
    with pytest.raises(BadInput, match=r"a\.jsonl:1: "):
        texts(path)
    report = Report()
    assert texts(path, report) == ["\\u0000 is written so, and 😀 is a pair"]
    assert sum(report.dropped.counts.values()) == 1


def test_a_missing_column_says_which_there_are(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "n\tsentence\n1\tun\n")
    with pytest.raises(BadInput, match=r"wanted a text in 'text'; got .*sentence"):
        texts(path)
    assert texts(path, column="sentence") == ["un"]
    with pytest.raises(BadInput, match="two columns of one name"):
        texts(write(tmp_path, "b.tsv", "a\ta\n1\t2\n"))


def test_damaged_parquet_and_unknown_suffixes_are_errors(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.Table.from_pylist([{"text": "x"}] * 50), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"not parquet at all, but long enough to look"):
        (tmp_path / "b.parquet").write_bytes(data)
        with pytest.raises(BadInput, match="parquet"):
            texts(tmp_path / "b.parquet", Report())
    with pytest.raises(BadInput, match="parquet"):
        texts(tmp_path / "absent.parquet")
    with pytest.raises(BadInput, match=r"wanted \.txt, \.jsonl, \.tsv or \.parquet"):
        texts(write(tmp_path, "a.csv", "x"))
