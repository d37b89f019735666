"""Sentence and word vectors at every layer of any encoder (or decoder), special pieces and padding left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal, Protocol, assert_never, get_args

import jax
import jax.numpy as jnp
import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.embed import hidden_states, sentence_embeddings
from workbench.models import Decoder, Model
from workbench.models.published import Published
from workbench.tokenizer.processor import Tokenizer
from workbench.vocab import Vocab

Pooling = Literal["mean", "cls", "max"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
BATCH_TOKENS = 4096  # of a batch, padding included: memory does not depend on how much text there is
WINDOWED_TEXTS = 256  # read in windows at a time
LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096)  # one program each


class Reads(Protocol):
    """What probes ask of a tokenizer, ours or a published one."""

    @property
    def vocab(self) -> Vocab: ...

    sha256: str
    starts_word: np.ndarray

    def encode_all(self, texts: Sequence[str]) -> list[np.ndarray]: ...

    def decode(self, ids: Sequence[int] | np.ndarray) -> str: ...


@dataclass(frozen=True, eq=False)
class Reader:
    """A model and how it reads a text: the special ids it knows before and after one, and how many tokens it takes.

    `sha256` identifies weights and architecture, so that what was computed can be found again. With a `window` a longer
    text is read in pieces of so many tokens, each without the others, as training cuts it, where a mean over the text
    is asked for; else it is read whole.
    """

    name: str
    model: Model | Published
    tokenizer: Reads
    sha256: str
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    max_tokens: int = LENGTHS[-1]
    window: int | None = None

    @property
    def num_layers(self) -> int:
        """Layers that give vectors, the embedding among them."""
        return self._states[0]

    @property
    def width(self) -> int:
        return self._states[-1]

    @cached_property
    def _states(self) -> tuple[int, ...]:
        """The shape of one token's states, found without computing any."""
        ids = jax.ShapeDtypeStruct((1, 1), np.int32)
        shape: tuple[int, ...] = jax.eval_shape(hidden_states, self.model, ids, ids, ids).shape
        return shape


@dataclass(frozen=True, slots=True)
class Batch:
    """Vectors of some of the texts. Shapes: texts [B] int64, their numbers; vectors [L+1, B, D] float32"""

    texts: np.ndarray
    vectors: np.ndarray


@dataclass(frozen=True, slots=True)
class Words:
    """The words of some texts, each the mean of its pieces.

    `spelt` holds every text's words; word `w` of text `t` is row `starts[t] + w` of each layer.

    Shapes: starts [N+1] int64
    """

    spelt: tuple[tuple[str, ...], ...]
    starts: np.ndarray


def check_pooling(reader: Reader, pooling: Pooling) -> None:
    """Raises: BadInput where the model has no piece before a text whose vector could stand for it."""
    if pooling == "cls" and (not reader.before or isinstance(reader.model, Decoder)):  # a decoder's sees no text
        raise BadInput(f"{reader.name}: reads no special piece before a text, so there is no cls vector; pool by mean")


def sentence_vectors(
    reader: Reader, texts: Sequence[str], pooling: Pooling = "mean", done: Callable[[int], None] = lambda _: None
) -> Iterator[Batch]:
    """Every text's vector at every layer (0 is the embedding), in batches of texts of like length, in no given order.

    `mean` and `max` are over the text's own tokens; `cls` is the first special piece before it.

    Raises: BadInput for a text without a token or with more than the model takes, and as `check_pooling`.
    """
    check_pooling(reader, pooling)
    if reader.window is not None and pooling == "mean":
        for batch in _windowed(reader, texts, reader.window):
            done(len(batch.texts))
            yield batch
        return
    ids = _encoded(reader, texts)
    for numbers, tokens, places in _batches(reader, ids):
        pooled = np.asarray(_pool(reader.model, *tokens, places, pooling))
        done(len(numbers))
        yield Batch(numbers, pooled[:, : len(numbers)])


def all_vectors(reader: Reader, texts: Sequence[str], pooling: Pooling = "mean") -> np.ndarray:
    """The same of all texts, in order and in memory.

    Shapes: -> [L+1, N, D] float32
    """
    found = np.empty((reader.num_layers, len(texts), reader.width), np.float32)
    for batch in sentence_vectors(reader, texts, pooling):
        found[:, batch.texts] = batch.vectors
    return found


def _windowed(reader: Reader, texts: Sequence[str], length: int) -> Iterator[Batch]:
    model, tokenizer = reader.model, reader.tokenizer
    if isinstance(model, Published) or not isinstance(tokenizer, Tokenizer) or reader.before or reader.after:
        raise BadInput(f"{reader.name}: only a model of ours with nothing around a text is read in windows")
    for start in range(0, len(texts), WINDOWED_TEXTS):
        some = texts[start : start + WINDOWED_TEXTS]
        yield Batch(np.arange(start, start + len(some)), sentence_embeddings(model, tokenizer, some, length=length))


