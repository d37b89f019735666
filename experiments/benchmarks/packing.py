"""Real tokens per second on real sentences: our packed rows against batches padded to their longest sentence.

    uv run --group bench python experiments/benchmarks/packing.py --data DATA

DATA holds `ntrex/`. Both sides read sentences of the same four languages in the same pieces (16,000, trained on them),
16 rows a step: our rows are full of sentences, the peer's hold one each, in random order and padded to the longest of
the batch, as transformers' Trainer and collator do by default. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sizes
import timing
from sides import Name
from train import HERE, mean_tokens, measure

from workbench import config, files, languages, seeds
from workbench.mixture.packing import pack
from workbench.objectives.batch import Batch, Rows
from workbench.sources import parallel
from workbench.tokenizer import train as train_tokenizer

CODES = ("cym", "swa", "hun")  # and English
NUM_BATCHES = 12


def sentences(root: Path, size: sizes.Size) -> list[np.ndarray]:
    """Every sentence as ids, cut at the length of a row as a collator would."""
    pairs = {code: list(parallel.ntrex(root, code)) for code in CODES}
    texts = {languages.parse(code): [pair.target for pair in found] for code, found in pairs.items()}
    texts[languages.parse("eng")] = [pair.source for pair in pairs[CODES[0]]]
    with tempfile.TemporaryDirectory() as folder:
        settings = config.Tokenizer(vocab_size=size.vocab_size)
        tokenizer = train_tokenizer.train(texts, settings, Path(folder) / "pieces.model", seed=0)
    return [ids[: size.length] for found in texts.values() for ids in tokenizer.encode_all(found)]


def padded(found: Sequence[np.ndarray], size: sizes.Size) -> list[Batch]:
    """Batches of `batch_size` sentences in random order, each padded to its longest.

    Random: from (0, "padded")
    """
    rng = seeds.stream(0, "padded")
    order = rng.permutation(len(found))
    batches = []
    for number in range(NUM_BATCHES):
        chosen = [found[at] for at in order[number * size.batch_size : (number + 1) * size.batch_size]]
        length = max(len(ids) for ids in chosen)
        rows = Rows(*(np.zeros((len(chosen), length), np.int32) for _ in range(3)))
        for row, ids in enumerate(chosen):
            rows.ids[row, : len(ids)], rows.segments[row, : len(ids)] = ids, 1
            rows.positions[row, : len(ids)] = np.arange(len(ids))
        batches.append(sizes.objective(size)(rows, rng))
    return batches


def packed(found: Sequence[np.ndarray], size: sizes.Size) -> list[Batch]:
    """Batches of full rows, as a run of the workbench reads them.

    Random: from (0, "packed")
    """
    rng, rows = seeds.stream(0, "packed"), pack(found, size.length)
    order = rng.permutation(len(rows))
    parts = [order[number * size.batch_size : (number + 1) * size.batch_size] for number in range(NUM_BATCHES)]
    return [sizes.objective(size)(rows.take(part), rng) for part in parts]


def filled(batches: Sequence[Batch]) -> float:
    """Share of places that hold a token."""
    return sum(np.count_nonzero(batch.segments) for batch in batches) / sum(batch.segments.size for batch in batches)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ntrex/")
    parser.add_argument("--peer", choices=("hf-bert", "hf-modernbert"), default="hf-bert")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args(arguments)
    size = sizes.SIZES["s"]
    found = sentences(options.data / "ntrex", size)
    peer: Name = options.peer
    batches: dict[Name, list[Batch]] = {"ours": packed(found, size), peer: padded(found, size)}
    result = measure("ntrex", size, batches, "cpu", options.rounds, round_seconds=4.0)
    result["filled"] = {name: filled(own) for name, own in batches.items()}
    result["mean_tokens"] = {name: mean_tokens(own) for name, own in batches.items()}
    result["languages"] = CODES
    files.write_text(options.out / "packing.json", json.dumps(result, indent=1) + "\n")
    for name, tokens in result["tokens_per_second"].items():
        print(
            f"{name}: {tokens['wall']:,.0f} real tokens/s, {tokens['cpu']:,.0f} per CPU-s; "
            f"{100 * result['filled'][name]:.1f} % of places filled"
        )
    print(timing.last_line({f"real tokens/s over {peer}": ratio_of_rates(result, peer)}, {}))


def ratio_of_rates(result: Mapping[str, Any], peer: str) -> float:
    """Real tokens per CPU-second: sides read different numbers of tokens in a round, so seconds alone don't compare."""
    rates = result["tokens_per_second"]
    return float(rates["ours"]["cpu"] / rates[peer]["cpu"])


if __name__ == "__main__":
    main()
