"""How well a model that writes predicts text: bits per byte of what its decoder is asked to write.

A decoder writes every token after those before it: the bits of a text add up to the length of a code for it, true
`bits_per_byte`. An encoder-decoder has read a part of what it writes: `conditional_bits_per_byte`, under its own
objective's corruption. That is no code length, and it compares models of one objective and one tokenizer alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np

from workbench import models
from workbench.errors import BadInput
from workbench.evaluation.document_bits import DocumentBits
from workbench.evaluation.packed import BATCH_SIZE, Packed, batches, pack_texts
from workbench.objectives.batch import Batch
from workbench.objectives.build import Objective
from workbench.records import Document
from workbench.seeds import stream
from workbench.tokenizer.processor import WORD_START, TextTokenizer, normalize
from workbench.training.losses import token_losses

_token_losses = jax.jit(token_losses)


def causal_bits(
    model: models.Decoder,
    tokenizer: TextTokenizer,
    documents: Sequence[Document],
    objective: Objective,
    *,
    length: int,
    batch_size: int = BATCH_SIZE,
) -> list[DocumentBits]:
    """-log2 p(document), its tokens one after the other; its end is not among them.

    A document longer than `length` tokens is continued in another row without its context, so it costs a little more
    than it must. A token that the objective has nothing to predict it from (the first of a row's document, where no
    start symbol is put before it) is charged as one of all pieces alike.
    """
    found = _Found(model, tokenizer, documents, objective, length, batch_size)
    real = found.packed.owners >= 0
    num_tokens = np.bincount(found.packed.owners[real], minlength=len(documents))
    left_out = num_tokens - found.num_targets
    if left_out.min(initial=0) < 0:
        raise BadInput("causal bits: the objective predicts a token twice; only a causal one gives bits per byte")
    bits = found.bits + left_out * np.log2(tokenizer.vocab.size)
    return [
        DocumentBits(document.id, float(value), len(normalize(document.text).encode()))
        for document, value in zip(documents, bits, strict=True)
    ]


def conditional_bits(
    model: models.EncoderDecoder,
    tokenizer: TextTokenizer,
    documents: Sequence[Document],
    objective: Objective,
    *,
    length: int,
    batch_size: int = BATCH_SIZE,
) -> list[DocumentBits]:
    """-log2 p(what the decoder writes of a document | what the encoder reads of it), per byte of what is written.

    Sentinels and other special pieces cost nothing and have no bytes. A piece's bytes are those of its text, the blank
    before a word among them. A document of which nothing was to be written has 0 of them.

    Random: the corruption from a stream of its own, the same for all models over one tokenizer.
    """
    found = _Found(model, tokenizer, documents, objective, length, batch_size, end=tokenizer.vocab.eos)
    return [
        DocumentBits(document.id, float(bits), int(num_bytes))
        for document, bits, num_bytes in zip(documents, found.bits, found.num_bytes, strict=True)
    ]


def piece_bytes(tokenizer: TextTokenizer) -> np.ndarray:
    """UTF-8 bytes of the text that a piece stands for; 0 for a special piece.

    Shapes: -> [V] int64
    """
    vocab = tokenizer.vocab
    sizes = np.array([len(piece.replace(WORD_START, " ").encode()) for piece in tokenizer.pieces], np.int64)
    sizes[: vocab.first_byte] = 0
    sizes[vocab.first_byte : vocab.first_piece] = 1
    return sizes


@dataclass
class _Found:
    """Sums over the targets that are text, one per document."""

    model: models.Decoder | models.EncoderDecoder
    tokenizer: TextTokenizer
    documents: Sequence[Document]
    objective: Objective
    length: int
    batch_size: int
    end: int | None = None  # stands behind every document, as in training

    def __post_init__(self) -> None:
        count = len(self.documents)
        self.packed = pack_texts(self.tokenizer, [document.text for document in self.documents], self.length, self.end)
        self.bits, self.num_bytes = np.zeros(count), np.zeros(count, np.int64)
        self.num_targets = np.zeros(count, np.int64)
        sizes = piece_bytes(self.tokenizer)
        for number, (real, rows) in enumerate(batches(self.packed.rows, self.batch_size)):
            batch = self.objective(rows, stream(0, "written-bits", number))
            losses = np.asarray(_token_losses(self.model, batch), np.float64)
            owners = _owners(self.packed, real, batch)
            counted = (batch.weights > 0) & (owners >= 0) & (sizes[batch.targets] > 0)  # [B, M]
            whose, targets = owners[counted], batch.targets[counted]
            np.add.at(self.bits, whose, losses[counted] / np.log(2.0))
            np.add.at(self.num_bytes, whose, sizes[targets])
            np.add.at(self.num_targets, whose, 1)


def _owners(packed: Packed, real: slice, batch: Batch) -> np.ndarray:  # [B, M]: the document of each target, or -1
    written = batch.decoder or batch
    segments = np.asarray(written.segments)
    if batch.predict is not None:
        segments = np.take_along_axis(segments, batch.predict, axis=1)
    num_rows = real.stop - real.start
    of_segment = np.full((len(segments), int(packed.rows.segments.max()) + 1), -1, np.int64)
    places = np.broadcast_to(np.arange(num_rows)[:, None], packed.rows.segments[real].shape)
    of_segment[places, packed.rows.segments[real]] = packed.owners[real]
    return np.take_along_axis(of_segment, segments, axis=1)
