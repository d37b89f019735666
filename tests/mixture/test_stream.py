"""The stream: random access, exact counts, epochs in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import config
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.mixture.stream import Stream, gather
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.mlm import MaskedLM

LENGTH = 8
ROWS = {
    "eng": pack([np.full(LENGTH, 10 + i) for i in range(20)], LENGTH),
    "cym": pack([np.full(LENGTH, 40 + i) for i in range(5)], LENGTH),
    "wol": pack([np.full(5, 49)], LENGTH),
}
SHARES = {"eng": 0.7, "cym": 0.299, "wol": 0.001}


def stream(seed: int = 0, steps: int = 12, batch_size: int = 4, **mlm: object) -> Stream:
    objective = MaskedLM(config.MaskedLM(**mlm), vocab_size=50, mask=4, first_id=5)
    return Stream(ROWS, SHARES, objective, steps=steps, batch_size=batch_size, seed=seed)


def originals(batch: Batch) -> list[int]:
    """The one id that each row of these data consists of."""
    return [int(np.bincount(row[row > 4]).argmax()) for row in batch.inputs]


def same(one: Batch, other: Batch) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@settings(max_examples=20)
@given(st.permutations(range(12)))
def test_a_batch_depends_on_seed_and_step_alone_not_on_what_was_read_before(order: list[int]) -> None:
    fresh, used = stream(), stream()
    for step in order:
        assert same(used.batch(step), fresh.batch(step))
    assert same(stream().batch(order[0]), used.batch(order[0]))


def test_another_seed_gives_other_batches_and_no_two_steps_corrupt_alike() -> None:
    assert not same(stream(seed=0).batch(0), stream(seed=1).batch(0))
    places = {stream().batch(step).predict.tobytes() for step in range(12)}
    assert len(places) > 6


def test_counts_are_exact_and_no_row_comes_again_before_all_of_its_language_have_come() -> None:
    data = stream()
    seen = [i for step in range(12) for i in originals(data.batch(step))]
    welsh = [i for i in seen if 40 <= i < 45]
    english = [i for i in seen if i < 40]
    assert (len(english), len(welsh), seen.count(49)) == (33, 14, 1)
    assert sorted(welsh[:5]) == sorted(welsh[5:10]) == list(range(40, 45))
    assert welsh[:5] != welsh[5:10]
    assert sorted(english[:20]) == list(range(10, 30))


def test_the_report_says_what_the_run_really_gives() -> None:
    rows = {row.lang: row for row in stream().report()}
    assert (rows["cym"].num_rows_drawn, rows["cym"].epochs, rows["cym"].num_tokens) == (14, 14 / 5, 40)
    assert (rows["wol"].num_rows_drawn, rows["wol"].share, rows["wol"].num_tokens) == (1, 0.001, 5)
    assert not any(row.warning for row in rows.values())
    long = {row.lang: row for row in stream(steps=100).report()}
    assert "23.8 epochs, more than 16" in long["cym"].warning
    assert not long["wol"].warning
    assert "14.0 epochs, more than 4" in long["eng"].warning


class Counted(np.ndarray):
    """Counts how often it is read."""

    reads = 0

    def __getitem__(self, index: object) -> object:
        Counted.reads += 1
        return np.asarray(self)[index]


def test_a_thousand_languages_read_no_more_per_batch_than_ten() -> None:
    objective = MaskedLM(config.MaskedLM(), vocab_size=50, mask=4, first_id=5)
    reads = {}
    for number in (10, 1000):
        plain = {f"l{i:04}": pack([np.full(LENGTH, 10)] * (1000 // number), LENGTH) for i in range(number)}
        rows = {
            lang: Rows(*(part.view(Counted) for part in (one.ids, one.segments, one.positions)))
            for lang, one in plain.items()
        }
        many = Stream(rows, dict.fromkeys(rows, 1 / number), objective, steps=300, batch_size=4, seed=0)
        assert len(many.report()) == number
        assert min(row.num_rows_drawn for row in many.report()) >= 1
        Counted.reads = 0
        assert many.batch(299).inputs.shape == (4, LENGTH)
        reads[number] = Counted.reads
    assert reads[10] == reads[1000] == 3 * 4, "one copy per example and array"


def test_rows_on_disk_give_the_same_batches_and_are_never_read_whole(tmp_path: Path) -> None:
    mapped = {}
    for lang, rows in ROWS.items():
        parts = []
        for name in ("ids", "segments", "positions"):
            np.save(tmp_path / f"{lang}-{name}.npy", getattr(rows, name))
            parts.append(np.load(tmp_path / f"{lang}-{name}.npy", mmap_mode="r"))
        mapped[lang] = Rows(*parts)
    objective = MaskedLM(config.MaskedLM(), vocab_size=50, mask=4, first_id=5)
    disk = Stream(mapped, SHARES, objective, steps=12, batch_size=4, seed=0)
    assert all(same(disk.batch(step), stream().batch(step)) for step in range(12))
    arrays = [value for value in vars(disk).values() if isinstance(value, np.ndarray)]
    assert sum(array.nbytes for array in arrays) == 12 * 4 * (4 + 2), "only the plan is in memory"


def test_a_batch_larger_than_the_data_repeats_rows_and_says_how_often() -> None:
    objective = MaskedLM(config.MaskedLM(), vocab_size=50, mask=4, first_id=5)
    large = Stream({"cym": ROWS["cym"]}, {"cym": 1.0}, objective, steps=1, batch_size=12, seed=0)
    seen = originals(large.batch(0))
    assert {seen.count(i) for i in range(40, 45)} == {2, 3}
    assert large.report()[0].epochs == 12 / 5


def test_pairs_keep_which_part_a_token_belongs_to() -> None:
    pairs = {lang: Rows(rows.ids, rows.segments, rows.positions, rows.segments * 7) for lang, rows in ROWS.items()}
    index = (np.array([0, 1, 2, 1]), np.array([3, 4, 0, 19]))
    found = gather([pairs["cym"], pairs["eng"], pairs["wol"]], *index)
    assert found.part is not None
    assert np.array_equal(found.part, found.segments * 7)
    with pytest.raises(BadInput, match="some languages' rows hold pairs"):
        gather([pairs["cym"], ROWS["eng"]], *index)


def test_a_language_without_rows_is_an_error_that_names_it() -> None:
    objective = MaskedLM(config.MaskedLM(), vocab_size=50, mask=4, first_id=5)
    with pytest.raises(BadInput, match="wol has no training rows"):
        Stream({**ROWS, "wol": pack([], LENGTH)}, SHARES, objective, steps=3, batch_size=4, seed=0)
    with pytest.raises(BadInput, match="shares of"):
        Stream(ROWS, {"eng": 1.0}, objective, steps=3, batch_size=4, seed=0)
    with pytest.raises(BadInput, match="one length"):
        Stream({**ROWS, "wol": pack([np.ones(4)], 4)}, SHARES, objective, steps=3, batch_size=4, seed=0)
    with pytest.raises(IndexError):
        stream().batch(12)
