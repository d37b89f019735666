"""Pseudo-monolingual text: real pivot sentences with their words replaced through a bilingual lexicon.

Source: Wang, Ruder & Neubig 2022, "Expanding Pretrained Models to Thousands More Languages via Lexicon-based
Adaptation", section 3 (https://arxiv.org/abs/2203.09435). The rule `wang2022` is theirs to the letter; the default
differs in that words are found in any casing and beside punctuation, phrases are matched longest first, and the
text's casing and punctuation are kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.config import Synth
from workbench.errors import BadInput
from workbench.languages import words
from workbench.records import Document, Lexicon, Translation
from workbench.seeds import derive, stream
from workbench.synth.match import Choose, Substituted
from workbench.synth.rules import WANG2022, Rule


@dataclass(frozen=True, slots=True)
class Coverage:
    """What substitution found and did. Words and types are the pivot's; types are compared without case."""

    num_read: int
    num_kept: int
    num_words: int
    num_matched: int
    num_types: int
    num_matched_types: int
    num_kept_words: int
    num_replaced: int
    mean_translations: float
    num_entries: int
    num_unusable_entries: int

    @property
    def token_coverage(self) -> float:
        """Share of the running words read that a lexicon entry covers."""
        return self.num_matched / self.num_words if self.num_words else 0.0

    @property
    def type_coverage(self) -> float:
        return self.num_matched_types / self.num_types if self.num_types else 0.0

    @property
    def replaced_rate(self) -> float:
        """Share of the kept sentences' words that were replaced."""
        return self.num_replaced / self.num_kept_words if self.num_kept_words else 0.0


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Synthetic documents and the account of how they came about; the rest of what was read was dropped."""

    documents: list[Document]
    coverage: Coverage


def rule_of(synth: Synth) -> Rule:
    """The rule that a study's settings mean."""
    if synth.rule == "wang2022":
        return WANG2022
    return Rule(synth.rule, synth.senses, synth.rate, synth.min_replaced, synth.min_rate, synth.max_phrase)


def pseudo_documents(sentences: Iterable[Document], lexicon: Lexicon, synth: Synth, seed: int) -> list[Document]:
    """The documents of `synthesise`, without its report."""
    return synthesise(sentences, lexicon, synth, seed).documents


def synthesise(
    sentences: Iterable[Document], lexicon: Lexicon, synth: Synth, seed: int, context: Choose | None = None
) -> Synthesis:
    """Make `synth.sentences` pseudo sentences (fewer if the sentences run out) of the lexicon's target language.

    Sentences are taken from their sources in turn, so that a large source does not crowd out the others, and within a
    source in an order drawn from their ids; by the published rule, in the order given. `synth.permute_lexicon` makes
    the control of `permuted`: the same sentences, the same words replaced. `context` is what picks senses by context.

    Raises: BadInput if not one sentence has `synth.min_replaced` words, and a share `synth.min_rate`, to replace.
    Random: (seed, sentence id, target language) only, so any split of the work gives the same documents.
    """
    rule = rule_of(synth)
    used = permuted(lexicon, seed) if synth.permute_lexicon else lexicon
    apply = rule.ready(used, context)
    name = "permuted" if synth.permute_lexicon else "substituted" if rule.name == "longest" else rule.name
    account = Account()
    documents: list[Document] = []
    for sentence in _in_turn(sentences, seed) if rule.name == "longest" else sentences:
        if len(documents) == synth.sentences:
            break
        done = apply(sentence.text, _sentence_stream(seed, sentence.id, lexicon))
        kept = rule.keeps(done)
        account.add(done, kept)
        if kept:
            documents.append(_document(sentence, done.text, lexicon, name))
    if not documents:
        raise BadInput(
            f"pseudo text for {lexicon.target} from lexicon {lexicon.origin!r}: none of {account.num_read} sentences"
            f" has synth.min_replaced = {synth.min_replaced} words, and a share synth.min_rate = {synth.min_rate:g} of"
            f" its words, that the {len(lexicon.entries)} entries cover; give a larger lexicon or lower these"
        )
    return Synthesis(documents, account.coverage(len(documents), used, rule))


def word_list_documents(lexicon: Lexicon, seed: int, num_words: int, words_per_line: int = 10) -> list[Document]:
    """The lexicon's target words and nothing else, shuffled into lines: what meeting the words is worth, unordered.

    The list is gone through as often as it takes to give `num_words` words (pass the pseudo text's count, so that the
    arms read equally much), shuffled anew each time.

    Random: (seed, target language).
    """
    listed = [translation.word for translations in lexicon.entries.values() for translation in translations]
    if not any(words(word) for word in listed):
        raise BadInput(f"word list for {lexicon.target}: lexicon {lexicon.origin!r} has no target words")
    rng = stream(seed, "word-list", lexicon.target.tag)
    documents: list[Document] = []
    line: list[str] = []
    in_line = written = 0
    while written < num_words:
        for position in rng.permutation(len(listed)):
            line.append(listed[position])
            in_line += len(words(listed[position]))
            if in_line >= words_per_line:
                name = f"word-list-{lexicon.target.tag}-{len(documents)}"
                documents.append(Document(name, " ".join(line), lexicon.target, "word-list", (lexicon.origin,)))
                written += in_line
                line, in_line = [], 0
                if written >= num_words:
                    break
    return documents


