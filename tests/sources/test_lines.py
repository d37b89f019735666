import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.sources import lines as module
from workbench.sources.lines import Report, lines, rows, unquote, want_header


def write(folder: Path, data: bytes, name: str = "file.tsv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_lines_end_at_newline_alone_and_lose_one_carriage_return_and_a_bom(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffa\r\nb\u2028c\u0085d\x0b\x0ce\n\nlast".encode())
    assert list(lines(path)) == [(1, "a"), (2, "b\u2028c\u0085d\x0b\x0ce"), (3, ""), (4, "last")]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)])
def test_packed_files_read_like_plain_ones_and_a_cut_archive_is_an_error(tmp_path, suffix, pack) -> None:
    text = "".join(f"line {number} \n" for number in range(2000)).encode()
    packed = pack(text)
    assert len(list(lines(write(tmp_path, packed, f"a{suffix}")))) == 2000
    for data in (packed[: len(packed) // 2], b"no archive at all"):
        with pytest.raises(BadInput, match="archive"):
            list(lines(write(tmp_path, data, f"b{suffix}"), Report()))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(b"na\xefve", "not UTF-8"), (b"a\0b", "NUL"), (b"a\rb", "carriage return"), (b"\xed\xa0\x80", "not UTF-8")],
)
def test_a_bad_line_is_an_error_with_its_place_or_counted_in_the_report(tmp_path, bad, reason) -> None:
    path = write(tmp_path, b"good\n" + bad + b"\nalso good\n")
    with pytest.raises(BadInput, match=rf"file\.tsv:2: .*{reason}"):
        list(lines(path))
    report = Report()
    assert [text for _, text in lines(path, report)] == ["good", "also good"]
    assert sum(report.dropped.counts.values()) == 1
    assert "file.tsv:2" in next(iter(report.dropped.examples.values()))


def test_a_line_beyond_the_limit_is_left_out_whole_and_the_next_one_keeps_its_number(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 10)
    path = write(tmp_path, b"x" * 35 + b"\nshort\n")
    report = Report()
    assert list(lines(path, report)) == [(2, "short")]
    assert list(report.dropped.counts.values()) == [1]
    with pytest.raises(BadInput, match="10 bytes or more"):
        list(lines(path))
    assert list(lines(write(tmp_path, b"123456789\nab"))) == [(1, "123456789"), (2, "ab")]


def test_an_empty_or_missing_file_is_an_error_even_with_a_report(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="empty"):
        list(lines(write(tmp_path, b""), Report()))
    with pytest.raises(BadInput, match="wanted a file"):
        list(lines(tmp_path / "absent", Report()))
    with pytest.raises(BadInput, match="wanted a file"):
        list(lines(tmp_path, Report()))


def test_rows_check_their_columns_and_quotes_mean_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, b'"one\ttwo\n\none\ttwo\tthree\n"x"\ty\n')
    report = Report()
    assert list(rows(path, 2, report)) == [(1, ['"one', "two"]), (4, ['"x"', "y"])]
    assert report.dropped.counts == {"blank line": 1, "wanted 2 tab-separated columns, not 3": 1}
    with pytest.raises(BadInput, match=r":3: wanted 2 tab-separated columns, not 3"):
        list(rows(path, 2, blank=True))


def test_a_wrong_header_names_the_right_one(tmp_path: Path) -> None:
    path = write(tmp_path, b"id\ttext\n1\thello\n")
    assert want_header(path, (("id", "text"),)) == ("id", "text")
    with pytest.raises(BadInput, match=r":1: wanted the header 'index\\ttext'"):
        want_header(path, (("index", "text"),))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ('"say ""no"" now"', 'say "no" now'),
        ('"whole"', "whole"),
        ('"He left," she said', '"He left," she said'),
        ('""half"" open"', '""half"" open"'),
        ('"', '"'),
        ('""', ""),
        ("plain", "plain"),
    ],
)
def test_only_fields_that_a_csv_writer_quoted_are_unquoted(field: str, text: str) -> None:
    assert unquote(field) == text


def test_reports_merge_by_reason_and_keep_the_first_example() -> None:
    one, two = Report(), Report()
    one.drop("short", "a:1")
    two.drop("short", "b:1")
    two.note("odd", "b:2")
    two.rows = 3
    one.merge(two)
    assert (one.dropped.counts, one.dropped.examples, one.rows) == ({"short": 2}, {"short": "a:1"}, 3)
    assert one.noted.counts == {"odd": 1}
