"""Which tokens of many documents are noise, drawn for all documents at once."""

from __future__ import annotations

import numpy as np


def t5_counts(
    num_tokens: np.ndarray | int, noise_rate: float, mean_span: float
) -> tuple[np.ndarray, np.ndarray]:  # each of the shape of num_tokens, int64
    """Noise tokens and noise spans of a document of so many tokens: rounded shares, but one token stays and one goes.

    A document of one token has no noise. Spans are never more than the tokens that must stand between them.

    Source: Raffel et al. 2020 (JMLR 21-140); google-research/text-to-text-transfer-transformer,
        t5/data/preprocessors.py, random_spans_noise_mask.
    """
    num_tokens = np.asarray(num_tokens, np.int64)
    num_noise = np.rint(noise_rate * num_tokens).astype(np.int64)
    num_noise = np.minimum(np.maximum(num_noise, 1), np.maximum(num_tokens - 1, 0))
    num_spans = np.maximum(np.rint(num_noise / mean_span).astype(np.int64), 1)
    return num_noise, np.minimum(num_spans, np.minimum(num_noise, num_tokens - num_noise))


def t5_noise(num_tokens: np.ndarray, noise_rate: float, mean_span: float, rng: np.random.Generator) -> np.ndarray:
    """Spans of kept and of noise tokens in turn, kept first, noise last; all such arrangements are equally likely.

    Shapes: num_tokens [G] -> [sum of num_tokens] bool, True where noise
    """
    num_noise, num_spans = t5_counts(num_tokens, noise_rate, mean_span)
    kept_spans = np.maximum(num_spans, np.minimum(num_tokens, 1))
    items = np.stack([num_tokens - num_noise, num_noise], axis=1).reshape(-1)
    parts = np.stack([kept_spans, num_spans], axis=1).reshape(-1)
    sizes = compositions(items, parts, rng)
    first = np.cumsum(parts) - parts
    part = np.repeat(np.arange(len(parts)), parts)
    is_noise = part % 2 == 1
    turn = first[part - is_noise] + 2 * (np.arange(len(part)) - first[part]) + is_noise
    in_turn, noisy = np.empty_like(sizes), np.empty_like(is_noise)
    in_turn[turn], noisy[turn] = sizes, is_noise
    return np.repeat(noisy, in_turn)


def free_noise(num_tokens: np.ndarray, noise_rate: float, mean_span: float, rng: np.random.Generator) -> np.ndarray:
    """As many noise tokens and spans as `t5_noise`, but anywhere in a document, even next to each other.

    T5's arrangement never begins with noise and always ends in it: no matter where sentinels tell the place, but where
    nothing does, a decoder would learn that a text goes on.

    Shapes: num_tokens [G] -> [sum of num_tokens] bool, True where noise
    """
    num_noise, num_spans = t5_counts(num_tokens, noise_rate, mean_span)
    sizes = compositions(num_noise, num_spans, rng)
    return np.repeat(*_arranged(num_tokens - num_noise, num_spans, sizes, rng))


def compositions(items: np.ndarray, parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut each of many sums items[p] into parts[p] positive numbers, all ways equally likely.

    Shapes: items, parts [P], 1 <= parts <= items or both 0; -> [sum of parts]
    """
    start = np.cumsum(items) - items
    owner = np.repeat(np.arange(len(items)), items)
    draws = rng.random(len(owner))
    draws[start[items > 0]] = 0.0  # an item that opens its sum always opens a part
    order = np.argsort(owner + draws, kind="stable")
    rank = np.arange(len(owner)) - start[owner]
    opens = np.sort(order[rank < parts[owner]])
    return np.diff(opens, append=len(owner))


def poisson_spans(
    num_tokens: np.ndarray, noise_rate: float, poisson_mean: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spans whose lengths are Poisson, 0 included, at random places of each document, until its budget is spent.

    A document's budget is the rounded share of its tokens. The span that passes it is cut; and there are never more
    spans than budget (the last takes what is left), so that one symbol per span never makes a document longer.

    Shapes: num_tokens [G] -> dropped [sum of num_tokens] bool; before, after [sum of num_tokens] int64: how many spans
        open just before a token, and how many empty ones stand after a document's last
    """
    budget = np.rint(noise_rate * num_tokens).astype(np.int64)
    first = np.cumsum(budget) - budget
    owner = np.repeat(np.arange(len(budget)), budget)
    sizes = rng.poisson(poisson_mean, len(owner))
    spent = np.cumsum(sizes) - sizes
    spent -= spent[first[owner]] if len(owner) else 0
    left = budget[owner] - spent
    is_last = np.arange(len(owner)) == (first + budget - 1)[owner]
    sizes = np.where(is_last, left, np.minimum(sizes, left))
    owner, sizes = owner[left > 0], sizes[left > 0]

    is_span, takes = _arranged(num_tokens - budget, np.bincount(owner, minlength=len(budget)), sizes, rng)
    at = (np.cumsum(takes) - takes)[is_span]  # the token before which a span opens
    total = int(num_tokens.sum())
    behind = (takes[is_span] == 0) & (at == np.cumsum(num_tokens)[owner])
    before = np.bincount(at[~behind], minlength=total)
    after = np.bincount(at[behind] - 1, minlength=total)
    return np.repeat(is_span, takes), before, after


def _arranged(
    kept: np.ndarray, num_spans: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Documents as sequences of items, kept tokens and spans, in random order.

    Shapes: kept, num_spans [G]; sizes [sum of num_spans] -> is_span, takes [sum of kept and num_spans], where an item
        takes so many tokens
    """
    items = kept + num_spans
    owner = np.repeat(np.arange(len(items)), items)
    order = np.argsort(owner + rng.random(len(owner)), kind="stable")
    rank = np.arange(len(owner)) - (np.cumsum(items) - items)[owner]
    chosen = order[rank < num_spans[owner]]  # in random order within a document: its last span may come first
    is_span = np.zeros(len(owner), bool)
    is_span[chosen] = True
    takes = np.ones(len(owner), np.int64)
    takes[chosen] = sizes
    return is_span, takes
