"""AlexaTM's mix: documents with spans gone, to be written whole; and beginnings, to be continued."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench import config
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.documents import Documents, Pieces
from workbench.objectives.spans import free_noise
from workbench.vocab import Vocab

SHORTEST, LONGEST = 0.2, 0.8  # share of a document that is given when it is to be continued


@dataclass(frozen=True, slots=True)
class AlexaTM:
    """Each document is either denoised or, with probability `causal_rate`, continued.

    Denoised: spans are deleted with nothing in their place; the decoder writes the whole document. Continued: the
    encoder reads `[CLM]` and the first 20 to 80 %, uniform; the decoder writes the rest.

    Shapes: inputs, decoder [B, T]: at least one token is left to the decoder, so `[CLM]` has room.
    Source: Soltan et al. 2022 (arXiv 2208.01448); amazon-science/alexa-teacher-models README for the missing mask and
        the prefix. The paper's distribution of spans is not in that README: ours are a random
        division of the noise into spans of `mean_span` on average, anywhere in the document.
    """

    settings: config.AlexaTM
    vocab: Vocab

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Batch:
        documents = Documents.of(rows)
        ids, owner, start = documents.ids, documents.owner, documents.start
        continued = rng.random(len(documents)) < self.settings.causal_rate
        num_tokens = documents.size - (ids[documents.last] == self.vocab.eos)
        given = np.rint(num_tokens * rng.uniform(SHORTEST, LONGEST, len(documents))).astype(np.int64)
        given = np.minimum(np.maximum(given, 1), np.maximum(num_tokens - 1, 0))
        is_given = np.arange(len(ids)) < (start + given)[owner]
        in_continued = continued[owner]

        is_text = ids >= self.vocab.first_byte
        noise = np.zeros(len(ids), bool)
        noise[is_text] = free_noise(documents.count(is_text), self.settings.noise_rate, self.settings.mean_span, rng)
        kept = np.where(in_continued, is_given, ~noise)
        prefix = np.zeros(len(ids), np.int64)
        prefix[start[continued]] = 1
        counts = kept + prefix
        read = np.full(counts.sum(), self.vocab.clm if self.settings.causal_rate else 0, np.int32)
        read[(np.cumsum(counts) - counts + prefix)[kept]] = ids[kept]
        written = ~(in_continued & is_given)
        length = rows.ids.shape[1]
        return documents.batch(
            Pieces(read, np.repeat(owner, counts)),
            Pieces(ids[written], owner[written]),
            encoder_length=length,
            decoder_length=length,
            bos=self.vocab.bos,
        )
