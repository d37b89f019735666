"""Span corruption: sentinels in the place of spans, and a decoder that writes what they stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench import config
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.documents import Documents, Pieces
from workbench.objectives.spans import t5_counts, t5_noise
from workbench.vocab import Vocab

ROWS_TOGETHER = 4096
LANE = 8  # fitted lengths are multiples of this


@dataclass(frozen=True, slots=True)
class SpanCorruption:
    """T5's objective, for each document of a row by itself; special pieces are never part of a span.

    The decoder writes sentinel, span, sentinel, span, .., `eos`. The sentinel that closes the target in the paper's
    figure 2 is left out, as in T5's own code: noise is always last in a document, so it would stand for nothing.

    Shapes: without `fitted`, inputs [B, T] and decoder [B, T + T // 2]. That suffices for any rows: spans are no more
        than noise tokens; and a target is at most one longer than its document, a document of one token's is no longer.
    Source: Raffel et al. 2020, section 3.1.4 (JMLR 21-140). Differs: sentinels count up, not down from the vocabulary's
        end; there is one for each span of a document, not always a hundred.
    """

    settings: config.SpanCorruption
    vocab: Vocab
    encoder_length: int | None = None
    decoder_length: int | None = None

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Batch:
        documents = Documents.of(rows)
        ids, owner, last = documents.ids, documents.owner, documents.last
        is_text = ids >= self.vocab.first_byte
        noise = np.zeros(len(ids), bool)
        noise[is_text] = t5_noise(documents.count(is_text), self.settings.noise_rate, self.settings.mean_span, rng)
        opens = noise.copy()
        opens[1:] &= ~noise[:-1]  # no document begins with noise
        so_far = np.cumsum(opens)
        number = so_far - (so_far - opens)[documents.start][owner] - 1  # of a document's spans, from 0
        num_spans = int(number[opens].max(initial=-1)) + 1
        sentinel = self.vocab.sentinel(num_spans - 1) - (num_spans - 1) + number if num_spans else number

        read = ~noise | opens
        counts = noise.astype(np.int64) + opens
        counts[last] += 1
        end = np.cumsum(counts)
        written = np.empty(end[-1] if len(end) else 0, np.int32)
        written[(end - counts)[opens]] = sentinel[opens]
        written[(end - counts + opens)[noise]] = ids[noise]
        written[end[last] - 1] = self.vocab.eos
        length = rows.ids.shape[1]
        return documents.batch(
            Pieces(np.where(opens, sentinel, ids)[read], owner[read]),
            Pieces(written, np.repeat(owner, counts)),
            encoder_length=self.encoder_length or length,
            decoder_length=self.decoder_length or length + length // 2,
            bos=self.vocab.bos,
        )

    def num_sentinels(self, length: int) -> int:
        """The sentinels that a row of `length` text tokens may need."""
        _, num_spans = t5_counts(np.arange(length + 1), self.settings.noise_rate, self.settings.mean_span)
        return int(num_spans.max())

    def fitted(self, *several: Rows) -> SpanCorruption:
        """The same with the shortest static shapes that hold every one of these rows, whatever the draws."""
        encoder = decoder = 1
        for rows in several:
            for start in range(0, len(rows), ROWS_TOGETHER):
                documents = Documents.of(rows.take(np.arange(start, min(start + ROWS_TOGETHER, len(rows)))))
                read, written = self._longest(documents)
                encoder, decoder = max(encoder, documents.widest(read)), max(decoder, documents.widest(written))
        return replace(self, encoder_length=-(-encoder // LANE) * LANE, decoder_length=-(-decoder // LANE) * LANE)

    def _longest(self, documents: Documents) -> tuple[np.ndarray, np.ndarray]:  # each [G]
        """The most that the encoder may read and the decoder write of each document."""
        is_text = documents.ids >= self.vocab.first_byte
        num_text = documents.count(is_text)
        num_noise, num_spans = t5_counts(num_text, self.settings.noise_rate, self.settings.mean_span)
        split = documents.size - num_text - ~is_text[documents.last]  # a special piece inside may cut a span in two
        num_spans = np.minimum(num_spans + split, num_noise)
        return documents.size - num_noise + num_spans, num_noise + num_spans + 1


def raw_length(inputs_length: int, noise_rate: float, mean_span: float) -> tuple[int, int]:
    """The longest text whose inputs, with `eos`, fit into `inputs_length`; and the length of its targets with theirs.

    A row for such texts is one longer than the first number, for their `eos`.

    Source: google-research/text-to-text-transfer-transformer, t5/data/preprocessors.py, random_spans_helper: 512 at
        0.15 and 3.0 gives 568 and 114.
    """
    raw = 1
    while _lengths(raw + 1, noise_rate, mean_span)[0] <= inputs_length:
        raw += 1
    return raw, _lengths(raw, noise_rate, mean_span)[1]


def _lengths(raw: int, noise_rate: float, mean_span: float) -> tuple[int, int]:
    num_noise, num_spans = (int(count) for count in t5_counts(raw, noise_rate, mean_span))
    return raw - num_noise + num_spans + 1, num_noise + num_spans + 1
