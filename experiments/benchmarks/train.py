"""Tokens per second of one masked-LM training step: ours against Hugging Face and PyTorch, in turns, in one run.

    uv run --group bench python experiments/benchmarks/train.py
    uv run --group bench --extra cuda13 python experiments/benchmarks/train.py --device gpu

Every side runs in a process of its own on the same batches, with as many threads as there are cores, dropout off,
gradients clipped at norm 1, AdamW. On one core (`taskset -c 0`) our side has what `workbench run` sets for its
one-threaded workers. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import sides
import sizes
import timing
from sides import Device, End, Name, Start
from timing import Seconds

from workbench import files
from workbench.objectives.batch import Batch
from workbench.training import flops

HERE = Path(__file__).parent
GOALS = {"hf-bert": 1.8, "hf-modernbert": 1.8, "tuned": 1.2}  # in tokens per second
GPU_GOALS = {"tuned-compiled": 1.2}
PEAK_FLOPS = 790e12  # measured by llm.c on an H100 in bfloat16, https://github.com/karpathy/llm.c/discussions/481
START_SECONDS = 300  # a side that has not ended its first step by then is left out, and named


class Remote(timing.Remote):
    """One side, which may fail to start."""

    def __init__(self, name: Name, size: sizes.Size, device: Device, weights: Path, batches: list[Batch]) -> None:
        keeps = name.startswith("tuned")
        super().__init__(sides.serve, name, size, device, weights, batches, ours=name == "ours", keeps=keeps)

    def start(self) -> Start | str:
        """How it starts, or why it doesn't."""
        try:
            if self.pipe.poll(START_SECONDS):
                found: Start = self.pipe.recv()
                return found
            reason = f"first step not done after {START_SECONDS} s"
        except EOFError:
            reason = "ended before its first step; its error is above"
        self.process.kill()
        self.process.join()
        return reason

    def steps(self, number: int) -> Seconds:
        seconds: Seconds = self.ask(number)
        return seconds

    def finish(self) -> End:
        found: End = self.ask(None)
        self.process.join()
        return found


def measure(
    label: str,
    size: sizes.Size,
    batches: Mapping[Name, list[Batch]],
    device: Device,
    rounds: int,
    round_seconds: float,
) -> dict[str, Any]:
    """Everything about one size, as it goes into the result file; each side has its own batches."""
    running: dict[str, Remote] = {}
    starts: dict[str, Start] = {}
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in batches:  # one after another: compile times are each side's own; ours first, it writes the weights
            remote = Remote(name, size, device, Path(folder) / "weights.npz", batches[name])
            found = remote.start()
            if isinstance(found, str):
                left_out[name] = found
            else:
                running[name], starts[name] = remote, found
            print(f"{label} {name}: {found}", flush=True)
    probe = {name: remote.steps(1) for name, remote in running.items()}
    num_steps = max(1, round(round_seconds / statistics.median(seconds.wall for seconds in probe.values())))

    def steps_of(remote: Remote) -> Callable[[], Seconds]:
        return lambda: remote.steps(num_steps)

    compared = timing.interleave({name: steps_of(remote) for name, remote in running.items()}, rounds)
    ends = {name: remote.finish() for name, remote in running.items()}
    record = compared.record("ours")
    tokens = {name: num_steps * mean_tokens(found) for name, found in batches.items()}
    operations = flops.formula(size.model(), size.vocab_size, (size.batch_size, size.length), size.num_predictions)
    return {
        "size": asdict(size),
        "device": device,
        "steps_per_round": num_steps,
        **record,
        "tokens_per_second": {
            name: {clock: tokens[name] / seconds for clock, seconds in found.items()}
            for name, found in record["seconds"].items()
        },
        "flops_per_step": operations,
        "flops_per_second": {name: operations * num_steps / found["wall"] for name, found in record["seconds"].items()},
        "start": {name: asdict(start) for name, start in starts.items()},
        "end": {name: asdict(end) for name, end in ends.items()},
        "left_out": left_out,
    }


