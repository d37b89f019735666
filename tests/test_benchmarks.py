"""The benchmarks' own side, without PyTorch, at toy size: they run against the code as it is and write results."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from workbench import config
from workbench.inflection.rows import Row

BENCHMARKS = Path(__file__).resolve().parents[1] / "experiments" / "benchmarks"

Load = Callable[[str], ModuleType]
FORMS = {"N;NOM;SG": "", "N;NOM;PL": "ler"}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_variants_take_turns_and_warm_up_rounds_do_not_count(load: Load) -> None:
    order: list[str] = []
    variants = {name: (lambda name=name: order.append(name)) for name in "abc"}
    compared = load("timing").interleave(variants, rounds=3, warm_up=1)
    turns = ["".join(order[at : at + 3]) for at in range(0, 12, 3)]
    assert turns == ["cab", "abc", "bca", "cab"]
    assert all(len(found) == 3 for found in compared.seconds.values())


def test_a_ratio_is_the_median_over_rounds_of_the_peers_seconds_over_ours(load: Load) -> None:
    timing = load("timing")
    seconds = {
        "ours": [timing.Seconds(1.0, 2.0), timing.Seconds(2.0, 2.0), timing.Seconds(1.0, 2.0)],
        "peer": [timing.Seconds(3.0, 2.0), timing.Seconds(8.0, 6.0), timing.Seconds(5.0, 4.0)],
    }
    compared = timing.Comparison(timing.machine(), 3, seconds)
    assert compared.ratio("ours", "peer", "wall") == timing.Ratio(median=4.0, low=3.5, high=4.5)
    assert compared.ratio("ours", "peer", "cpu").median == 2.0
    assert json.loads(json.dumps(compared.record("ours")))["ratios"]["peer"]["wall"]["median"] == 4.0


def test_the_last_line_names_the_goals_that_were_missed(load: Load) -> None:
    line = json.loads(load("timing").last_line({"a": 1.5, "b": 3.0}, {"a": 1.8, "b": 1.8}))
    assert line == {"min_ratio": 1.5, "missed": ["a"], "ratios": {"a": 1.5, "b": 3.0}, "goals": {"a": 1.8, "b": 1.8}}


def test_both_sides_get_full_rows_with_as_many_predictions_as_there_is_room_for(load: Load) -> None:
    sizes = load("sizes")
    size = sizes.SIZES["toy"]
    for batch in sizes.batches(size):
        assert batch.inputs.shape == (size.batch_size, size.length)
        assert np.all(batch.segments == 1)
        assert batch.predict.shape == (size.batch_size, size.num_predictions)


def test_our_side_of_the_training_benchmark_learns_at_toy_size(load: Load, tmp_path: Path) -> None:
    sizes, sides = load("sizes"), load("sides")
    size = sizes.SIZES["toy"]
    batches = sizes.batches(size)
    side = sides.build("ours", size, "cpu", tmp_path / "weights.npz")
    losses = []
    for _ in range(3):
        side.step(batches[0])
        losses.append(side.wait())
    assert losses[0] > losses[1] > losses[2]
    with np.load(tmp_path / "weights.npz") as weights:
        assert side.num_parameters == sum(weights[name].size for name in weights.files)


@pytest.mark.slow
def test_our_side_of_the_inflection_benchmark_learns_and_writes(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = load("inflect_sides")
    toy = config.Transducer(width=16, num_layers=1, num_decoder_layers=1, num_heads=2, feed_forward=16, local_heads=0)
    monkeypatch.setattr(sides, "MODEL", toy)
    monkeypatch.setattr(sides, "BATCH_SIZES", (4,))
    rows = [Row("tur", lemma, features, lemma + end) for lemma in ("ev", "el") for features, end in FORMS.items()]
    side = sides.build("ours", sides.Plan(rows, rows, examples=40, rounds=2, max_length=16))
    side.first(4)
    assert side.train(4, 10) > side.train(4, 10)
    assert 0 < side.padded(4) < 1
    assert len(side.write(rows, beams=1)) == len(side.write(rows[:2], beams=2)) + 2


def test_the_input_pipeline_and_the_checkpoints_write_their_results(load: Load, tmp_path: Path) -> None:
    load("input_pipeline").main(["--alone", "--rows", "64", "--rounds", "2", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "input_pipeline.json").read_text())
    assert set(found["tokens_per_cpu_second"]) == {"ours", "ours, whole words"}
    load("checkpoint").main(["--size", "toy", "--saves", "1", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "checkpoint-toy.json").read_text())
    assert 0 < found["blocked_seconds"] <= found["save_seconds"]


def test_the_committed_table_is_what_the_results_give(load: Load) -> None:
    summary = load("summary")
    assert (BENCHMARKS / "README.md").read_text("utf-8") == summary.page(BENCHMARKS / "results")


def test_each_training_benchmark_says_what_it_does_without_loading_pytorch() -> None:
    script = "import sys; sys.argv = ['train.py', '--help']; import runpy\n"
    script += f"sys.path.insert(0, {str(BENCHMARKS)!r})\n"
    script += f"try: runpy.run_path({str(BENCHMARKS / 'train.py')!r}, run_name='__main__')\n"
    script += "except SystemExit: assert 'torch' not in sys.modules"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "--device" in shown.stdout
