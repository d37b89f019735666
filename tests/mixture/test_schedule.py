"""Staged mixtures: exact shares in each stretch, epochs over the whole run."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from workbench import config
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.mixture.schedule import Stretch, schedule
from workbench.mixture.stream import Stream
from workbench.objectives.causal import Causal

LENGTH = 4
COUNTS = {"eng": 100, "cym": 10}
ROWS = {
    "eng": pack([np.full(LENGTH, 100 + i) for i in range(100)], LENGTH),
    "cym": pack([np.full(LENGTH, 10 + i) for i in range(10)], LENGTH),
}
HALVES = config.StagedMixture(
    stages=(
        config.MixtureStage(share=0.75, mixture=config.ExplicitMixture(weights={"eng": 3.0, "cym": 1.0})),
        config.MixtureStage(share=0.25, mixture=config.ExponentMixture(alpha=0.0)),
    )
)


def staged(seed: int = 0, steps: int = 8) -> Stream:
    stretches = schedule(COUNTS, HALVES, steps, 4)
    return Stream(ROWS, stretches, Causal(bos=2), steps=steps, batch_size=4, seed=seed)


def rows_of(stream: Stream, steps: range) -> list[int]:
    return [int(row[0]) for step in steps for row in stream.batch(step).targets]


def test_an_unstaged_mixture_is_one_stretch() -> None:
    (stretch,) = schedule(COUNTS, config.ExponentMixture(alpha=0.0), 10, 4)
    assert stretch == Stretch(10, {"eng": 0.5, "cym": 0.5})


def test_stages_by_hand() -> None:
    assert schedule(COUNTS, HALVES, 8, 4) == (
        Stretch(6, {"eng": 0.75, "cym": 0.25}),
        Stretch(2, {"eng": 0.5, "cym": 0.5}),
    )
    with pytest.raises(BadInput, match="2 stages do not fit into 1 steps"):
        schedule(COUNTS, HALVES, 1, 4)
    with pytest.raises(ValidationError, match=r"shares must sum to 1, got 0\.75"):
        config.StagedMixture(stages=HALVES.stages[:1])


def test_each_stretch_has_its_counts_and_epochs_go_on_across_stretches() -> None:
    stream = staged()
    first, second = rows_of(stream, range(6)), rows_of(stream, range(6, 8))
    assert (sum(i < 100 for i in first), sum(i < 100 for i in second)) == (6, 4)
    welsh = [i for i in first + second if i < 100]
    assert sorted(welsh) == list(range(10, 20)), "no row of ten comes twice in ten draws, whatever the stretch"
    rows = {row.lang: row for row in stream.report()}
    assert (rows["cym"].num_rows_drawn, rows["cym"].epochs, rows["eng"].num_rows_drawn) == (10, 1.0, 22)
    assert rows["cym"].share == pytest.approx(0.75 * 0.25 + 0.25 * 0.5)


def test_epochs_of_the_whole_schedule_are_warned_about() -> None:
    stream = staged(steps=64)
    warnings = {row.lang: row.warning for row in stream.report()}
    assert "8.0 epochs, more than 4" in warnings["cym"]
    assert not warnings["eng"]
    assert "20.0 epochs, more than 16" in {row.lang: row.warning for row in staged(steps=160).report()}["cym"]


def test_a_staged_batch_is_a_function_of_seed_and_step() -> None:
    one, other = staged(), staged()
    rows_of(one, range(5))
    assert rows_of(one, range(7, 8)) == rows_of(other, range(7, 8)) != rows_of(staged(seed=1), range(7, 8))


def test_one_stretch_is_the_plain_stream() -> None:
    plain = Stream(ROWS, {"eng": 0.5, "cym": 0.5}, Causal(bos=2), steps=5, batch_size=4, seed=3)
    same = Stream(ROWS, (Stretch(5, {"eng": 0.5, "cym": 0.5}),), Causal(bos=2), steps=5, batch_size=4, seed=3)
    assert rows_of(plain, range(5)) == rows_of(same, range(5))


def test_a_stage_may_leave_a_language_out_but_not_all_of_them() -> None:
    stretches = (Stretch(2, {"eng": 1.0}), Stretch(2, {"eng": 0.5, "cym": 0.5}))
    stream = Stream(ROWS, stretches, Causal(bos=2), steps=4, batch_size=4, seed=0)
    assert all(i >= 100 for i in rows_of(stream, range(2)))
    assert sum(i < 100 for i in rows_of(stream, range(2, 4))) == 4
    with pytest.raises(BadInput, match=r"rows of \['cym', 'eng'\] but shares of \['eng'\]"):
        Stream(ROWS, stretches[:1], Causal(bos=2), steps=2, batch_size=4, seed=0)
    with pytest.raises(BadInput, match="stretches of 4 steps in all for a run of 5"):
        Stream(ROWS, stretches, Causal(bos=2), steps=5, batch_size=4, seed=0)
