"""BART's denoising: text infilling and sentence permutation, and a decoder that writes the whole document."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench import config
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.documents import Documents, Pieces
from workbench.objectives.spans import poisson_spans
from workbench.vocab import Vocab


@dataclass(frozen=True, slots=True)
class Denoise:
    """Each document's sentences in random order, then spans of it replaced by one mask symbol each.

    A sentence ends with a piece that `ends_sentence` calls its end; where that is a full stop or another sign of ASCII,
    only if a new word follows. A document without such signs is one sentence. `eos` stays at the end.

    Shapes: inputs, decoder [B, T]: a document never gets longer, see `poisson_spans`.
    Source: Lewis et al. 2020, section 2.2 (2020.acl-main.703). Differs: spans never overlap, and the budget of noise is
        met exactly.
    """

    settings: config.Denoise
    vocab: Vocab
    starts_word: np.ndarray  # [V] bool
    ends_sentence: np.ndarray  # [V] int8: 0 no, 1 if a new word follows, 2 whatever follows

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Batch:
        documents = Documents.of(rows)
        owner = documents.owner
        ids = documents.ids[self._permuted(documents, rng)] if self.settings.permute_sentences else documents.ids
        is_text = ids >= self.vocab.first_byte
        dropped = np.zeros(len(ids), bool)
        before, after = (np.zeros(len(ids), np.int64) for _ in range(2))
        dropped[is_text], before[is_text], after[is_text] = poisson_spans(
            documents.count(is_text), self.settings.noise_rate, self.settings.poisson_mean, rng
        )
        counts = before + ~dropped + after
        place = np.cumsum(counts) - counts + before
        read = np.full(counts.sum(), self.vocab.mask, np.int32)
        read[place[~dropped]] = ids[~dropped]
        length = rows.ids.shape[1]
        return documents.batch(
            Pieces(read, np.repeat(owner, counts)),
            Pieces(documents.ids, owner),
            encoder_length=length,
            decoder_length=length,
            bos=self.vocab.bos,
        )

    def _permuted(self, documents: Documents, rng: np.random.Generator) -> np.ndarray:
        """Which token comes where when sentences change places. Shapes: -> [n]"""
        ids, owner = documents.ids, documents.owner
        ends = self.ends_sentence[ids]
        opens = np.ones(len(ids), bool)
        opens[1:] = (ends[:-1] == 2) | ((ends[:-1] == 1) & self.starts_word[ids[1:]]) | (owner[1:] != owner[:-1])
        closing = documents.last[ids[documents.last] == self.vocab.eos]
        opens[closing] = True
        start = np.flatnonzero(opens)
        key = owner[start] + 0.5 * rng.random(len(start))
        key[(np.cumsum(opens) - 1)[closing]] = owner[closing] + 0.75  # after every sentence of its document
        order = np.argsort(key, kind="stable")
        size = np.diff(start, append=len(ids))[order]
        return np.arange(len(ids)) + np.repeat(start[order] - (np.cumsum(size) - size), size)
