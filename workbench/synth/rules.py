"""Rules by which a sentence is put through a lexicon: the published one, and ours with its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, assert_never

from workbench.records import Lexicon
from workbench.synth.match import Choose, Draws, Match, PhraseIndex, Substituted, is_usable, substitute, uniform
from workbench.synth.senses import by_weight

Name = Literal["longest", "wang2022"]
Senses = Literal["uniform", "frequency", "context"]
Apply = Callable[[str, Draws], Substituted]

PUBLISHED_MAX_SENTENCES = 200_000


@dataclass(frozen=True, slots=True)
class Rule:
    """`longest` finds words in any casing and beside punctuation, longest phrase first, and keeps casing and
    punctuation; `wang2022` is the published rule, of which nothing can be set (`WANG2022`).

    A sentence is kept with `min_replaced` words, and a share `min_rate` of its words, replaced.
    """

    name: Name = "longest"
    senses: Senses = "uniform"
    rate: float = 1.0
    min_replaced: int = 3
    min_rate: float = 0.0
    max_phrase: int = 4

    def keeps(self, done: Substituted) -> bool:
        return done.num_replaced >= max(self.min_replaced, self.min_rate * done.num_words)

    def ready(self, lexicon: Lexicon, choose: Choose | None = None) -> Apply:
        """The rule as a function of one text. `choose` is what picks senses by context, and is given for that alone."""
        match self.name:
            case "wang2022":
                return lambda text, draws: published(text, lexicon, draws)
            case "longest":
                index = PhraseIndex(lexicon, self.max_phrase)
                choice = self.chooser(choose)
                return lambda text, draws: substitute(text, index, self.rate, draws, choice)
            case _:
                assert_never(self.name)

    def unusable(self, lexicon: Lexicon) -> int:
        """How many entries the rule can never find."""
        match self.name:
            case "wang2022":
                return sum(entry.split() != [entry] for entry in lexicon.entries)
            case "longest":
                return sum(not is_usable(entry, self.max_phrase) for entry in lexicon.entries)
            case _:
                assert_never(self.name)

    def chooser(self, context: Choose | None) -> Choose:
        match self.senses:
            case "uniform":
                return uniform
            case "frequency":
                return by_weight
            case "context":
                if context is None:
                    raise ValueError("senses by context need word vectors: pass `senses.ByContext`")
                return context
            case _:
                assert_never(self.senses)


WANG2022 = Rule(name="wang2022", max_phrase=1)


def published(text: str, lexicon: Lexicon, draws: Draws) -> Substituted:
    """Whitespace tokens, exact case-sensitive lookup, every one found replaced, a uniform choice over entries.

    Source: Wang, Ruder & Neubig 2022, the released `make_pseudo_mono.py` (rule only; re-implemented). It keeps a
        sentence from 3 replaced tokens on and stops at 200,000 sentences.
    Random: draws two numbers per token, of which the second chooses.
    """
    tokens = text.split()
    found = [lexicon.entries.get(token, ()) for token in tokens]
    matches = tuple(
        Match(place, 1, tuple((token, one) for one in options))
        for place, (token, options) in enumerate(zip(tokens, found, strict=True))
        if options
    )
    result = list(tokens)
    if matches:
        chosen = draws.random((2, len(tokens)))[1]
        for match in matches:
            result[match.first] = match.options[uniform(match, float(chosen[match.first]), tokens)][1].word
    return Substituted(" ".join(result), tuple(tokens), len(matches), matches)


def published_rule(text: str, lexicon: Lexicon, draws: Draws) -> str | None:
    """The published rule's sentence, or None where fewer than three tokens were replaced."""
    done = published(text, lexicon, draws)
    return done.text if WANG2022.keeps(done) else None
