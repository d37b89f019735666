"""Forms from trained models: rows in, forms out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench import config, models
from workbench.inflection.alphabet import BOS, EOS, PAD, Alphabet, Encoded
from workbench.inflection.batches import STEP, source_arrays
from workbench.inflection.rows import Row
from workbench.models.transduce import beam, greedy


def forms(
    voters: Sequence[models.Transducer], alphabet: Alphabet, rows: Sequence[Row], settings: config.Search
) -> list[str]:
    """The form of every row, in order; of several models by the mean of their probabilities.

    Rows are searched together, those of similar length in one batch.
    """
    encoded = [alphabet.encode(Row(row.lang, row.lemma, row.features, None)) for row in rows]
    length = -(-max(_source_length(one) for one in encoded) // STEP) * STEP
    order = sorted(range(len(rows)), key=lambda number: _source_length(encoded[number]))
    found = [""] * len(rows)
    for start in range(0, len(rows), settings.batch_size):
        numbers = order[start : start + settings.batch_size]
        # the last batch is filled up, so that all are of one shape
        batch = [encoded[number] for number in numbers] + [encoded[numbers[0]]] * (settings.batch_size - len(numbers))
        for number, ids in zip(numbers, _search(voters, batch, length, settings), strict=False):
            found[number] = alphabet.decode(ids.tolist(), encoded[number].slots)
    return found


def _search(
    voters: Sequence[models.Transducer], batch: Sequence[Encoded], length: int, settings: config.Search
) -> np.ndarray:  # -> [B, N]
    source, max_new = source_arrays(batch, length), settings.max_length
    if settings.beams == 1:
        return np.asarray(greedy(tuple(voters), source, max_new=max_new, bos=BOS, eos=EOS, pad=PAD).ids)
    found = beam(
        tuple(voters),
        source,
        max_new=max_new,
        bos=BOS,
        eos=EOS,
        pad=PAD,
        num_beams=settings.beams,
        num_best=1,
        length_penalty=settings.length_penalty,
    )
    return np.asarray(found.ids[:, 0])


def _source_length(row: Encoded) -> int:
    return len(row.features) + len(row.lemma)
