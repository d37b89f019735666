"""Fine-tuning steps and evaluated examples per second: ours against the Hugging Face Trainer, in turns, in one run.

    uv run --group bench python experiments/benchmarks/finetune.py

Both sides classify the same examples, of lengths as in MASSIVE, with an encoder of the same shape and as many threads
as there are cores: batches of like length (the Trainer's `group_by_length`, with padding to the longest of each batch),
float32, AdamW, gradients clipped at norm 1, dropout 0. On one core (`taskset -c 0`) our side has what `workbench run`
sets for its one-threaded workers. Our evaluation reads the examples of all languages in one pass; `one of 200` is the
cost of a two hundredth of them read alone. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import sizes
import timing
from timing import Remote, Seconds, timed

from workbench import files, seeds

HERE = Path(__file__).parent
GOALS = {"train": 1.5, "evaluate": 1.5}
SIZES = {
    "toy": sizes.Size(32, 1, 2, 64, length=64, batch_size=8, vocab_size=100),
    "xs": sizes.Size(96, 2, 4, 256, length=64, batch_size=32, vocab_size=6_000),
    "s": sizes.Size(256, 4, 4, 688, length=64, batch_size=32, vocab_size=16_000),
}
NUM_CLASSES, NUM_LANGUAGES = 60, 200


def examples(size: sizes.Size, count: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Ids and labels; half of the examples have at most 10 tokens.

    Random: from (0, "benchmark-finetune")
    """
    rng = seeds.stream(0, "benchmark-finetune")
    lengths = np.clip(np.round(rng.lognormal(np.log(10), 0.5, count)), 2, size.length).astype(int)
    ids = [rng.integers(sizes.FIRST_ID, size.vocab_size, length).astype(np.int32) for length in lengths]
    return ids, rng.integers(0, NUM_CLASSES, count).astype(np.int32)


Work = dict[str, Callable[[int], object]]


