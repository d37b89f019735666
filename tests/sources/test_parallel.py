from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import parallel
from workbench.sources.lines import Report

CYM = languages.parse("cym-Latn")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def ntrex(root: Path, english: str, target: str, code: str = "cym") -> Path:
    write(root / "newstest2019-src.eng.txt", english)
    write(root / f"newstest2019-ref.{code}.txt", target)
    return root


def test_ntrex_pairs_keep_quotes_and_lose_carriage_returns(tmp_path: Path) -> None:
    root = ntrex(tmp_path, '"One," he said.\r\nTwo"\r\n', '"Un," meddai.\r\nDau\u0301"\r\n')
    pairs = list(parallel.ntrex(root, "cym"))
    assert [(pair.id, pair.source, pair.target) for pair in pairs] == [
        ("ntrex-0001", '"One," he said.', '"Un," meddai.'),
        ("ntrex-0002", 'Two"', 'Daú"'),
    ]
    assert {pair.task for pair in pairs} == {"translation"}


def test_files_of_two_lengths_are_never_zipped(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"ref\.cym\.txt: ends before line 3"):
        list(parallel.ntrex(ntrex(tmp_path, "a\nb\nc\n", "A\nB\n"), "cym", Report()))
    with pytest.raises(BadInput, match=r"src\.eng\.txt: ends before line 2"):
        list(parallel.ntrex(ntrex(tmp_path, "a\n", "A\nB\n"), "cym", Report()))


def test_a_line_left_out_takes_its_partner_along_and_shifts_nothing(tmp_path: Path) -> None:
    root = ntrex(tmp_path, "a\nb\nc\n", "A\n \nC\n")
    report = Report()
    assert [(pair.id, pair.target) for pair in parallel.ntrex(root, "cym", report)] == [
        ("ntrex-0001", "A"),
        ("ntrex-0003", "C"),
    ]
    assert report.dropped.counts == {"one side is empty": 1}
    (tmp_path / "newstest2019-ref.cym.txt").write_bytes(b"A\n\xff\nC\n")
    report = Report()
    assert [pair.id for pair in parallel.ntrex(root, "cym", report)] == ["ntrex-0001", "ntrex-0003"]
    assert report.dropped.counts == {"not UTF-8": 1}


@pytest.mark.parametrize("code", ["../cym", "cym/x", "cy", "CYM", "cym\n", "aze_Latn"])
def test_a_language_id_never_becomes_a_path(tmp_path: Path, code: str) -> None:
    with pytest.raises(BadInput, match="wanted the form"):
        list(parallel.ntrex(tmp_path, code))


@pytest.mark.parametrize("code", ["../cym_Latn", "cym", "cym_Latn/..", "cym_Latn_../x"])
def test_a_flores_id_never_becomes_a_path(tmp_path: Path, code: str) -> None:
    with pytest.raises(BadInput, match="wanted the form"):
        list(parallel.flores(tmp_path, code, "dev"))


@pytest.mark.parametrize("name", ["{code}.dev", "dev.{code}"])
def test_flores_is_read_line_by_line_in_both_of_its_layouts(tmp_path: Path, name: str) -> None:
    write(tmp_path / "dev" / name.format(code="eng_Latn"), "one\ntwo\n")
    write(tmp_path / "dev" / name.format(code="cym_Latn"), "un\ndau\n")
    pairs = list(parallel.flores(tmp_path, "cym_Latn", "dev"))
    assert [(pair.id, pair.source, pair.target, pair.lang) for pair in pairs] == [
        ("flores-dev-0001", "one", "un", CYM),
        ("flores-dev-0002", "two", "dau", CYM),
    ]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_flores_plus_is_joined_by_id(tmp_path: Path, suffix: str) -> None:
    import json

    import pyarrow
    from pyarrow import parquet

    for code, table in {
        "eng_Latn": [{"id": 0, "text": "zero"}, {"id": 1, "text": "one"}],
        "cym_Latn": [{"id": 1, "text": "un"}, {"id": 7, "text": "saith"}],
    }.items():
        path = tmp_path / "devtest" / f"{code}{suffix}"
        if suffix == ".jsonl":
            write(path, "".join(json.dumps(row) + "\n" for row in table))
        else:
            path.parent.mkdir(exist_ok=True)
            parquet.write_table(pyarrow.Table.from_pylist(table), path)
    report = Report()
    (pair,) = parallel.flores(tmp_path, "cym_Latn", "devtest", report)
    assert (pair.id, pair.source, pair.target) == ("flores-devtest-1", "one", "un")
    assert report.dropped.counts == {"an id that English does not have": 1}


def test_a_folder_that_is_no_flores_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"eng_Latn\.dev, dev\.eng_Latn, eng_Latn\.parquet"):
        list(parallel.flores(tmp_path, "cym_Latn", "dev"))


@pytest.mark.data
def test_all_of_ntrex_is_1997_pairs_a_language(data_root: Path) -> None:
    folder = data_root / "ntrex"
    codes = sorted(path.name.split(".")[1] for path in folder.glob("newstest2019-ref.*.txt"))
    assert len(codes) == 60
    report = Report()
    for code in codes:
        pairs = list(parallel.ntrex(folder, code, report))
        assert len(pairs) == 1997, code
    assert not report.dropped.counts
    assert len(parallel.ntrex_documents(folder)) == 1997
