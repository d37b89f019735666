"""How well a masked language model predicts text: masked pseudo-likelihood in bits per byte.

The measure is called `masked_bits_per_byte`, and is no likelihood: a masked model sees both sides of what it predicts,
and a piece of a word is easier to tell when its other pieces are seen. It compares models over one tokenizer, in one
language; never tokenizers, languages, or a masked model with a left-to-right one.

Source: Salazar et al. 2020, "Masked Language Model Scoring" (https://aclanthology.org/2020.acl-main.240), which masks
one token at a time; here every K-th token is masked at once: K passes, each token masked exactly once.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np

from workbench.evaluation.document_bits import DocumentBits
from workbench.evaluation.packed import BATCH_SIZE, LENGTH, batches, pack_texts
from workbench.models.encoder import Encoder
from workbench.models.published import Published
from workbench.objectives.batch import Batch, Rows
from workbench.records import Document
from workbench.seeds import stream
from workbench.tokenizer.processor import TextTokenizer, normalize
from workbench.training.losses import token_losses

_token_losses = jax.jit(token_losses)


def masked_bits(
    model: Encoder | Published,
    tokenizer: TextTokenizer,
    documents: Sequence[Document],
    mask_groups: int,
    seed: int,
    *,
    length: int = LENGTH,
    batch_size: int = BATCH_SIZE,
) -> list[DocumentBits]:
    """Sum over each document's tokens of -log2 p(token | the document with every K-th token masked).

    The documents of many languages are best given together: they share rows and batches. Start and end of a text are
    not predicted.

    Random: which pass masks a token depends on (seed, row) and its place in the row.
    """
    packed = pack_texts(tokenizer, [document.text for document in documents], length)
    losses = np.zeros(packed.rows.ids.shape, np.float64)
    offsets = stream(seed, "mask-groups").integers(mask_groups, size=len(packed.rows))
    group_of = (np.arange(length) + offsets[:, None]) % mask_groups  # [N, T]
    for group in range(mask_groups):
        chosen = (group_of == group) & (packed.rows.segments > 0)
        losses += _losses_at(model, tokenizer.vocab.mask, packed.rows, chosen, -(-length // mask_groups), batch_size)
    real = packed.owners >= 0
    bits = np.bincount(packed.owners[real], losses[real], minlength=len(documents)) / np.log(2.0)
    return [
        DocumentBits(document.id, float(value), len(normalize(document.text).encode()))
        for document, value in zip(documents, bits, strict=True)
    ]


def _losses_at(
    model: Encoder | Published, mask: int, rows: Rows, chosen: np.ndarray, room: int, batch_size: int
) -> np.ndarray:  # [N, T]: nats where chosen, else 0
    length = chosen.shape[1]
    predict = np.sort(np.where(chosen, np.arange(length), length), axis=1)[:, :room]
    weights = (predict < length).astype(np.float32)
    predict = np.where(predict < length, predict, 0).astype(np.int32)
    masked = Rows(np.where(chosen, mask, rows.ids).astype(np.int32), rows.segments, rows.positions)
    found = np.zeros(chosen.shape, np.float64)
    for real, batch in batches(masked, batch_size):
        missing = ((0, batch_size - (real.stop - real.start)), (0, 0))
        places = np.pad(predict[real], missing)
        targets = np.pad(np.take_along_axis(rows.ids, predict, axis=1)[real], missing)
        counted = np.pad(weights[real], missing)
        losses = _token_losses(model, Batch(batch.ids, batch.segments, batch.positions, places, targets, counted))
        row_of, slot = np.nonzero(weights[real])
        found[real][row_of, predict[real][row_of, slot]] = np.asarray(losses, np.float64)[row_of, slot]
    return found