def permuted(lexicon: Lexicon, seed: int) -> Lexicon:
    """The control: the same keys and the same multiset of target words, but whose is whose is drawn by lot.

    Translations change places only within their class (one word, or more than one), so every key keeps its number of
    translations and how many of them are phrases. No key keeps a translation of its own where that can be avoided.
    What differs from the real lexicon is which word stands where: meaning, and with it frequency and context.

    Random: (seed, lexicon's target language and origin).
    """
    keys = [key for key, translations in lexicon.entries.items() for _ in translations]
    flat = [word for translations in lexicon.entries.values() for word in translations]
    own = {key: {word.word for word in translations} for key, translations in lexicon.entries.items()}
    rng = stream(seed, "permuted", lexicon.target.tag, lexicon.origin)
    result = list(flat)
    for phrases in (False, True):
        slots = [slot for slot, word in enumerate(flat) if (len(word.word.split()) > 1) == phrases]
        dealt = _deal([keys[slot] for slot in slots], [flat[slot] for slot in slots], own, rng)
        for slot, word in zip(slots, dealt, strict=True):
            result[slot] = word
    dealt_words = iter(result)
    entries = {key: tuple(next(dealt_words) for _ in given) for key, given in lexicon.entries.items()}
    return replace(lexicon, entries=entries, origin=f"{lexicon.origin}#permuted-{seed}")


def _deal(
    keys: Sequence[str], given: Sequence[Translation], own: dict[str, set[str]], rng: np.random.Generator
) -> list[Translation]:
    """`given` in random order, with every word that fell to a key of its own swapped away where a swap can."""
    dealt = [given[position] for position in rng.permutation(len(given))]
    for slot, key in enumerate(keys):
        if dealt[slot].word not in own[key]:
            continue
        for other in rng.permutation(len(keys)):
            if dealt[other].word not in own[key] and dealt[slot].word not in own[keys[other]]:
                dealt[slot], dealt[other] = dealt[other], dealt[slot]
                break
    return dealt


def _in_turn(sentences: Iterable[Document], seed: int) -> Iterator[Document]:
    """One sentence of every source, then a second of every source that has one, and so on."""
    by_source: dict[str, list[Document]] = {}
    for sentence in sorted(sentences, key=lambda one: (derive(seed, "pseudo-order", one.id), one.id)):
        by_source.setdefault(sentence.source, []).append(sentence)
    for turn in itertools.zip_longest(*(by_source[source] for source in sorted(by_source))):
        yield from filter(None, turn)


def _sentence_stream(seed: int, sentence_id: str, lexicon: Lexicon) -> np.random.Generator:
    return stream(seed, "substitute", sentence_id, lexicon.target.tag)


def _document(sentence: Document, text: str, lexicon: Lexicon, rule: str) -> Document:
    origin = lexicon.origin
    return Document(
        f"{sentence.id}>{lexicon.target.tag}", text, lexicon.target, f"pseudo:{rule}", (sentence.id, origin)
    )


class Account:
    """Running totals behind a Coverage."""

    def __init__(self) -> None:
        self.num_read = self.num_words = self.num_matched = self.num_kept_words = self.num_replaced = 0
        self.num_found = self.num_options = 0
        self.types: set[str] = set()
        self.matched_types: set[str] = set()

    def add(self, done: Substituted, kept: bool) -> None:
        self.num_read += 1
        self.num_words += done.num_words
        if kept:
            self.num_kept_words += done.num_words
            self.num_replaced += done.num_replaced
        lowered = [word.lower() for word in done.words]
        self.types.update(lowered)
        for match in done.matches:
            self.num_matched += match.num_words
            self.matched_types.update(lowered[match.first : match.first + match.num_words])
            self.num_found += 1
            self.num_options += len(match.options)

    def coverage(self, num_kept: int, lexicon: Lexicon, rule: Rule) -> Coverage:
        return Coverage(
            num_read=self.num_read,
            num_kept=num_kept,
            num_words=self.num_words,
            num_matched=self.num_matched,
            num_types=len(self.types),
            num_matched_types=len(self.matched_types),
            num_kept_words=self.num_kept_words,
            num_replaced=self.num_replaced,
            mean_translations=self.num_options / self.num_found if self.num_found else 0.0,
            num_entries=len(lexicon.entries),
            num_unusable_entries=rule.unusable(lexicon),
        )
