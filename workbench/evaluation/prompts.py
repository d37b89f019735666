"""Prompts for in-context learning: a template, demonstrations in it, and what gives way where a prompt is too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadInput
from workbench.records import Pair
from workbench.seeds import stream
from workbench.tokenizer.processor import TextTokenizer

NOTHING = "N/A"  # stands for an input that says nothing: what a label is worth without one


@dataclass(frozen=True, slots=True)
class Template:
    """`{before} {input} {between} {output}`, all in one line: our tokenizers know no other white space than a blank."""

    before: str
    between: str

    def demonstration(self, source: str, target: str) -> str:
        return f"{self.before} {source} {self.between} {target}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything up to where the output begins, and how much of what was asked for is in it.

    Shapes: ids [T] int32
    """

    ids: np.ndarray
    num_demonstrations: int
    num_cut: int  # tokens of the input


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts of one template and the same demonstrations, of at most `room` tokens.

    A prompt that is too long loses demonstrations, those farthest from the input first, then the input's last tokens.
    The template is never cut, and an output never at all: whoever scores or writes one keeps its place free.

    Raises: BadInput where the template leaves no room for an input.
    """

    template: Template
    tokenizer: TextTokenizer
    demonstrations: tuple[Pair, ...]
    room: int

    def __post_init__(self) -> None:
        needed = len(self._encode(self.template.before)) + len(self._encode(self.template.between)) + 1
        if self.room < needed:
            raise BadInput(
                f"prompt: the template {self.template.before!r} ... {self.template.between!r} and one token of input "
                f"need {needed} tokens, but beside the output there are {self.room}; raise evaluate.in_context.length"
            )

    def all(self, texts: Sequence[str]) -> list[Prompt]:
        """One prompt a text, in order."""
        before, between = self._encode(self.template.before), self._encode(self.template.between)
        shown = self.tokenizer.encode_all(
            [self.template.demonstration(d.source, d.target) for d in self.demonstrations]
        )
        sizes = np.cumsum([0, *(len(ids) for ids in reversed(shown))])  # of the last 0, 1, 2, ... of them
        made = []
        for ids in self.tokenizer.encode_all(texts):
            free = self.room - len(before) - len(ids) - len(between)
            kept = int(np.searchsorted(sizes, max(free, 0), side="right")) - 1
            num_cut = max(-free, 0)
            parts = [*shown[len(shown) - kept :], before, ids[: len(ids) - num_cut], between]
            made.append(Prompt(np.concatenate(parts), kept, num_cut))
        return made

    def _encode(self, text: str) -> np.ndarray:
        return self.tokenizer.encode(text)


def draw(pool: Sequence[Pair], number: int, seed: int, *names: str, balanced: bool) -> tuple[Pair, ...]:
    """`number` different examples; fewer are always the first of more.

    Balanced: of each label one, in random order, then of each a second, until there are enough.

    Random: (seed, names).
    Raises: BadInput where the pool is smaller.
    """
    if number > len(pool):
        raise BadInput(f"demonstrations: {number} are wanted, there are {len(pool)} examples to draw from")
    rng = stream(seed, "demonstrations", *names)
    order = rng.permutation(len(pool))
    if not balanced:
        return tuple(pool[i] for i in order[:number])
    labels = sorted({pair.target for pair in pool})
    rank = {label: place for place, label in enumerate(rng.permutation(labels))}
    turn: dict[str, int] = {}
    keys = {}
    for i in order:
        label = pool[i].target
        turn[label] = turn.get(label, 0) + 1
        keys[int(i)] = (turn[label], rank[label])
    return tuple(pool[i] for i in sorted(keys, key=lambda i: keys[i])[:number])


def with_random_labels(
    demonstrations: Sequence[Pair], labels: Sequence[str], seed: int, *names: str
) -> tuple[Pair, ...]:
    """The control: the same demonstrations, each with a label drawn uniformly from all, its own among them.

    Source: Min et al. 2022, section 4 (2022.emnlp-main.759).
    Random: (seed, names).
    """
    drawn = stream(seed, "random-labels", *names).integers(len(labels), size=len(demonstrations))
    return tuple(
        Pair(pair.id, pair.source, labels[number], pair.lang, pair.task)
        for pair, number in zip(demonstrations, drawn, strict=True)
    )
