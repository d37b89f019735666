"""Inflection, ours against yoyodyne in turns in one run: examples trained on and forms written per second.

    uv run --group bench python experiments/benchmarks/inflect.py

Reads `tur.trn` and `tur.tst` of SIGMORPHON 2023 under WORKBENCH_DATA. All sides have encoder and decoder of the same
widths, AdamW, gradients clipped at norm 1, no dropout, float32, the same rows and batch sizes, and as many threads as
there are cores. Two peers, with yoyodyne's default positions, sinusoids: *pointer*, its pointer-generator transformer,
which like ours may copy characters, and *plain*, its transformer, which may not. Both are spared Lightning's loop and
the reading of files, and use PyTorch's fused AdamW; else they are as they come: random batches padded to their longest
row, decoders that read the whole prefix again for each character, beams kept in Python. A batch of their search is 64
rows, where they are within 5 % of their fastest, of ours 64 hypotheses. Where greedy search finds a form of half of
all probability, our beam search ends, for five beams would find the same. Test rows come in one random order, for the
file goes word by word. Searching is timed after training, so that forms end; rows go in and strings come out.
Compiling is not timed, but told. Ends with one line of JSON.

PyTorch's threads wait for each other by spinning: on a busy machine it is many times slower than it is. To measure
there all the same, `taskset -c 0` gives every side one thread, and ours what `workbench run` sets for its workers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import timing
from inflect_sides import BATCH_SIZES, MODEL, NAMES, Name, Plan, Start, Train, Write, serve
from timing import Seconds

from workbench import files, seeds
from workbench.inflection.batches import STEP
from workbench.inflection.rows import read
from workbench.sources.embedded.data import data_home

HERE = Path(__file__).parent
GOALS = {"train-32": 1.6, "train-128": 1.6, "greedy": 20.0, "beam-5": 20.0}  # over each peer, in examples per second


class Side(timing.Remote):
    """One side, and what it says of itself when it is ready."""

    def __init__(self, name: Name, plan: Plan) -> None:
        super().__init__(serve, name, plan, ours=name == "ours")
        self.start: Start = self.pipe.recv()


def measure(sides: dict[Name, Side], asked: Train | Write, rounds: int) -> tuple[dict[str, Any], dict[Name, Any]]:
    """What the result file says of one kind of work, and each side's answers in order, the first one's included."""
    answers: dict[Name, list[Any]] = {name: [] for name in sides}

    def variant(name: Name) -> Callable[[], Seconds]:
        def work() -> Seconds:
            seconds, answer = sides[name].ask(asked)
            answers[name].append(answer)
            return seconds

        return work

    first = {name: variant(name)() for name in sides}  # compiles a search; training was compiled at the start
    compared = timing.interleave({name: variant(name) for name in sides}, rounds, warm_up=0)
    record = compared.record("ours")
    examples = asked.batch_size * asked.steps if isinstance(asked, Train) else asked.rows
    rates = {
        name: {clock: examples / seconds for clock, seconds in found.items()}
        for name, found in record["seconds"].items()
    }
    compile_seconds = {
        name: side.start.compile[asked.batch_size]
        if isinstance(asked, Train)
        else max(0.0, first[name].wall - compared.median(name, "wall"))
        for name, side in sides.items()
    }
    return {**record, "examples": examples, "per_second": rates, "compile_seconds": compile_seconds}, answers


def plan_of(folder: Path, examples: int, rounds: int) -> Plan:
    training, rows = (read(folder / f"tur.{split}").rows for split in ("trn", "tst"))
    longest = 1 + max(len(row.form or "") for row in (*training, *rows))
    test = [rows[number] for number in seeds.stream(0, "test").permutation(len(rows))]
    return Plan(training, test, examples, rounds + 1, -(-longest // STEP) * STEP)  # and the round that compiles


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    machine = result["works"]["greedy"]["machine"]
    lines = [
        f"Turkish of SIGMORPHON 2023; d{MODEL.width}, {MODEL.num_layers}+{MODEL.num_decoder_layers} layers; "
        f"{result['rounds']} rounds; {machine['cpu']}, {machine['cores']} cores, load {machine['load1']}",
        "",
        "| work | side | examples/s | examples/CPU-s | ours is faster by (wall) | (CPU) | compiling, s |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for work, found in result["works"].items():
        for name, rate in found["per_second"].items():
            ratios = [
                "–" if name == "ours" else "{median:.2f} ({low:.2f}–{high:.2f})".format(**found["ratios"][name][clock])
                for clock in ("wall", "cpu")
            ]
            lines.append(
                f"| {work} | {name} | {rate['wall']:,.1f} | {rate['cpu']:,.1f} | {ratios[0]} | {ratios[1]} | "
                f"{found['compile_seconds'][name]:.1f} |"
            )
    shares = {
        **{f"exact match, {work}, n {result['works'][work]['examples']:,}": f for work, f in result["exact"].items()},
        **{f"padding at batch {size}": found for size, found in result["padded"].items()},
    }
    lines += [
        "",
        f"| side | parameters | loss, first → last | {' | '.join(shares)} |",
        "|---|--:|--:|" + "--:|" * len(shares),
    ]
    for name, start in result["start"].items():
        first, last = result["losses"][name]
        cells = [f"{100 * found[name]:.1f} %" for found in shares.values()]
        lines.append(
            f"| {name} | {start['num_parameters'] / 1e6:.2f} M | {first:.3f} → {last:.3f} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with tur.trn and tur.tst, if not under WORKBENCH_DATA")
    parser.add_argument("--alone", action="store_true", help="our side only")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--examples", type=int, default=3_200, help="of a round of training")
    parser.add_argument("--rows", type=int, default=1_000, help="test rows of a round of greedy search")
    parser.add_argument("--beam-rows", type=int, default=256, help="test rows of a round of beam search")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the result file")
    options = parser.parse_args(arguments)
    plan = plan_of(options.data or data_home() / "sigmorphon2023", options.examples, options.rounds)
    asked: dict[str, Train | Write] = {
        **{f"train-{size}": Train(size, options.examples // size) for size in BATCH_SIZES},
        "greedy": Write(1, min(options.rows, len(plan.test))),
        "beam-5": Write(5, min(options.beam_rows, len(plan.test))),
    }
    sides = {name: Side(name, plan) for name in (NAMES[:1] if options.alone else NAMES)}
    works, answers = {}, {}
    for work, question in asked.items():
        works[work], answers[work] = measure(sides, question, options.rounds)
        rates = ", ".join(f"{name} {rate['wall']:,.1f}" for name, rate in works[work]["per_second"].items())
        print(f"{work}, examples/s: {rates}", flush=True)
    for side in sides.values():
        side.end()
    gold = [row.form for row in plan.test]
    result = {
        "rounds": options.rounds,
        "start": {name: side.start._asdict() for name, side in sides.items()},
        "works": works,
        "losses": {name: [answers["train-32"][name][0], answers["train-128"][name][-1]] for name in sides},
        "exact": {
            work: {name: share_equal(found[-1], gold) for name, found in answers[work].items()}
            for work in ("greedy", "beam-5")
        },
        "padded": {str(size): {name: one.start.padded[size] for name, one in sides.items()} for size in BATCH_SIZES},
    }
    files.write_text(options.out / "inflect.json", json.dumps(result, indent=1) + "\n")
    print(f"\n{table(result)}\n", flush=True)
    stuck = [name for name, (first, last) in result["losses"].items() if last >= first]
    if stuck:
        sys.exit(f"{', '.join(stuck)}: the loss did not fall, so what was timed is no training")
    ratios = {
        f"{work}/{peer}": found["wall"]["median"] for work in works for peer, found in works[work]["ratios"].items()
    }
    goals = {name: GOALS[name.split("/")[0]] for name in ratios}
    print(timing.last_line(ratios, goals) if ratios else json.dumps({"min_ratio": None}))


def share_equal(forms: Sequence[str], gold: Sequence[str | None]) -> float:
    """Of the first `len(forms)` rows."""
    return sum(form == wanted for form, wanted in zip(forms, gold, strict=False)) / len(forms)


if __name__ == "__main__":
    main()