def words_of(reader: Reader, texts: Sequence[str]) -> Words:
    """The words that a text's pieces form: a new one at each piece that starts one (where white space stood).

    Raises: BadInput as `sentence_vectors`.
    """
    spelt = []
    for ids in _encoded(reader, texts):
        firsts = np.flatnonzero(_first_pieces(reader, ids))
        spelt.append(tuple(reader.tokenizer.decode(word).strip() for word in np.split(ids, firsts[1:])))
    return Words(tuple(spelt), np.cumsum([0, *map(len, spelt)]))


def word_vectors(
    reader: Reader, texts: Sequence[str], done: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows as `Words` counts them, and their vectors: the words of `words_of` in their sentences, batch by batch.

    Shapes: -> [W] int64, [L+1, W, D] float32
    """
    ids = _encoded(reader, texts)
    owner = [np.cumsum(_first_pieces(reader, one)) - 1 for one in ids]
    starts = np.cumsum([0, *(one[-1] + 1 for one in owner)])
    for numbers, tokens, places in _batches(reader, ids):
        word = np.full(places.shape, -1, np.int32)
        for row, number in enumerate(numbers):
            word[row, places[row]] = owner[number]
        vectors = np.asarray(_pool_words(reader.model, *tokens, word))  # [L+1, B, T, D]
        rows = [np.arange(starts[number], starts[number + 1]) for number in numbers]
        kept = [vectors[:, row, : len(found)] for row, found in enumerate(rows)]
        done(len(numbers))
        yield np.concatenate(rows), np.concatenate(kept, axis=1)


def _first_pieces(reader: Reader, ids: np.ndarray) -> np.ndarray:
    first = reader.tokenizer.starts_word[ids].copy()
    first[0] = True  # byte-level vocabularies mark the space before a word, and there is none before the first
    return first


def _encoded(reader: Reader, texts: Sequence[str]) -> list[np.ndarray]:
    ids = reader.tokenizer.encode_all(texts)
    if not ids:
        raise BadInput("representations: no texts")
    room = reader.max_tokens - len(reader.before) - len(reader.after)
    for number, found in enumerate(ids):
        if not 1 <= len(found) <= room:
            raise BadInput(
                f"representations: text number {number + 1} of {len(texts)} has {len(found)} tokens, wanted 1 to "
                f"{room} for {reader.name}: {texts[number][:60]!r}"
            )
    return ids


def _batches(
    reader: Reader, ids: Sequence[np.ndarray]
) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]]:
    """Numbers of texts [B]; ids, segments, positions [B', T] int32, B' >= B constant for each T; own tokens [B', T]."""
    before, after = reader.before, reader.after
    lengths = np.array([len(before) + len(one) + len(after) for one in ids])
    padded = np.array([*(n for n in LENGTHS if n < reader.max_tokens), reader.max_tokens])
    bucket = np.searchsorted(padded, lengths)
    for place in np.unique(bucket):
        length = int(padded[place])
        size = max(1, BATCH_TOKENS // length)
        found = np.flatnonzero(bucket == place)
        for start in range(0, len(found), size):
            numbers = found[start : start + size]
            rows = np.full((size, length), reader.tokenizer.vocab.pad, np.int32)
            segments, own = np.zeros((size, length), np.int32), np.zeros((size, length), bool)
            for row, number in enumerate(numbers):
                end = len(before) + len(ids[number])
                rows[row, : lengths[number]] = [*before, *ids[number], *after]
                segments[row, : lengths[number]] = 1
                own[row, len(before) : end] = True
            positions = np.arange(length, dtype=np.int32) * segments
            yield numbers, (rows, segments, positions), own


@partial(jax.jit, static_argnames="pooling")
def _pool(
    model: Model | Published,
    ids: jax.Array,
    segments: jax.Array,
    positions: jax.Array,
    own: jax.Array,
    pooling: Pooling,
) -> jax.Array:  # own [B, T] bool -> [L+1, B, D] float32
    states = hidden_states(model, ids, segments, positions).astype(jnp.float32)
    match pooling:
        case "mean":
            weights = own / jnp.maximum(own.sum(axis=1, keepdims=True), 1)
            return jnp.einsum("LBTD,BT->LBD", states, weights, precision="highest")
        case "max":
            return jnp.where(own[None, :, :, None], states, -jnp.inf).max(axis=2)
        case "cls":
            return states[:, :, 0]
        case _:
            assert_never(pooling)


@jax.jit
def _pool_words(
    model: Model | Published, ids: jax.Array, segments: jax.Array, positions: jax.Array, word: jax.Array
) -> jax.Array:  # word [B, T] int32, -1 outside -> [L+1, B, T, D] float32, of which the first words are real
    states = hidden_states(model, ids, segments, positions).astype(jnp.float32)
    member = jax.nn.one_hot(word, word.shape[1], dtype=jnp.float32)  # [B, T, W]
    means = member / jnp.maximum(member.sum(axis=1, keepdims=True), 1)
    return jnp.einsum("LBTD,BTW->LBWD", states, means, precision="highest")