def mean_tokens(batches: Sequence[Batch]) -> float:
    """Tokens of a batch that are not padding."""
    return statistics.mean(int(np.count_nonzero(batch.segments)) for batch in batches)


def table(result: dict[str, Any]) -> str:
    """One size as Markdown."""
    size = result["size"]
    lines = [
        f"d{size['width']} L{size['num_layers']} S{size['length']} B{size['batch_size']} V{size['vocab_size']}, "
        f"{size['dtype']}, {result['device']}; {result['rounds']} rounds of {result['steps_per_round']} steps; "
        f"{result['machine']['cpu']}, {result['machine']['cores']} cores, load {result['machine']['load1']}",
        "",
        "| side | parameters | tokens/s | tokens/CPU-s | ours is faster by (wall) | (CPU) | "
        "first step, s | peak memory, MB | loss, first → last |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, tokens in result["tokens_per_second"].items():
        start, end = result["start"][name], result["end"][name]
        peak = end["device_peak"] or end["resident_peak"] - end["resident_before"]
        ratios = [
            "–" if name == "ours" else "{median:.2f} ({low:.2f}–{high:.2f})".format(**result["ratios"][name][clock])
            for clock in ("wall", "cpu")
        ]
        lines.append(
            f"| {name} | {start['num_parameters'] / 1e6:.2f} M | {tokens['wall']:,.0f} | {tokens['cpu']:,.0f} | "
            f"{ratios[0]} | {ratios[1]} | {start['compile']['wall']:.1f} | {peak / 1e6:,.0f} | "
            f"{start['first_loss']:.4f} → {end['last_loss']:.4f} |"
        )
    lines += [f"\n{name} is left out: {why}" for name, why in result["left_out"].items()]
    if result["device"] == "gpu":
        for name, rate in result["flops_per_second"].items():
            peak = result["matmul_flops_per_second"]
            lines.append(
                f"\n{name}: {rate / 1e12:.0f} TFLOP/s, {100 * rate / PEAK_FLOPS:.1f} % of {PEAK_FLOPS / 1e12:.0f}, "
                f"{100 * rate / peak:.1f} % of this device's own {peak / 1e12:.0f} in a large matrix product"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--sizes", nargs="+", choices=sizes.SIZES, help="s and m on a CPU, 110m and 350m on a GPU")
    parser.add_argument("--sides", nargs="+", choices=sides.NAMES, default=list(sides.NAMES))
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--round-seconds", type=float, default=1.5, help="how long one side runs in a round, about")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the result files")
    options = parser.parse_args(arguments)
    if "ours" not in options.sides:
        parser.error("--sides: ours is what the others are compared with")
    names: list[Name] = ["ours", *(name for name in options.sides if name != "ours")]
    peers = GOALS if options.device == "cpu" else GPU_GOALS
    ratios, goals = {}, {}
    for label in options.sizes or (["s", "m"] if options.device == "cpu" else ["110m", "350m"]):
        size = sizes.SIZES[label]
        batches = dict.fromkeys(names, sizes.batches(size))
        result = measure(label, size, batches, options.device, options.rounds, options.round_seconds)
        if options.device == "gpu":
            result["matmul_flops_per_second"] = sides.alone(sides.matmul_rate)
        files.write_text(options.out / f"train-{options.device}-{label}.json", json.dumps(result, indent=1) + "\n")
        print(f"\n{table(result)}\n", flush=True)
        for peer, found in result["ratios"].items():
            ratios[f"{label}/{peer}"] = found["wall"]["median"]
            if peer in peers:
                goals[f"{label}/{peer}"] = peers[peer]
    print(timing.last_line(ratios, goals) if ratios else json.dumps({"min_ratio": None}))


if __name__ == "__main__":
    sys.exit(main())
