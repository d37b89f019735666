"""Tokens per CPU-second that the host prepares: our stream with masking against PyTorch's DataLoader and collator.

    uv run --group bench python experiments/benchmarks/input_pipeline.py

The same rows of ids, the same batches of 32, 15 % masked 80/10/10; no worker processes and nothing prefetched, so all
work is inside the measurement. The collator is given the special-tokens mask, without which it is slower still. Ends
with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timing

from workbench import config, files, seeds
from workbench.mixture.stream import Stream
from workbench.objectives.batch import Rows
from workbench.objectives.mlm import MaskedLM

HERE = Path(__file__).parent
VOCAB_SIZE, LENGTH, BATCH_SIZE, FIRST_ID, MASK = 16_000, 128, 32, 10, 4
GOAL = 20.0


def rows(num_rows: int) -> Rows:
    """Random: from (0, "rows")"""
    ids = seeds.stream(0, "rows").integers(FIRST_ID, VOCAB_SIZE, (num_rows, LENGTH), dtype=np.int32)
    positions = np.broadcast_to(np.arange(LENGTH, dtype=np.int32), ids.shape).copy()
    return Rows(ids, np.ones_like(ids), positions)


def ours(data: Rows, whole_words: bool = False) -> Callable[[], None]:
    """One epoch of the workbench's stream; planning the run is part of it."""
    starts = np.arange(VOCAB_SIZE) % 2 == 0
    settings = config.MaskedLM(whole_words=whole_words)
    objective = MaskedLM(settings, VOCAB_SIZE, MASK, FIRST_ID, starts if whole_words else None)

    def epoch() -> None:
        steps = len(data) // BATCH_SIZE
        stream = Stream({"x": data}, {"x": 1.0}, objective, steps=steps, batch_size=BATCH_SIZE, seed=0)
        for step in range(steps):
            stream.batch(step)

    return epoch


def theirs(data: Rows) -> Callable[[], None]:
    """One epoch of a DataLoader with transformers' collator for masked language modelling."""
    import tokenizers
    import torch
    import transformers

    special = {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    names = [*special.values(), *(f"p{number}" for number in range(VOCAB_SIZE - len(special)))]
    words = tokenizers.models.WordLevel({name: number for number, name in enumerate(names)}, unk_token="<unk>")
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizers.Tokenizer(words), **special)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ids, nothing = torch.from_numpy(data.ids.astype(np.int64)), torch.zeros(LENGTH, dtype=torch.int64)
    examples = [{"input_ids": row, "special_tokens_mask": nothing} for row in ids]
    collator = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    loader: Any = torch.utils.data.DataLoader(examples, batch_size=BATCH_SIZE, shuffle=True, collate_fn=collator)

    def epoch() -> None:
        for _ in loader:
            pass

    return epoch


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_096)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--alone", action="store_true", help="without PyTorch")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args(arguments)
    data = rows(options.rows)
    variants: dict[str, Callable[[], None]] = {"ours": ours(data), "ours, whole words": ours(data, whole_words=True)}
    if not options.alone:
        variants["DataLoader and collator"] = theirs(data)
    compared = timing.interleave(variants, options.rounds)
    rates = {name: data.ids.size / compared.median(name, "cpu") for name in variants}
    record = {"tokens": data.ids.size, "batch_size": BATCH_SIZE, "length": LENGTH, "tokens_per_cpu_second": rates}
    files.write_text(options.out / "input_pipeline.json", json.dumps(record | compared.record("ours"), indent=1) + "\n")
    for name, rate in rates.items():
        print(f"{name}: {rate / 1e6:.2f} M tokens per CPU-second")
    ratios = {peer: compared.ratio("ours", peer).median for peer in variants if peer.startswith("DataLoader")}
    print(timing.last_line(ratios, dict.fromkeys(ratios, GOAL)) if ratios else json.dumps({"min_ratio": None}))


if __name__ == "__main__":
    main()
