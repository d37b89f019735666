"""The share of a training loop's time that saving holds up.

    uv run python experiments/benchmarks/checkpoint.py

Trains at a size of the training benchmark, saves a few times through the workbench's own checkpoints, and divides: at
the default of one save every 200 steps, and how many steps apart saves must be to cost less than one hundredth. Ends
with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import jax
import sizes
import timing

from workbench import config, files, models
from workbench.runs.checkpoint import Checkpoints
from workbench.training import checkpoint, optim, state, step

HERE = Path(__file__).parent
GOAL = 0.01
LEARNING_RATE = 1e-4


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=sizes.SIZES, default="m")
    parser.add_argument("--saves", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args(arguments)
    here = timing.machine()
    size = sizes.SIZES[options.size]
    batches, rule = sizes.batches(size), optim.rule(config.Optim())
    held = state.start(models.build(size.model(), size.vocab_size, seed=0), rule, 0)
    num_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves((held.model, held.opt_state)))
    step_seconds, blocked, whole = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.saves + 1):
            for batch in batches:
                since = time.perf_counter()
                held, _ = step.train_step(held, batch, LEARNING_RATE, rule=rule)
                jax.block_until_ready(held)
                step_seconds.append(time.perf_counter() - since)
            checkpoints = Checkpoints(Path(folder) / str(number), {"config": "benchmark"})
            since = time.perf_counter()
            seconds = checkpoint.save(checkpoints, held, checkpoint.Progress())
            checkpoints.close()
            if number:  # the first warms up
                blocked.append(seconds)
                whole.append(time.perf_counter() - since)
    per_step, per_save = statistics.median(step_seconds[len(batches) :]), statistics.median(blocked)
    every = config.Train().checkpoint_every
    share = per_save / (per_save + every * per_step)
    record = {
        "machine": asdict(here),
        "size": asdict(size),
        "backend": jax.default_backend(),
        "state_bytes": num_bytes,
        "step_seconds": per_step,
        "blocked_seconds": per_save,
        "save_seconds": statistics.median(whole),
        "checkpoint_every": every,
        "blocked_share": share,
        "steps_apart_for_a_hundredth": math.ceil(per_save * (1 - GOAL) / GOAL / per_step),
    }
    files.write_text(options.out / f"checkpoint-{options.size}.json", json.dumps(record, indent=1) + "\n")
    print(
        f"{num_bytes / 1e6:.0f} MB: a save holds up the loop {per_save:.2f} s and is whole after "
        f"{record['save_seconds']:.2f} s; a step takes {per_step:.3f} s; every {every} steps: {100 * share:.2f} %"
    )
    print(json.dumps({"min_ratio": round(GOAL / share, 3), "blocked_share": round(share, 5), "goal": GOAL}))


if __name__ == "__main__":
    main()
