"""Forms from trained models: rows in, forms out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from workbench import config, models
from workbench.inflection.alphabet import BOS, EOS, PAD, Alphabet, Encoded
from workbench.inflection.batches import arrays, fitting, shape_of, shapes, source_arrays
from workbench.inflection.rows import Row
from workbench.models.transduce import beam, form_log_probabilities, greedy

NUM_SHAPES = 3  # of scoring: a single long candidate makes no others long


def forms(
    voters: Sequence[models.Transducer], alphabet: Alphabet, rows: Sequence[Row], settings: config.Search
) -> list[str]:
    """The form of every row, in order; of several models by the mean of their probabilities.

    Models that also write backward find candidates from both ends, and the one of the highest product of its two
    probabilities is written. Beams are searched only where greedy search from both ends leaves that open.

    Source: Liu et al. 2016 (https://aclanthology.org/N16-1046), who choose from the two lists of candidates by the sum
        of both models' scores. Differs: one model writes in both directions.
    """
    if not alphabet.backward:
        return [found[0] for found in _candidates(voters, alphabet, rows, settings, backward=False)[0]]
    quick = settings.model_copy(update={"beams": 1})
    (forward, log_forward), (backward, log_backward) = (
        _candidates(voters, alphabet, rows, quick, backward=backward) for backward in (False, True)
    )
    candidates = [list(dict.fromkeys(one + other)) for one, other in zip(forward, backward, strict=True)]
    if settings.beams > 1:
        # beside a form of probabilities p_f and p_b the others have at best the product (1 - p_f) (1 - p_b), which is
        # less than p_f p_b where p_f + p_b is more than 1
        settled = np.logaddexp(log_forward, log_backward)[:, 0] > 0.0
        open_ = [number for number, found in enumerate(candidates) if len(found) > 1 or not settled[number]]
        rest = [rows[number] for number in open_]
        searched = [_candidates(voters, alphabet, rest, settings, backward=backward)[0] for backward in (False, True)]
        for number, one, other in zip(open_, *searched, strict=True):
            candidates[number] = list(dict.fromkeys(one + other))
    disputed = [number for number, found in enumerate(candidates) if len(found) > 1]
    asked = [replace(rows[number], form=form) for number in disputed for form in candidates[number]]
    scores = iter(_log_probabilities(voters, alphabet, asked, settings).tolist())
    written = [found[0] for found in candidates]
    for number in disputed:
        score_of = {form: next(scores) for form in candidates[number]}
        written[number] = max(score_of, key=score_of.__getitem__)
    return written


def _candidates(
    voters: Sequence[models.Transducer],
    alphabet: Alphabet,
    rows: Sequence[Row],
    settings: config.Search,
    *,
    backward: bool,
) -> tuple[list[list[str]], np.ndarray]:
    """The forms of every row that searching in one direction finds, the best first, and their scores.

    They are as many as beams where models also write backward, else one. A form that was cut off at the longest that
    may be written has a score of -inf.

    Shapes: scores [R, forms]
    """
    num_best = settings.beams if alphabet.backward else 1
    if not rows:
        return [], np.zeros((0, num_best))
    encoded = [alphabet.encode(replace(row, form=None), backward=backward) for row in rows]
    ids, scores = _search(voters, encoded, settings, num_best)
    found = []
    for row, hypotheses in zip(encoded, ids, strict=True):
        texts = [alphabet.decode(one.tolist(), row.slots) for one in hypotheses]
        found.append([text[::-1] for text in texts] if backward else texts)
    return found, np.where((ids == EOS).any(axis=2), np.minimum(scores, 0.0), -np.inf)


def _in_batches(encoded: Sequence[Encoded], size: int) -> Iterator[tuple[list[int], list[Encoded]]]:
    """Numbers of rows and the rows, shortest first. The last batch is filled up, so that all are of one shape."""
    order = sorted(range(len(encoded)), key=lambda number: _source_length(encoded[number]))
    for start in range(0, len(order), size):
        numbers = order[start : start + size]
        yield numbers, [encoded[number] for number in numbers] + [encoded[numbers[0]]] * (size - len(numbers))


def _search(
    voters: Sequence[models.Transducer], encoded: Sequence[Encoded], settings: config.Search, num_best: int
) -> tuple[np.ndarray, np.ndarray]:  # -> ids [R, num_best, N], scores [R, num_best]
    source, max_new, size = source_arrays(encoded, shape_of(encoded).source), settings.max_length, settings.batch_size
    if settings.beams == 1:
        found = greedy(voters, source, max_new=max_new, bos=BOS, eos=EOS, pad=PAD, batch_size=size)
        return np.asarray(found.ids)[:, None], np.asarray(found.scores)[:, None]
    found = beam(
        voters,
        source,
        max_new=max_new,
        bos=BOS,
        eos=EOS,
        pad=PAD,
        num_beams=settings.beams,
        num_best=num_best,
        length_penalty=settings.length_penalty,
        batch_size=size,
    )
    return np.asarray(found.ids[:, :num_best]), np.asarray(found.scores[:, :num_best])


def _log_probabilities(
    voters: Sequence[models.Transducer], alphabet: Alphabet, rows: Sequence[Row], settings: config.Search
) -> np.ndarray:  # -> [R], in nats
    """Of each row's form, both directions together."""
    found = np.zeros(len(rows))
    for backward in (False, True) if rows else ():
        encoded = [alphabet.encode(row, backward=backward) for row in rows]
        held = shapes(encoded, NUM_SHAPES)
        for shape, own in zip(held, fitting(encoded, held), strict=True):
            for numbers, batch in _in_batches([encoded[number] for number in own], settings.batch_size):
                scores = np.asarray(form_log_probabilities(tuple(voters), arrays(batch, shape)))
                found[own[numbers]] += scores[: len(numbers)]
    return found


def _source_length(row: Encoded) -> int:
    return len(row.features) + len(row.lemma)
