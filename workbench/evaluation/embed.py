"""Sentence embeddings: the mean over a sentence's tokens, at every layer."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.packed import BATCH_SIZE, LENGTH, batches, pack_texts
from workbench.models import EncoderDecoder, Model
from workbench.models.published import Published
from workbench.tokenizer.processor import TextTokenizer


def hidden_states(model: Model | Published, ids: jax.Array, segments: jax.Array, positions: jax.Array) -> jax.Array:
    """States of every layer; of an encoder-decoder those of its encoder.

    Shapes: ids, segments, positions [B, T] int32 -> [L+1, B, T, D]
    """
    read = model.encode if isinstance(model, EncoderDecoder) else model
    hidden = read(ids, segments, positions, hidden=True).hidden
    assert hidden is not None
    return hidden


_hidden = jax.jit(hidden_states)


def sentence_embeddings(
    model: Model,
    tokenizer: TextTokenizer,
    texts: Sequence[str],
    *,
    length: int = LENGTH,
    batch_size: int = BATCH_SIZE,
) -> np.ndarray:
    """Mean of each sentence's hidden states; no special piece or padding is among them.

    Shapes: -> [L+1, N, D] float32; layer 0 is the embedding
    Raises: BadInput for a text without a token.
    """
    packed = pack_texts(tokenizer, texts, length)
    counts = np.bincount(packed.owners[packed.owners >= 0], minlength=len(texts))
    if not counts.all():
        empty = int(np.argmin(counts))
        raise BadInput(f"sentence embeddings: text number {empty + 1} of {len(texts)} is empty: {texts[empty]!r}")
    sums: np.ndarray | None = None  # [L+1, N, D]
    for real, batch in batches(packed.rows, batch_size):
        hidden = np.asarray(_hidden(model, batch.ids, batch.segments, batch.positions))
        if sums is None:
            sums = np.zeros((hidden.shape[0], len(texts), hidden.shape[-1]), np.float32)
        owners = packed.owners[real].ravel()
        states = hidden[:, : real.stop - real.start].reshape(hidden.shape[0], -1, hidden.shape[-1])
        starts = np.flatnonzero(np.diff(owners, prepend=-2))  # a text's tokens stand together
        totals = np.add.reduceat(states, starts, axis=1)
        for place, owner in enumerate(owners[starts]):
            if owner >= 0:
                sums[:, owner] += totals[:, place]
    if sums is None:
        raise BadInput("sentence embeddings: no texts")
    return sums / counts[None, :, None]


def bags_of_subwords(model: Model, tokenizer: TextTokenizer, texts: Sequence[str]) -> np.ndarray:
    """Layer 0 of `sentence_embeddings`, without running the layers above it.

    Shapes: -> [N, D] float32
    Raises: BadInput for a text without a token.
    """
    encoded = tokenizer.encode_all(texts)
    lengths = np.array([len(ids) for ids in encoded])
    if not len(lengths) or not lengths.all():
        raise BadInput(f"sentence embeddings: {len(texts)} texts, {int((lengths == 0).sum())} of them empty")
    starts = np.cumsum(lengths) - lengths
    states = np.asarray(model.embedding[...])[np.concatenate(encoded)]
    bags: np.ndarray = np.add.reduceat(states, starts, axis=0) / lengths[:, None]
    return bags
