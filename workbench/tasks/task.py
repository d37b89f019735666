"""What a labelled task is: its examples, its kind, how its tags are read, and by which figures it is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.records import Lang

Kind = Literal["classify", "tag", "joint"]
Split = Literal["train", "dev", "test"]
Scheme = Literal["none", "plain", "bio", "merged", "xsid"]
Metric = Literal[
    "accuracy", "macro_f1", "weighted_f1", "tag_accuracy", "entity_f1", "intent_accuracy", "slot_f1", "exact_match"
]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
OUTSIDE = {"none": "", "plain": "", "bio": "O", "merged": "Other", "xsid": "O"}


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence and what is to be said of it: a `label`, or a tag per word, or both.

    `variety` tells apart what one language code holds several of (three Bavarian dialects, two treebanks), else "".
    """

    id: str
    lang: Lang
    text: str
    label: str = ""
    words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    variety: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A description; `examples.examples` reads it.

    `scheme` is how tags are read as spans: `plain` not at all; `bio` as seqeval and conlleval do; `merged` are labels
    without positions, of which neighbours are one span (MASSIVE); `xsid` as that data set's own script does. `metrics`
    has the main figure first: checkpoints are chosen by it. `labels` and `tags` are the closed sets, or empty where
    they are what the training data show.
    """

    name: str
    kind: Kind
    scheme: Scheme
    metrics: tuple[Metric, ...]
    root: Path
    version: str
    licence: str
    citation: str
    labels: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    @property
    def outside(self) -> str:
        """The tag of a word in no span; "" where every word has a tag of its own."""
        return OUTSIDE[self.scheme]


def label_names(examples: Sequence[Example]) -> tuple[str, ...]:
    """The labels that occur, in order."""
    return tuple(sorted({one.label for one in examples if one.label}))


def tag_names(examples: Sequence[Example]) -> tuple[str, ...]:
    """The tags that occur, in order."""
    return tuple(sorted({tag for one in examples for tag in one.tags}))


def usual_tag(examples: Sequence[Example]) -> str:
    """The tag of most words, of equally common ones the first in order; "" without any."""
    counts = Counter(tag for one in examples for tag in one.tags)
    return min(counts, key=lambda tag: (-counts[tag], tag), default="")
