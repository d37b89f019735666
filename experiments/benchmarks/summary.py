"""The page of benchmarks, from the result files alone.

uv run python experiments/benchmarks/summary.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import inflect
from train import HERE, table

from workbench import files

HEAD = """# Benchmarks

Made by `summary.py` from `results/*.json`; every number was measured by the command above it. Variants run in turns
within one run; ratios are medians over rounds, with quartiles. A load above the number of cores says that the machine
was busy with other work: wall-clock figures then mean little, and CPU figures of PyTorch suffer from its spinning
threads, so measure again on a quiet machine before you quote them.

*tuned* is our own encoder written for PyTorch as well as we know how: same weights, same loss to six digits, fused
projections, `scaled_dot_product_attention` without a mask, vocabulary softmax at masked positions only, fused AdamW,
and freed memory kept as our workers keep it. It computes its last layer at every position; ours where something is
predicted alone, which is about a seventh of a step at 4 layers, a twelfth at 8. *hf-bert* and *hf-modernbert* are
transformers' models with sdpa and fused AdamW, as they come. FLOPs are counted by formula (`workbench.training.flops`).
"""


def page(results: Path) -> str:
    parts = [HEAD]
    training = sorted(results.glob("train-*.json"))
    if training:
        parts.append("## One masked-LM step\n\n`uv run --group bench python experiments/benchmarks/train.py`\n")
    for path in training:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(_versions(read(path)).items()))
        parts.append(f"### {path.stem.removeprefix('train-')}\n\n{table(read(path))}\n\n{versions}\n")
    if (path := results / "packing.json").exists():
        parts.append(packing(read(path)))
    if (path := results / "input_pipeline.json").exists():
        parts.append(input_pipeline(read(path)))
    for path in sorted(results.glob("checkpoint-*.json")):
        parts.append(checkpoint(read(path)))
    parts.append(inflection(results / "inflect.json"))
    if (path := results / "synth-cpu.json").exists():
        parts.append(synthesis(read(path)))
    for path in sorted(results.glob("finetune-*.json")):
        parts.append(fine_tuning(read(path)))
    if (path := results / "probe-cpu.json").exists():
        parts.append(retrieval(read(path)))
    return "\n".join(parts)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _versions(result: dict[str, Any]) -> dict[str, str]:
    return {name: version for start in result["start"].values() for name, version in start["versions"].items()}


def _machine(result: dict[str, Any]) -> str:
    machine = result["machine"]
    return f"{machine['cpu']}, {machine['cores']} cores, load {machine['load1']}"


def packing(result: dict[str, Any]) -> str:
    lines = [
        "## Real sentences: packed rows against padded batches",
        "",
        "`uv run --group bench python experiments/benchmarks/packing.py --data DATA`",
        "",
        f"NTREX, languages {', '.join(result['languages'])} and eng, at size s; {_machine(result)}.",
        "",
        "| side | places that hold a token | real tokens a step | real tokens/s | real tokens/CPU-s |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, rate in result["tokens_per_second"].items():
        lines.append(
            f"| {name} | {100 * result['filled'][name]:.1f} % | {result['mean_tokens'][name]:,.0f} | "
            f"{rate['wall']:,.0f} | {rate['cpu']:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def input_pipeline(result: dict[str, Any]) -> str:
    lines = [
        "## Input pipeline",
        "",
        "`uv run --group bench python experiments/benchmarks/input_pipeline.py`",
        "",
        f"Batches of {result['batch_size']} rows of {result['length']}; {_machine(result)}.",
        "",
        "| side | M tokens per CPU-second | ours is faster by |",
        "|---|--:|--:|",
    ]
    for name, rate in result["tokens_per_cpu_second"].items():
        ratio = "–" if name.startswith("ours") else f"{result['ratios'][name]['cpu']['median']:.1f}"
        lines.append(f"| {name} | {rate / 1e6:.2f} | {ratio} |")
    return "\n".join(lines) + "\n"


def checkpoint(result: dict[str, Any]) -> str:
    return (
        "## Checkpoints\n\n`uv run python experiments/benchmarks/checkpoint.py`\n\n"
        f"{result['state_bytes'] / 1e6:,.0f} MB on {result['backend']}: a save holds up the loop "
        f"{result['blocked_seconds']:.2f} s and is whole after {result['save_seconds']:.2f} s; a step takes "
        f"{result['step_seconds']:.2f} s. At one save every {result['checkpoint_every']} steps that is "
        f"{100 * result['blocked_share']:.2f} % of the time; it is one hundredth at one every "
        f"{result['steps_apart_for_a_hundredth']} steps. {_machine(result)}.\n"
    )


def inflection(path: Path) -> str:
    lines = [
        "## Inflection",
        "",
        "`uv run --group bench python experiments/benchmarks/inflect.py`",
        "",
        "*pointer* and *plain* are yoyodyne's pointer-generator transformer and its transformer, spared Lightning's",
        "loop. Padding is that of our buckets of like length, and of their random batches. Exact match tells that",
        "each side has learnt, and no more: it is trained once and briefly, and five beams write fewer rows.",
        "",
    ]
    if path.exists():
        versions = ", ".join(f"{name} {version}" for name, version in sorted(_versions(read(path)).items()))
        lines += [inflect.table(read(path)), "", versions]
    else:
        lines.append("Not yet measured on a quiet machine.")
    return "\n".join(lines) + "\n"


def synthesis(result: dict[str, Any]) -> str:
    """Of sentences per CPU-second: the medians over rounds."""
    machine = result["machine"]
    lines = [
        "## Pseudo text",
        "",
        "`uv run --group bench python experiments/benchmarks/synth.py`",
        "",
        f"{result['sentences']:,} English sentences through one lexicon by the published rule; {machine['cpu']},",
        f"{machine['cores']} core(s), load {machine['load1']}. *with encode* adds what making the corpus' word ids",
        "costs, once for all lexicons and seeds.",
        "",
        "| ours beside | ours is faster by (CPU) |",
        "|---|--:|",
    ]
    lines += [f"| {name} | {ratio:.2f} |" for name, ratio in result["cpu_ratios"].items()]
    return "\n".join(lines) + "\n"


def retrieval(result: dict[str, Any]) -> str:
    told = "The 10 nearest in 512 dimensions; the neighbours are the same as faiss finds."
    return _works("Retrieval", "probe.py", told, result)


def fine_tuning(result: dict[str, Any]) -> str:
    alone = result["one_of_200"]
    told = (
        f"Size {result['size']}, {result['steps']} steps and {result['examples']:,} examples a round, against the "
        f"Trainer of transformers. An example of one language in 200 costs "
        f"{alone['cpu_seconds_per_example'] / alone['together']:.1f} times as much read alone as read with all others."
    )
    return _works("Fine-tuning", f"finetune.py --size {result['size']}", told, result)


def _works(title: str, command: str, told: str, result: dict[str, Any]) -> str:
    works = {name: found for name, found in result.items() if isinstance(found, dict) and "ratios" in found}
    machine = next(iter(works.values()))["machine"]
    lines = [
        f"## {title}",
        "",
        f"`uv run --group bench python experiments/benchmarks/{command}`",
        "",
        f"{told} {machine['cpu']}, {machine['cores']} core(s) for every side, load {machine['load1']}.",
        "",
        "| work | side | seconds | ours is faster by (wall) | (CPU) |",
        "|---|---|--:|--:|--:|",
    ]
    for work, found in works.items():
        for name, seconds in found["seconds"].items():
            ratios = [
                "–" if name not in found["ratios"] else "{median:.2f} ({low:.2f}–{high:.2f})".format(**by_clock)
                for by_clock in (found["ratios"].get(name, {}).get(clock, {}) for clock in ("wall", "cpu"))
            ]
            lines.append(f"| {work} | {name} | {seconds['wall']:.2f} | {ratios[0]} | {ratios[1]} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    files.write_text(HERE / "README.md", page(HERE / "results"))
