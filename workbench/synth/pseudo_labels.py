"""Pseudo-labelled task data: labelled pivot sentences put word by word through a lexicon, labels kept or made anew.

Source: Wang, Ruder & Neubig 2022, section 3.2, "pseudo trans-train" and label distillation
(https://arxiv.org/abs/2203.09435).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.config import Synth
from workbench.errors import BadInput
from workbench.records import Lexicon, Pair
from workbench.seeds import stream
from workbench.sources.tagged import Tagged
from workbench.synth.lexicon import permuted, rule_of
from workbench.synth.match import Choose, Match, Option, PhraseIndex, carry_case, uniform


def translate(
    pairs: Iterable[Pair], lexicon: Lexicon, synth: Synth, seed: int, context: Choose | None = None
) -> list[Pair]:
    """The pairs whose `source` the lexicon changes, changed: `target` (the label) and weight stay.

    As published, there is no minimum of replaced words here (`synth.min_replaced` is for running text); only pairs in
    which no word was replaced are left out, for they are pivot examples still. `synth.permute_lexicon`: the control.

    Random: (seed, pair id, target language) only.
    """
    apply = rule_of(synth).ready(permuted(lexicon, seed) if synth.permute_lexicon else lexicon, context)
    tag = lexicon.target.tag
    result: list[Pair] = []
    for pair in pairs:
        done = apply(pair.source, stream(seed, "translate", pair.id, tag))
        if done.num_replaced:
            name = f"{pair.id}>{tag}"
            result.append(Pair(name, done.text, pair.target, lexicon.target, pair.task, pair.weight))
    return result


def translate_tagged(
    sentences: Iterable[Tagged], lexicon: Lexicon, synth: Synth, seed: int, choose: Choose = uniform
) -> list[Tagged]:
    """Tagged sentences of which some token is replaced, with a tag for every word of each translation.

    A translation of several words becomes as many tokens: of a span `B-x`, `I-x`, …, of anything else the tag of the
    token it stands for. A phrase of the lexicon is matched over several tokens only where they are one span (it may be
    the span's beginning or its inside) or have all the same tag outside of spans. So spans never change their kind or
    their order, and valid BIO stays valid. As published (`synth.rule`), only single tokens, exactly as written, match.

    Random: (seed, sentence id, target language) only.
    """
    used = permuted(lexicon, seed) if synth.permute_lexicon else lexicon
    index = PhraseIndex(used, synth.max_phrase) if synth.rule == "longest" else None
    result: list[Tagged] = []
    for sentence in sentences:
        tokens, tags = sentence.tokens, sentence.tags
        rng = stream(seed, "translate-tagged", sentence.id, used.target.tag)
        draws = rng.random((2, len(tokens))) if tokens else np.zeros((2, 0))
        made: list[tuple[str, str]] = []
        num_replaced = position = 0
        while position < len(tokens):
            match = _longest(used, index, tokens, tags, position)
            if match is None or draws[0, position] >= synth.rate:
                made.append((tokens[position], tags[position]))
                position += 1
                continue
            key, translation = match.options[choose(match, float(draws[1, position]), tokens)]
            found = " ".join(tokens[position : position + match.num_words])
            word = translation.word if index is None else carry_case(found, key, translation.word, index.code)
            made += _tagged_words(word, tags[position])
            num_replaced += match.num_words
            position += match.num_words
        if num_replaced:
            words, new = zip(*made, strict=True)
            name = f"{sentence.id}>{used.target.tag}"
            lang = used.target
            result.append(replace(sentence, id=name, text=" ".join(words), tokens=words, tags=new, lang=lang))
    return result


def _tagged_words(translation: str, tag: str) -> list[tuple[str, str]]:
    first, *rest = translation.split() or [translation]
    inside = f"I-{tag[2:]}" if tag.startswith("B-") else tag
    return [(first, tag), *((word, inside) for word in rest)]


def _longest(
    lexicon: Lexicon, index: PhraseIndex | None, tokens: Sequence[str], tags: Sequence[str], position: int
) -> Match | None:
    if index is None:
        found = lexicon.entries.get(tokens[position], ())
        options: tuple[Option, ...] = tuple((tokens[position], one) for one in found)
        return Match(position, 1, options) if options else None
    longest = max(1, min(index.longest.get(tokens[position].lower(), 0), _same_span(tags, position)))
    for num_words in range(longest, 0, -1):
        phrase = " ".join(tokens[position : position + num_words])
        if listed := index.exact.get(phrase) or index.folded.get(phrase.lower()):
            return Match(position, num_words, listed)
    return None


def _same_span(tags: Sequence[str], position: int) -> int:
    """How many tokens from `position` on belong together: one span's, or a run of one tag outside of spans."""
    tag, end = tags[position], position + 1
    goes_on = f"I-{tag[2:]}" if tag.startswith(("B-", "I-")) else tag
    while end < len(tags) and tags[end] == goes_on:
        end += 1
    return end - position


# Label distillation


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a teacher's labels differ from those carried over; `changed` counts (carried, teacher's) pairs.

    Of tagged sentences the unit is the token.
    """

    num: int
    num_equal: int
    changed: Mapping[tuple[str, str], int]

    @property
    def rate(self) -> float:
        return self.num_equal / self.num if self.num else 0.0


def relabel(pairs: Sequence[Pair], predict: Callable[[Sequence[str]], Sequence[str]]) -> tuple[list[Pair], Agreement]:
    """Pseudo-labelled pairs with the labels that a teacher (`predict`: texts -> labels) gives them.

    The published teacher is a model trained on pseudo text and real pivot labels; translating word by word can break
    what a label rests on, and the teacher's label says what is left of it.

    Raises: BadInput where the teacher gives another number of labels than texts.
    """
    labels = predict([pair.source for pair in pairs])
    if len(labels) != len(pairs):
        raise BadInput(f"relabel: wanted a label for each of {len(pairs)} texts, got {len(labels)}")
    made = [replace(pair, target=label) for pair, label in zip(pairs, labels, strict=True)]
    return made, _agreement([pair.target for pair in pairs], labels)


def relabel_tagged(
    sentences: Sequence[Tagged], predict: Callable[[Sequence[Sequence[str]]], Sequence[Sequence[str]]]
) -> tuple[list[Tagged], Agreement]:
    """`relabel` for tagged sentences: `predict` gives a tag for every token.

    Raises: BadInput where it does not.
    """
    tags = predict([sentence.tokens for sentence in sentences])
    if [len(one) for one in tags] != [len(sentence.tokens) for sentence in sentences]:
        raise BadInput(f"relabel: wanted a tag for every token of {len(sentences)} sentences, got another number")
    made = [replace(sentence, tags=tuple(new)) for sentence, new in zip(sentences, tags, strict=True)]
    carried = [tag for sentence in sentences for tag in sentence.tags]
    return made, _agreement(carried, [tag for one in tags for tag in one])


def _agreement(carried: Sequence[str], given: Sequence[str]) -> Agreement:
    changed = Counter((old, new) for old, new in zip(carried, given, strict=True) if old != new)
    return Agreement(len(carried), len(carried) - changed.total(), dict(changed))
