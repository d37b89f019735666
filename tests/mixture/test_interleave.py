"""Tasks in turns: exact shares, each task's own order, any step at any time."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import config
from workbench.errors import BadInput
from workbench.mixture.interleave import Interleaved, allot_steps
from workbench.mixture.packing import pack
from workbench.mixture.stream import Stream
from workbench.objectives.batch import Batch
from workbench.objectives.causal import Causal
from workbench.objectives.mlm import MaskedLM

LENGTH = 8
ROWS = {"eng": pack([np.full(LENGTH, 10 + i) for i in range(20)], LENGTH)}
MLM = MaskedLM(config.MaskedLM(), vocab_size=50, mask=4, first_id=5)


def parts(steps: int = 10) -> dict[str, Stream]:
    allotted = allot_steps({"mlm": 0.8, "causal": 0.2}, steps)
    objectives = {"mlm": MLM, "causal": Causal(bos=2)}
    return {
        name: Stream(ROWS, {"eng": 1.0}, objectives[name], steps=count, batch_size=2, seed=0)
        for name, count in allotted.items()
    }


def same(one: Batch, other: Batch) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True) if a is not None)


def test_every_batch_of_every_task_comes_once_in_its_order() -> None:
    streams = parts()
    mixed = Interleaved(streams, seed=0)
    assert mixed.steps == 10
    tasks = [mixed.task(step) for step in range(10)]
    assert (tasks.count("mlm"), tasks.count("causal")) == (8, 2)
    for name, stream in streams.items():
        steps = [step for step in range(10) if tasks[step] == name]
        for own, step in enumerate(steps):
            assert same(mixed.batch(step), stream.batch(own))
            assert mixed.describe(step) == f"{name}: eng 2"


def test_the_turns_depend_on_the_seed_alone_and_any_step_can_be_asked_for_first() -> None:
    long = [[Interleaved(parts(60), seed=seed).task(step) for step in range(60)] for seed in (0, 0, 1)]
    assert long[0] == long[1] != long[2]
    assert same(Interleaved(parts(), seed=0).batch(7), Interleaved(parts(), seed=0).batch(7))
    with pytest.raises(IndexError):
        Interleaved(parts(), seed=0).batch(10)


def test_the_report_has_every_language_of_every_task_with_its_share_of_the_run() -> None:
    rows = {row.lang: row for row in Interleaved(parts(), seed=0).report()}
    assert {name: row.share for name, row in rows.items()} == pytest.approx({"mlm: eng": 0.8, "causal: eng": 0.2})
    assert rows["mlm: eng"].epochs == 16 / 20


def test_no_task_or_a_task_too_small_is_an_error() -> None:
    with pytest.raises(BadInput, match="at least one stream"):
        Interleaved({}, seed=0)
    assert allot_steps({"a": 0.999, "b": 0.001}, 5) == {"a": 4, "b": 1}, "no task starves"
