"""Tables cut by lemma: nothing is lost, nothing is in two parts, and a longer table moves little."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import cli
from workbench.errors import BadInput
from workbench.inflection import rows as files
from workbench.inflection.rows import Row
from workbench.inflection.split import cells, split

LEMMA = st.text("abä\u0308", min_size=1, max_size=3)
NEIGHBOURS = {frozenset(("tst", "dev")), frozenset(("dev", "trn"))}
ROW = st.builds(Row, st.just("xxx"), LEMMA, st.sampled_from(["V;PST", "V;PRS", "N;PL"]), st.text("xy", max_size=1))


def table(lemmas: int, forms: int = 10) -> list[Row]:
    return [Row("xxx", f"lemma{one}", f"V;{two}", f"{one}-{two}") for one in range(lemmas) for two in range(forms)]


@given(st.lists(ROW, max_size=60), st.floats(0, 0.45), st.floats(0, 0.45), st.integers(0, 3))
def test_no_lemma_is_in_two_parts_and_no_cell_is_lost(found: list[Row], dev: float, test: float, seed: int) -> None:
    unique = cells(found)
    assert len(unique.rows) + unique.repeated + unique.other_forms == len(found)
    asked = Counter((normalize("NFC", row.lemma), row.features) for row in unique.rows)
    assert set(asked.values()) <= {1}
    assert set(asked) == {(normalize("NFC", row.lemma), row.features) for row in found}
    wanted = {"trn"} | {part for part, share in {"dev": dev, "tst": test}.items() if share}
    if len({lemma for lemma, _ in asked}) < len(wanted):
        if found:
            with pytest.raises(BadInput, match="no lemma can be in two"):
                split(unique.rows, dev=dev, test=test, seed=seed)
        return
    parts = split(unique.rows, dev=dev, test=test, seed=seed)
    assert set(parts) == wanted
    assert all(parts.values())
    assert Counter(row for part in parts.values() for row in part) == Counter(unique.rows)
    lemmas = [{normalize("NFC", row.lemma) for row in part} for part in parts.values()]
    assert sum(map(len, lemmas)) == len(set.union(*lemmas))
    for part in parts.values():
        assert part == [row for row in unique.rows if row in set(part)]  # in the file's order


@given(st.lists(st.integers(1, 30), min_size=30, max_size=60), st.integers(0, 3))
def test_parts_are_as_near_to_their_shares_as_half_a_lemma(sizes: list[int], seed: int) -> None:
    rows = [Row("xxx", str(lemma), f"V;{number}", "") for lemma, size in enumerate(sizes) for number in range(size)]
    parts = split(rows, dev=0.2, test=0.3, seed=seed)
    for part, share in {"dev": 0.2, "tst": 0.3}.items():
        assert abs(len(parts[part]) - share * len(rows)) <= max(sizes) / 2


def test_a_longer_table_moves_only_lemmas_at_the_cuts_and_another_seed_moves_all() -> None:
    def part_of(lemmas: int, seed: int = 0) -> dict[str, str]:
        parts = split(table(lemmas), dev=0.1, test=0.1, seed=seed)
        return {row.lemma: part for part, rows in parts.items() for row in rows}

    moved = drawn = 0
    for seed in range(5):
        before, after, other = part_of(200, seed), part_of(220, seed), part_of(200, seed + 1)
        changed = {lemma for lemma, part in before.items() if after[lemma] != part}
        assert {frozenset((before[lemma], after[lemma])) for lemma in changed} <= NEIGHBOURS
        moved += len(changed)
        drawn += sum(before[lemma] != other[lemma] for lemma in before)
    assert moved < 0.03 * 5 * 200  # a new draw moves 34 % of the lemmas, a tenth more of them 1.5 %
    assert drawn > 0.25 * 5 * 200
    assert part_of(200) == part_of(200)


def test_a_huge_lemma_takes_no_part_of_its_own_from_the_others() -> None:
    rows = [Row("xxx", "huge", f"V;{number}", "") for number in range(1000)] + table(2, 3)
    for seed in range(6):
        parts = split(rows, dev=0.1, test=0.1, seed=seed)
        assert [len({row.lemma for row in parts[part]}) for part in ("trn", "dev", "tst")] == [1, 1, 1]


def run(*line: object) -> int:
    return cli.main(["inflect", "split", *map(str, line)])


def test_the_command_line_splits_files_of_any_layout_and_says_how_much(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{row.lemma}\t{row.form}\t{row.features}\n" for row in table(20)]
    (tmp_path / "xxx").write_text("".join([*lines[:120], "\n", *lines[:3]]), "utf-8")
    (tmp_path / "xxx.more").write_text("".join([*lines[120:], "lemma0\tanother\tV;0\n"]), "utf-8")
    (tmp_path / "other-train-low").write_text("".join(lines[:30]), "utf-8")
    names = [tmp_path / name for name in ("xxx", "xxx.more", "other-train-low")]
    assert run(*names, "--out", tmp_path / "out", "--dev", "0.2") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "xxx: 200 rows; left out 3 repeated and 1 with a second form for a cell"
    assert said[1:4] == [
        f"  {tmp_path / 'out' / 'xxx.trn'}: 140 rows, 14 lemmas",
        f"  {tmp_path / 'out' / 'xxx.dev'}: 40 rows, 4 lemmas",
        f"  {tmp_path / 'out' / 'xxx.tst'}: 20 rows, 2 lemmas",
    ]
    assert said[4].startswith("other: 30 rows")
    made = [files.read(tmp_path / "out" / f"xxx.{part}") for part in ("trn", "dev", "tst")]
    assert {one.order for one in made} == {files.NEWEST}
    assert {row for one in made for row in one.rows} == set(table(20))
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert run(*names, "--out", tmp_path / "out", "--seed", "1") == 2
    assert "xxx.trn is there already; give another folder" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert run(tmp_path / "xxx", "--out", tmp_path / "two", "--test", "0") == 0
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["xxx.dev", "xxx.trn"]


def test_what_cannot_be_split_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "xxx.covered.tst").write_text("a\tV;PST\nb\tV;PST\n", "utf-8")
    (tmp_path / "yyy").write_text("a\tb\tV;PST\na\tc\tV;PRS\n", "utf-8")
    out = tmp_path / "out"
    for line, says in [
        ((tmp_path / "xxx.covered.tst",), "what is split must have forms"),
        ((tmp_path / "yyy",), "yyy: 1 lemmas for 3 parts, and no lemma can be in two"),
        ((tmp_path / "yyy", "--dev", "0.5", "--test", "0.5"), "wanted shares that leave some rows to train on"),
    ]:
        assert run(*line, "--out", out) == 2
        assert says in capsys.readouterr().err
        assert not out.exists()
    assert run(tmp_path / "yyy", "--out", tmp_path / "yyy") == 2
    assert f"--out: {tmp_path / 'yyy'} is a file; wanted a folder" in capsys.readouterr().err
    for share in ("1", "-0.1", "nan", "x"):
        with pytest.raises(SystemExit, match="2"):
            run(tmp_path / "yyy", "--out", out, "--dev", share)
        assert "wanted a share of at least 0 and below 1" in capsys.readouterr().err


@pytest.mark.data
def test_files_of_unimorph_are_split_with_all_their_cells(data_root: Path) -> None:
    for lang, names in {"kaz": ["kaz", "kaz.noun.tsv"], "mlt": ["mlt"]}.items():
        found = [row for name in names for row in files.read(data_root / "unimorph" / lang / name).rows]
        unique = cells(found)
        parts = split(unique.rows, dev=0.1, test=0.1, seed=0)
        assert {row.lang for row in unique.rows} == {lang}
        assert sum(map(len, parts.values())) == len({(row.lemma, row.features) for row in found})
        for part in ("dev", "tst"):
            assert abs(len(parts[part]) / len(unique.rows) - 0.1) < 0.01
