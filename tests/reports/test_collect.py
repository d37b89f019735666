from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.files import write_jsonl
from workbench.records import Result
from workbench.reports import collect
from workbench.reports.collect import Cell

SEEDS = (0, 1, 2)


def variants(rows: list[Result]) -> list[str]:
    return sorted({row.variant for row in rows if not collect.is_floor(row.variant)})


def test_rows_survive_a_round_trip_through_a_file(rows: list[Result], tmp_path: Path) -> None:
    write_jsonl(tmp_path / "results.jsonl", [row.to_json() for row in rows])
    assert collect.read(tmp_path / "results.jsonl") == rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": "0"}, "seed: input should be a valid integer"),
        ({"value": None}, "value: input should be a valid number"),
        ({"value": float("nan")}, "value: input should be a finite number"),
        ({"seeds": 3}, "seeds: extra inputs are not permitted"),
        ({"higher_is_better": 1}, "higher_is_better: input should be a valid boolean"),
    ],
)
def test_a_row_of_the_wrong_shape_is_refused_by_name(
    rows: list[Result], tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({**rows[0].to_json(), **change}) + "\n")
    with pytest.raises(BadInput, match=rf"row 1.*{said}"):
        collect.read(path)


def test_two_rows_for_one_cell_and_seed_are_refused(rows: list[Result]) -> None:
    with pytest.raises(BadInput, match="two rows for"):
        collect.gather([*rows, replace(rows[0], value=1.0, run="another")])


def test_rows_over_different_data_are_never_mixed(rows: list[Result]) -> None:
    with pytest.raises(BadInput, match=r"mix data_revision 'd1' \(run .*\) and 'd2' \(run late\)"):
        collect.gather([*rows, replace(rows[0], seed=9, data_revision="d2", run="late")])


def test_one_metric_has_one_unit_and_one_direction(rows: list[Result]) -> None:
    with pytest.raises(BadInput, match="but in 'bits/char'"):
        collect.gather([*rows, replace(rows[0], seed=9, unit="bits/char")])


def test_a_missing_cell_names_itself_and_its_nearest(rows: list[Result]) -> None:
    results = collect.gather(rows)
    with pytest.raises(
        BadInput, match=r"no row for 'lexicon': lm/masked_bits_per_byte \[K=9\] for cym-Latn.*nearest.*K=7"
    ):
        results.by_seed(Cell("lexicon", "lm", "cym-Latn", "test", "masked_bits_per_byte", "K=9"))
    with pytest.raises(BadInput, match="did you mean the variant 'lexicon'"):
        results.by_seed(Cell("lexicn", "lm", "cym-Latn", "test", "masked_bits_per_byte", "K=7"))


def test_a_missing_seed_names_the_cell_and_the_seed(rows: list[Result]) -> None:
    cell = Cell("lexicon", "lm", "cym-Latn", "test", "masked_bits_per_byte", "K=7")
    lacking = [
        r for r in rows if not (r.variant == "lexicon" and r.task == "lm" and r.lang == "cym-Latn" and r.seed == 1)
    ]
    with pytest.raises(BadInput, match="lacks seed 1 of 0, 1, 2"):
        collect.gather(lacking).by_seed(cell)


def test_a_floor_may_have_one_seed_and_an_arm_may_not(rows: list[Result]) -> None:
    results = collect.gather(rows)
    floor = Cell("floor:majority", "intents", "cym-Latn", "test", "accuracy", "")
    assert list(results.by_seed(floor)) == [0]


def test_freezing_is_byte_stable_whatever_the_order_of_the_rows(rows: list[Result], tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    collect.freeze(rows, variants=variants(rows), seeds=SEEDS, dest=first)
    collect.freeze(rows[::-1], variants=variants(rows), seeds=SEEDS, dest=second)
    assert first.read_bytes() == second.read_bytes()
    assert collect.gather(collect.read(first)) == collect.gather(rows)


def test_freezing_refuses_every_hole_and_writes_nothing(rows: list[Result], tmp_path: Path) -> None:
    dest = tmp_path / "results.jsonl"
    without_run = [r for r in rows if not (r.variant == "few-text" and r.seed == 2)]
    with pytest.raises(BadInput, match="variant 'few-text' has no row for seed 2"):
        collect.freeze(without_run, variants=variants(rows), seeds=SEEDS, dest=dest)
    without_cell = [
        r for r in rows if not (r.variant == "none" and r.seed == 2 and r.lang == "gle-Latn" and r.task == "lm")
    ]
    with pytest.raises(BadInput, match=r"'none': lm/masked_bits_per_byte \[K=7\] for gle-Latn, test lacks seed 2"):
        collect.freeze(without_cell, variants=variants(rows), seeds=SEEDS, dest=dest)
    with pytest.raises(BadInput, match="variant 'new' has no row for seed 0, 1, 2"):
        collect.freeze(rows, variants=[*variants(rows), "new"], seeds=SEEDS, dest=dest)
    with pytest.raises(BadInput, match="variant 'none' is not in the study"):
        collect.freeze(rows, variants=[v for v in variants(rows) if v != "none"], seeds=SEEDS, dest=dest)
    with pytest.raises(BadInput, match="has rows for seed 2, which the study does not name"):
        collect.freeze(rows, variants=variants(rows), seeds=(0, 1), dest=dest)
    half_floor = [r for r in rows if not (r.variant == "floor:char-6gram (lexicon)" and r.seed == 0)]
    with pytest.raises(BadInput, match=r"'floor:char-6gram \(lexicon\)' has several seeds but lacks 0"):
        collect.freeze(half_floor, variants=variants(rows), seeds=SEEDS, dest=dest)
    assert not dest.exists()


def test_no_rows_is_an_error() -> None:
    with pytest.raises(BadInput, match="no result rows"):
        collect.gather([])
