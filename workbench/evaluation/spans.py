"""Spans out of tags, by the rules that published scores rest on: three rules, three functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from workbench.sources.tagged import merged_bio
from workbench.tasks.task import OUTSIDE, Scheme

Span = tuple[str, int, int]  # type, first word, last word


def spans(tags: Sequence[str], scheme: Scheme) -> set[Span]:
    """The spans that these tags mean under `scheme`; none where tags are no spans."""
    match scheme:
        case "bio":
            return conll_spans(tags)
        case "merged":
            return conll_spans(merged_bio(tags, OUTSIDE["merged"]))
        case "xsid":
            return xsid_spans(tags)
        case "plain" | "none":
            return set()
        case _:
            assert_never(scheme)


def conll_spans(tags: Sequence[str]) -> set[Span]:
    """BIO as conlleval reads it, leniently: an `I-x` that follows no `x` opens a span.

    Source: Tjong Kim Sang & Buchholz 2000, conlleval; seqeval 1.2.2, `get_entities` (its default mode).
    """
    found: set[Span] = set()
    kind, first = "", 0  # of the span that is open, if any
    for place, tag in enumerate([*tags, "O"]):
        mark, _, name = tag.partition("-")
        if kind and (mark != "I" or name != kind):
            found.add((kind, first, place - 1))
            kind = ""
        if mark in ("B", "I") and not kind:
            kind, first = name, place
    return found


def xsid_spans(tags: Sequence[str]) -> set[Span]:
    """BIO as xSID's own script reads it: a span begins at `B-` alone and goes on over any `I-`, whatever its type.

    It writes down where a span ends as the place after it, but never past the last word: a span that ends at the last
    word but one and a span that ends at the last are the same to it. Kept, for scores are comparable only so.

    Source: mainlp/xsid 0.7, scripts/nluEval.py, `toSpans`.
    """
    found: set[Span] = set()
    for first, tag in enumerate(tags):
        if tag.startswith("B"):
            end = first + 1
            while end < len(tags) and tags[end].startswith("I"):
                end += 1
            found.add((tag[2:], first, min(end, len(tags) - 1)))
    return found
