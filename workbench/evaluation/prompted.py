"""How a model that writes is asked: what its encoder and its decoder read, by what it was trained to do; in buckets.

Dims: B rows, T tokens, N new tokens, C continuations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, assert_never

import numpy as np

from workbench import config
from workbench.errors import BadInput
from workbench.evaluation.packed import BATCH_SIZE
from workbench.models import Decoder, EncoderDecoder, Model, decode
from workbench.objectives.batch import Tokens
from workbench.tokenizer.processor import TextTokenizer

SMALLEST, LARGE = 32, 128


class Question(NamedTuple):
    """Shapes: decoder [T], with its first symbol; encoder [S] or None"""

    decoder: np.ndarray
    encoder: np.ndarray | None
    is_prefix: bool = False  # the decoder sees all of the prompt from all of it


@dataclass(frozen=True, slots=True)
class Asker:
    """A decoder or encoder-decoder, asked in the way of its own training.

    A causal decoder goes on behind the prompt; a prefix LM has read it both ways. Of the encoder-decoders, AlexaTM's
    reads it behind `[CLM]` and writes what follows; without `[CLM]` it is given a text whose end is gone, as in
    denoising, and its decoder starts behind the prompt; BART's likewise, with a mask for the end. T5's fills a
    sentinel.

    Raises: BadInput for a model or an objective that cannot go on behind a prompt.
    """

    model: Decoder | EncoderDecoder
    tokenizer: TextTokenizer
    objective: config.Objective

    def question(self, prompt: np.ndarray) -> Question:
        vocab, objective = self.tokenizer.vocab, self.objective
        bos, eos = [vocab.bos], [vocab.eos]
        match objective:
            case config.Causal():
                return Question(_joined(bos, prompt), None)
            case config.PrefixLM() if isinstance(self.model, Decoder):
                return Question(_joined(bos, prompt, eos), None, is_prefix=True)
            case config.PrefixLM():
                return Question(_joined(bos), _joined(prompt, eos))
            case config.AlexaTM() if objective.causal_rate:
                return Question(_joined(bos), _joined([vocab.clm], prompt))
            case config.AlexaTM():
                return Question(_joined(bos, prompt), _joined(prompt, eos))
            case config.Denoise():
                return Question(_joined(bos, prompt), _joined(prompt, [vocab.mask], eos))
            case config.SpanCorruption():
                return Question(_joined(bos, [vocab.sentinel(0)]), _joined(prompt, [vocab.sentinel(0)], eos))
            case config.Deshuffle() | config.MaskedLM():
                raise BadInput(f"objective.kind {objective.kind!r} teaches no model to go on behind a prompt")
            case _:
                assert_never(objective)

    @property
    def ends(self) -> tuple[int, ...]:
        """What ends an output: `eos`; where the decoder fills a sentinel, also the next one."""
        vocab = self.tokenizer.vocab
        if isinstance(self.objective, config.SpanCorruption) and vocab.num_sentinels > 1:
            return (vocab.eos, vocab.sentinel(1))
        return (vocab.eos,)

    def log_probabilities(
        self, prompts: Sequence[np.ndarray], continuations: Sequence[np.ndarray], batch_size: int = BATCH_SIZE
    ) -> np.ndarray:
        """log p(continuation | prompt), a sum over its tokens. Shapes: [P] and [C] -> [P, C]; Units: nats"""
        sizes = np.array([len(ids) for ids in continuations], np.int32)
        if not sizes.size or not sizes.all():
            raise BadInput(f"labels: wanted at least one token each, got {sizes.tolist()}")
        padded = np.zeros((len(sizes), sizes.max()), np.int32)
        for row, ids in zip(padded, continuations, strict=True):
            row[: len(ids)] = ids
        found = np.zeros((len(prompts), len(sizes)))
        for chosen, decoder, encoder, prefix in self._batches(prompts, batch_size):
            scores = decode.continuation_log_probabilities(
                self.model, decoder, padded, sizes, source=encoder, prefix=prefix
            )
            found[chosen] = np.asarray(scores, np.float64)[: len(chosen)]
        return found

    def write(
        self,
        prompts: Sequence[np.ndarray],
        max_new: int,
        num_beams: int = 1,
        length_penalty: float = 1.0,
        batch_size: int = BATCH_SIZE,
    ) -> list[np.ndarray]:
        """What the model writes behind each prompt, up to its end or `max_new` tokens; one beam is greedy search.

        Shapes: -> [N] int32 each
        """
        written: list[np.ndarray] = [np.zeros(0, np.int32)] * len(prompts)
        eos = self.tokenizer.vocab.eos
        for chosen, decoder, encoder, prefix in self._batches(prompts, batch_size):
            if num_beams == 1:
                found = decode.greedy(self.model, decoder, max_new=max_new, eos=eos, source=encoder, prefix=prefix).ids
            else:
                found = decode.beam(
                    self.model,
                    decoder,
                    max_new=max_new,
                    eos=eos,
                    num_beams=num_beams,
                    num_best=1,
                    length_penalty=length_penalty,
                    source=encoder,
                    prefix=prefix,
                ).ids[:, 0]
            for number, ids in zip(chosen, np.asarray(found), strict=False):
                stops = np.flatnonzero(np.isin(ids, self.ends))
                written[number] = ids[: stops[0]] if len(stops) else ids
        return written

    def _batches(
        self, prompts: Sequence[np.ndarray], batch_size: int
    ) -> Iterator[tuple[np.ndarray, Tokens, Tokens | None, np.ndarray | None]]:
        """Questions of like length together: one shape per bucket, the last batch filled up with its first row."""
        questions = [self.question(prompt) for prompt in prompts]
        places = [(bucket(len(q.decoder)), 0 if q.encoder is None else bucket(len(q.encoder))) for q in questions]
        for place in sorted(set(places)):
            members = np.array([number for number, other in enumerate(places) if other == place])
            for start in range(0, len(members), batch_size):
                chosen = members[start : start + batch_size]
                rows = [questions[i] for i in (*chosen, *[chosen[0]] * (batch_size - len(chosen)))]
                decoder = _padded([row.decoder for row in rows], place[0])
                encoders = [row.encoder for row in rows if row.encoder is not None]
                prefix = decoder.segments > 0 if rows[0].is_prefix else None
                yield chosen, decoder, _padded(encoders, place[1]) if encoders else None, prefix


def asker(model: Model, tokenizer: TextTokenizer, objective: config.Objective) -> Asker:
    """Raises: BadInput for an encoder, which writes nothing."""
    if not isinstance(model, Decoder | EncoderDecoder):
        raise BadInput("in-context learning and translation need a model that writes: a decoder or encoder-decoder")
    made = Asker(model, tokenizer, objective)
    made.question(np.zeros(0, np.int32))
    return made


def num_symbols(objective: config.Objective) -> int:
    """The most places that a question takes beside its prompt."""
    return 2 if isinstance(objective, config.SpanCorruption | config.Denoise | config.PrefixLM) else 1


def bucket(length: int) -> int:
    """The smallest of 32, 64, 128, 256, 384, 512, ... that holds `length`: few, for each is a program to compile."""
    return -(-length // LARGE) * LARGE if length > LARGE else max(SMALLEST, 1 << (length - 1).bit_length())


def _joined(*parts: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.concatenate([np.asarray(part, np.int32) for part in parts])


def _padded(rows: Sequence[np.ndarray], length: int) -> Tokens:
    ids, segments = (np.zeros((len(rows), length), np.int32) for _ in range(2))
    for number, row in enumerate(rows):
        ids[number, : len(row)], segments[number, : len(row)] = row, 1
    return Tokens(ids, segments, np.arange(length, dtype=np.int32) * segments)
