"""Deshuffling: tokens in random order, and a decoder that writes them in theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.objectives.batch import Batch, Rows
from workbench.objectives.documents import Documents, Pieces
from workbench.vocab import Vocab


@dataclass(frozen=True, slots=True)
class Deshuffle:
    """The text tokens of each document change places at random; special pieces stay where they are.

    Shapes: inputs, decoder [B, T]
    Source: Liu et al. 2019 (arXiv 1910.00998), as the ablation "deshuffling" of Raffel et al. 2020, section 3.3.1.
    """

    vocab: Vocab

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Batch:
        documents = Documents.of(rows)
        text = np.flatnonzero(documents.ids >= self.vocab.first_byte)
        order = np.argsort(documents.owner[text] + rng.random(len(text)), kind="stable")
        shuffled = documents.ids.copy()
        shuffled[text] = documents.ids[text[order]]
        length = rows.ids.shape[1]
        return documents.batch(
            Pieces(shuffled, documents.owner),
            Pieces(documents.ids, documents.owner),
            encoder_length=length,
            decoder_length=length,
            bos=self.vocab.bos,
        )