def ours(size: sizes.Size, ids: list[np.ndarray], labels: np.ndarray) -> Work:
    import jax

    from workbench import config, models
    from workbench.evaluation import fine_tune
    from workbench.evaluation.task_batches import Encoded, Names, training_lengths, training_order
    from workbench.languages import parse
    from workbench.models.task_heads import TaskHeads
    from workbench.tasks.task import Example

    none = [np.zeros(0, np.int64)] * len(ids)
    encoded = Encoded(ids, none, labels, [np.zeros(0, np.int32)] * len(ids))
    names = Names(tuple(map(str, range(NUM_CLASSES))), ())
    settings = config.FineTune(
        batch_size=size.batch_size,
        heads=config.Heads(dropout=0.0),
        checks=1,
        optim=config.Optim(learning_rate=1e-4, warmup_steps=0),
    )
    shapes = training_lengths(encoded.lengths, size.length)
    english = parse("eng-Latn")
    shown = [Example(str(number), english, "", str(label)) for number, label in enumerate(labels)]
    model = models.build(size.model(), size.vocab_size, seed=0)
    heads = TaskHeads(size.width, NUM_CLASSES, 0, 0, np.random.default_rng(0))
    held: dict[str, Any] = {"weights": fine_tune.Weights(model, heads)}

    def train(steps: int) -> None:
        order = training_order([encoded.lengths], [1.0], steps, size.batch_size, seeds.stream(0, "order"))
        *_, (_, held["weights"]) = fine_tune.updates(
            held["weights"], encoded, order, settings, jax.random.key(0), shapes
        )
        jax.block_until_ready(held["weights"])

    def evaluate(count: int) -> None:
        chosen = Encoded(ids[:count], none[:count], labels[:count], encoded.tags[:count])
        fine_tune.read(held["weights"], names, shown[:count], chosen, settings)

    def evaluate_few(count: int) -> None:
        """One language's share of the examples: what an example costs where there are few."""
        evaluate(count // NUM_LANGUAGES)

    return {"train": train, "evaluate": evaluate, "evaluate-few": evaluate_few}


def trainer(size: sizes.Size, ids: list[np.ndarray], labels: np.ndarray) -> Work:
    import os

    import torch
    import transformers

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    transformers.logging.set_verbosity_error()
    shape = transformers.BertConfig(
        vocab_size=size.vocab_size, hidden_size=size.width, num_hidden_layers=size.num_layers,
        num_attention_heads=size.num_heads, intermediate_size=round(1.5 * size.feed_forward),
        max_position_embeddings=size.length, num_labels=NUM_CLASSES, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(shape)
    rows = [{"input_ids": one.tolist(), "labels": int(label)} for one, label in zip(ids, labels, strict=True)]

    def collate(found: list[dict[str, Any]]) -> dict[str, Any]:
        longest = max(len(row["input_ids"]) for row in found)
        padded = torch.zeros((len(found), longest), dtype=torch.long)
        mask = torch.zeros_like(padded)
        for place, row in enumerate(found):
            padded[place, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
            mask[place, : len(row["input_ids"])] = 1
        wanted = torch.tensor([row["labels"] for row in found])
        return {"input_ids": padded, "attention_mask": mask, "labels": wanted}

    def made(folder: str, steps: int) -> Any:
        settings = transformers.TrainingArguments(
            output_dir=folder, max_steps=steps, per_device_train_batch_size=size.batch_size,
            per_device_eval_batch_size=4096 // 32, learning_rate=1e-4, weight_decay=0.01, max_grad_norm=1.0,
            train_sampling_strategy="group_by_length", report_to=[], save_strategy="no", logging_strategy="no",
            disable_tqdm=True, use_cpu=True,
        )  # fmt: skip
        return transformers.Trainer(model=model, args=settings, train_dataset=rows, data_collator=collate)

    def train(steps: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made(folder, steps).train()

    def evaluate(count: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made(folder, 1).predict(sorted(rows[:count], key=lambda row: len(row["input_ids"])))

    return {"train": train, "evaluate": evaluate}


def serve(name: str, label: str, count: int, pipe: Connection) -> None:
    """Build a side, then do and time what is asked for until nothing is."""
    size = SIZES[label]
    ids, labels = examples(size, count)
    work = ours(size, ids, labels) if name == "ours" else trainer(size, ids, labels)
    while (asked := pipe.recv()) is not None:
        what, number = asked
        pipe.send(timed(partial(work[what], number)))
    pipe.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="xs")
    parser.add_argument("--alone", action="store_true", help="our side only")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="of a round of training")
    parser.add_argument("--examples", type=int, default=4000, help="of a round of evaluation")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the result file")
    options = parser.parse_args(arguments)
    names = ["ours"] if options.alone else ["ours", "trainer"]
    remotes = {name: Remote(serve, name, options.size, options.examples, ours=name == "ours") for name in names}
    record: dict[str, Any] = {"size": options.size, "steps": options.steps, "examples": options.examples}
    ratios = {}
    for what, number in (("train", options.steps), ("evaluate", options.examples)):

        def variant(remote: Remote, what: str = what, number: int = number) -> Callable[[], Seconds]:
            return lambda: remote.ask((what, number))

        compared = timing.interleave({name: variant(remote) for name, remote in remotes.items()}, options.rounds)
        found = compared.record("ours")
        rates = {name: {clock: number / each[clock] for clock in each} for name, each in found["seconds"].items()}
        record[what] = {**found, "per_second": rates}
        for name, rate in rates.items():
            unit = "steps" if what == "train" else "examples"
            print(f"{what} {name}: {rate['wall']:,.1f} {unit}/s, {rate['cpu']:,.1f} {unit}/CPU-s", flush=True)
        for one in found["ratios"].values():
            ratios[what] = one["cpu"]["median"]
    few = timing.interleave({"few": lambda: remotes["ours"].ask(("evaluate-few", options.examples))}, options.rounds)
    share = options.examples // NUM_LANGUAGES
    alone = few.median("few", "cpu") / share
    together = record["evaluate"]["seconds"]["ours"]["cpu"] / options.examples
    record["one_of_200"] = {"examples": share, "cpu_seconds_per_example": alone, "together": together}
    print(f"an example of one language in 200, read alone: {alone / together:.1f} times one read with all")
    for remote in remotes.values():
        remote.end()
    files.write_text(options.out / f"finetune-{options.size}.json", json.dumps(record, indent=1) + "\n")
    goals = {name: goal for name, goal in GOALS.items() if name in ratios}
    print(timing.last_line(ratios, goals) if ratios else json.dumps({"min_ratio": None}))


if __name__ == "__main__":
    sys.exit(main())
