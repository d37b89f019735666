"""Sentences with one tag per token, and the CoNLL family of formats: what POS, NER and slot readers share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.records import Lang
from workbench.sources.lines import Report, every_line

Task = Literal["pos", "ner", "slots"]

_BIO = re.compile(r"O|[BI]-\S+")


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tokenised sentence: `tags[i]` belongs to `tokens[i]`. `label` is the sentence's own class (intent), if any."""

    id: str
    text: str
    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    lang: Lang
    task: Task
    label: str = ""


@dataclass(slots=True)
class Block:
    """Lines between two blank ones: where it begins, its `#` comments, its rows; `broken` if a line was left out."""

    first_line: int
    comments: list[str]
    rows: list[tuple[int, str]]
    broken: bool = False


def blocks(path: Path, report: Report | None = None, *, comments: str = "# ") -> Iterator[Block]:
    """The blocks of a CoNLL file. A line that opens with `comments` (or is `#`) is one only before the first row.

    In CoNLL-U that is any `#`, for a row begins with its number; elsewhere `#hashtag O` is a row.
    """
    block: Block | None = None
    for number, line in every_line(path, report):
        if line is not None and not line.strip():
            if block is not None:
                yield block
            block = None
            continue
        if block is None:
            block = Block(number, [], [])
        if line is None:
            block.broken = True
        elif not block.rows and (line.startswith(comments) or line == "#"):
            block.comments.append(line)
        else:
            block.rows.append((number, line))
    if block is not None:
        yield block


def comment(block: Block, key: str) -> str | None:
    """The value of `# key = value` or `# key: value`, or None."""
    for line in block.comments:
        rest = line[1:].strip()
        if rest.startswith(key):
            value = rest[len(key) :].lstrip()
            if value[:1] in {"=", ":"}:
                return value[1:].strip()
    return None


def is_bio(tag: str) -> bool:
    return _BIO.fullmatch(tag) is not None


def orphans(tags: Sequence[str]) -> int:
    """How many `I-x` follow neither `B-x` nor `I-x`: evaluations differ in what they make of them."""
    return sum(
        tag.startswith("I-") and (place == 0 or tags[place - 1] not in {tag, f"B-{tag[2:]}"})
        for place, tag in enumerate(tags)
    )


def merged_bio(labels: Sequence[str], outside: str = "Other") -> tuple[str, ...]:
    """BIO tags of labels without positions: neighbours of one label become **one** span.

    Source: alexa/massive, `convert_to_bio` in src/massive/utils/training_utils.py: the published slot F1 merges so.
    """
    return tuple(
        "O" if label == outside else f"{'I' if place and labels[place - 1] == label else 'B'}-{label}"
        for place, label in enumerate(labels)
    )
