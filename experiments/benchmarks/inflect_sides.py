"""The sides of the inflection benchmark, each alone in a process of its own: how to train, write and wait."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from multiprocessing.connection import Connection
from typing import Any, Literal, NamedTuple, Protocol, assert_never

from timing import Seconds, timed

from workbench import config, seeds
from workbench.inflection.rows import Row, atoms

Name = Literal["ours", "pointer", "plain"]
NAMES: tuple[Name, ...] = ("ours", "pointer", "plain")
BATCH_SIZES = (32, 128)
SEARCH_BATCH = 64  # rows; of ours hypotheses. Of 32, 64, 128 and 256 the peers are fastest with 32 and 64
MODEL = config.Transducer()
OPTIM = config.Optim(learning_rate=1e-3)


@dataclass(frozen=True, slots=True)
class Plan:
    """What every side is given.

    `examples` are trained on in a round, and `rounds` are all that train at one batch size; `max_length` counts the
    characters that may be written, the end of the form among them.
    """

    training: Sequence[Row]
    test: Sequence[Row]
    examples: int
    rounds: int
    max_length: int


class Start(NamedTuple):
    """Units: by batch size: compile in seconds until every shape was trained on once; padded in shares of places."""

    num_parameters: int
    versions: dict[str, str]
    compile: dict[int, float]
    padded: dict[int, float]


class Train(NamedTuple):
    """To be answered by the mean loss of these steps, in nats per character."""

    batch_size: int
    steps: int


class Write(NamedTuple):
    """To be answered by the forms of the first `rows` test rows."""

    beams: int
    rows: int


class Side(Protocol):
    num_parameters: int
    versions: dict[str, str]

    def first(self, batch_size: int) -> None: ...
    def train(self, batch_size: int, steps: int) -> float: ...
    def padded(self, batch_size: int) -> float: ...
    def write(self, rows: Sequence[Row], beams: int) -> list[str]: ...


class Ours:
    """The workbench, through its public parts."""

    def __init__(self, plan: Plan) -> None:
        import jax

        jax.config.update("jax_platforms", "cpu")
        from workbench import models
        from workbench.inflection.alphabet import Alphabet
        from workbench.training import optim, state

        data = config.InflectionData(languages=("tur",))
        self.alphabet = Alphabet.of(plan.training, num_slots=data.max_slots, min_lemmas=data.min_lemmas)
        self.encoded = [self.alphabet.encode(row) for row in plan.training]
        self.plan, self.rule = plan, optim.rule(OPTIM)
        model = models.build_transducer(MODEL, self.alphabet.size, seed=0)
        self.state: Any = state.start(model, self.rule, 0)
        self.num_parameters, self.versions = models.num_parameters(model), {"jax": jax.__version__}
        self.stream, self.done = cache(self._stream), dict.fromkeys(BATCH_SIZES, 0)

    def _stream(self, batch_size: int) -> Any:
        """Batches for all rounds."""
        from workbench.inflection.batches import InflectionStream

        steps = self.plan.rounds * (self.plan.examples // batch_size)
        return InflectionStream(
            {"tur": self.encoded},
            {"tur": 1.0},
            steps=steps,
            batch_size=batch_size,
            num_shapes=config.InflectionTrain().buckets,
            seed=0,
        )

    def _step(self, batch: Any) -> Any:
        from workbench.models.transducer import transducer_loss
        from workbench.training.step import train_step

        self.state, metrics = train_step(self.state, batch, OPTIM.learning_rate, rule=self.rule, loss=transducer_loss)
        return metrics.loss

    def first(self, batch_size: int) -> None:
        stream = self.stream(batch_size)
        batches = map(stream.batch, range(stream.steps))
        for batch in {(one.inputs.shape, one.targets.shape): one for one in batches}.values():
            float(self._step(batch))

    def train(self, batch_size: int, steps: int) -> float:
        stream, first = self.stream(batch_size), self.done[batch_size]
        losses = [self._step(stream.batch(step)) for step in range(first, first + steps)]
        self.done[batch_size] += steps
        return sum(map(float, losses)) / steps

    def padded(self, batch_size: int) -> float:
        return float(self.stream(batch_size).padded_rate)

    def write(self, rows: Sequence[Row], beams: int) -> list[str]:
        from workbench.inflection.write import forms

        # a length penalty of 0, for the peer's beams compare sums of log-probabilities
        size = min(SEARCH_BATCH, len(rows))
        search = config.Search(beams=beams, length_penalty=0.0, max_length=self.plan.max_length, batch_size=size)
        return forms([self.state.model], self.alphabet, rows, search)


class Yoyodyne:
    """A yoyodyne model, its index, its collator and its search, in a training loop that does no more than it must."""

    def __init__(self, plan: Plan, kind: Literal["pointer", "plain"]) -> None:
        import logging

        import lightning
        import torch
        from yoyodyne import data, models, optimizers
        from yoyodyne.data import collators, indexes, mappers
        from yoyodyne.models import modules

        torch.set_num_threads(len(os.sched_getaffinity(0)))
        torch.manual_seed(0)
        index = indexes.Index(
            source_vocabulary={c for row in plan.training for c in row.lemma},
            features_vocabulary={f"[{atom}]" for row in plan.training for atom in atoms(row)},
            target_vocabulary={c for row in plan.training for c in row.form or ""},
        )
        self.mapper, self.collate = mappers.Mapper(index), collators.Collator(has_features=True, has_target=True)
        self.item = data.datasets.Item
        self.encoded = [self._encode(row) for row in plan.training]
        everything = (*plan.training, *plan.test)
        shape: dict[str, Any] = {
            "source_encoder": modules.FeatureInvariantTransformerEncoder(
                attention_heads=MODEL.num_heads,
                dropout=MODEL.dropout,
                embedding_size=MODEL.width,
                hidden_size=MODEL.feed_forward,
                layers=MODEL.num_layers,
            ),
            "features_encoder": True,  # the source's own
            "decoder_attention_heads": MODEL.num_heads,
            "decoder_dropout": MODEL.dropout,
            "decoder_hidden_size": MODEL.feed_forward,
            "decoder_layers": MODEL.num_decoder_layers,
            "embedding_size": MODEL.width,
            "max_source_length": max(len(row.lemma) for row in everything),
            "max_features_length": max(len(atoms(row)) for row in everything),
            "max_target_length": plan.max_length,
            "vocab_size": index.vocab_size,
            "target_vocab_size": index.target_vocab_size,
        }
        beta1, beta2 = OPTIM.betas
        rates = {"lr": OPTIM.learning_rate, "beta1": beta1, "beta2": beta2, "weight_decay": OPTIM.weight_decay}
        kinds = {"pointer": models.PointerGeneratorTransformerModel, "plain": models.TransformerModel}
        self.model = kinds[kind](**shape, optimizer=partial(optimizers.AdamW, **rates, fused=True))
        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
        self.model.trainer = lightning.Trainer(  # asked for only to tell validation from prediction
            accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
        )
        (self.optimizer,), _ = self.model.configure_optimizers()
        self.num_parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self.versions = {"torch": torch.__version__, "yoyodyne": version("yoyodyne")}
        self.order = cache(self._order)
        self.done = dict.fromkeys(BATCH_SIZES, 0)

    def _encode(self, row: Row) -> Any:
        return self.item(
            source=self.mapper.encode_source(row.lemma),
            features=self.mapper.encode_features([f"[{atom}]" for atom in atoms(row)]),
            target=self.mapper.encode_target(row.form or ""),
        )

    def _order(self, epoch: int) -> list[int]:
        """Random: from (0, "benchmark-inflect", epoch)"""
        return seeds.stream(0, "benchmark-inflect", epoch).permutation(len(self.encoded)).tolist()

    def _batch(self, batch_size: int, step: int) -> Any:
        """Whole batches of an epoch, one after another."""
        epoch, number = divmod(step, len(self.encoded) // batch_size)
        chosen = self.order(epoch)[number * batch_size : (number + 1) * batch_size]
        return self.collate([self.encoded[row] for row in chosen])

    def first(self, batch_size: int) -> None:
        self.train(batch_size, 1)

    def train(self, batch_size: int, steps: int) -> float:
        import torch

        self.model.train()
        losses = []
        for _ in range(steps):
            batch = self._batch(batch_size, self.done[batch_size])
            loss = self.model.loss_func(self.model(batch), batch.target.tensor)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), OPTIM.clip_norm, foreach=True)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            losses.append(loss.detach())
            self.done[batch_size] += 1
        return sum(map(float, losses)) / steps

    def padded(self, batch_size: int) -> float:
        batches = [self._batch(batch_size, step) for step in range(len(self.encoded) // batch_size)]
        masks = [part.mask for batch in batches for part in (batch.source, batch.features, batch.target)]
        return sum(int(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks)

    def write(self, rows: Sequence[Row], beams: int) -> list[str]:
        import torch

        self.model.eval()
        self.model.beam_width = beams
        found = []
        for start in range(0, len(rows), SEARCH_BATCH):
            batch = self.collate([self._encode(row) for row in rows[start : start + SEARCH_BATCH]])
            with torch.inference_mode():
                written = self.model.predict_step(batch, 0)
            best = written if beams == 1 else written[0][:, 0]
            found += ["".join(self.mapper.decode_target(ids)) for ids in best.tolist()]
        return found


def build(name: Name, plan: Plan) -> Side:
    match name:
        case "ours":
            return Ours(plan)
        case "pointer" | "plain":
            return Yoyodyne(plan, name)
        case _:
            assert_never(name)


def serve(name: Name, plan: Plan, pipe: Connection) -> None:
    """Build a side, tell what it is, then do and time what each message asks for; None ends it."""
    side = build(name, plan)
    compile_seconds = {size: timed(partial(side.first, size)).wall for size in BATCH_SIZES}
    padded = {size: side.padded(size) for size in BATCH_SIZES}
    pipe.send(Start(side.num_parameters, side.versions, compile_seconds, padded))
    while asked := pipe.recv():
        pipe.send(_answer(side, plan, asked))


def _answer(side: Side, plan: Plan, asked: Train | Write) -> tuple[Seconds, Any]:
    answers: list[Any] = []

    def work() -> None:
        match asked:
            case Train(batch_size, steps):
                answers.append(side.train(batch_size, steps))
            case Write(beams, rows):
                answers.append(side.write(plan.test[:rows], beams))
            case _:
                assert_never(asked)

    seconds = timed(work)
    return seconds, answers[0]
