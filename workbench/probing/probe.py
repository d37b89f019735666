"""One model, parallel sentences, every probe: a stream of rows, and memory that does not grow with languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, assert_never

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation import probe_sentences, probe_space, probe_words
from workbench.evaluation.pairwise import METHODS, Method
from workbench.evaluation.probe_rows import PROBES, Probe, Row
from workbench.evaluation.representations import Pooling, Reader
from workbench.evaluation.store import Layers, Store
from workbench.evaluation.word_alignment import Links
from workbench.probing.sentences import Parallel
from workbench.records import Lang, Lexicon

LayerChoice = Literal["all", "last"] | int
PER_PAIR: frozenset[Probe] = frozenset({"retrieval", "similarity", "word-translation", "word-alignment", "round-trip"})


@dataclass(frozen=True, slots=True)
class Settings:
    """`layers`: which; a number is one. The sentences that costlier probes read are the first ones."""

    probes: tuple[Probe, ...] = PROBES
    methods: tuple[Method, ...] = METHODS
    layers: LayerChoice = "all"
    pooling: Pooling = "mean"
    every_pair: bool = False
    similarity_sentences: int = 500
    language_sentences: int = 100
    grouping_sentences: int = 50
    word_sentences: int = 100
    train_words: int = probe_words.NUM_TRAIN
    test_words: int = probe_words.NUM_TEST


def probe(
    reader: Reader,
    sentences: Parallel,
    lexicons: Callable[[Lang, Lang], Lexicon | None],
    settings: Settings,
    store: Store,
    step: Callable[[str], None] = lambda _: None,
    *,
    with_floors: bool = True,
) -> Iterator[Row]:
    """Every row of the settings' probes, floors first; `step` is told before each piece of work, `steps` of them.

    `with_floors=False` leaves the floors of retrieval out: for who measures them once, apart from any model.

    Raises: BadInput as `Store.sentences`, and for a layer that the model has not.
    """
    chosen = chosen_layers(reader, settings.layers)
    kept = {lang: store.sentences(reader, texts, settings.pooling) for lang, texts in sentences.texts.items()}
    for pivot, lang in pairs(sentences, settings):
        pair = _Pair(reader, sentences, settings, store, pivot, lang, lexicons, with_floors)
        yield from _pair(pair, kept, chosen, step)
    for layer in chosen:
        read = {name: partial(_first, kept, layer, count) for name, count in _counts(settings).items()}
        if "space" in settings.probes:
            step(f"space, layer {layer}")
            for lang in sentences.texts:
                yield from probe_space.shape(lang, kept[lang].layer(layer)[: settings.similarity_sentences], layer)
        if "language" in settings.probes:
            step(f"language, layer {layer}")
            yield from probe_space.language(read["language"](), layer)
        if "grouping" in settings.probes:
            step(f"grouping, layer {layer}")
            yield from probe_space.grouping(read["grouping"](), layer)


def steps(reader: Reader, sentences: Parallel, settings: Settings) -> int:
    """How often `probe` will call its `step`."""
    across = len([one for one in settings.probes if one not in PER_PAIR])
    layers = len(chosen_layers(reader, settings.layers))
    return layers * (across + len(pairs(sentences, settings)) * bool(PER_PAIR & set(settings.probes)))


def pairs(sentences: Parallel, settings: Settings) -> list[tuple[Lang, Lang]]:
    """The pivot with every other language, or every language with every later one."""
    if not settings.every_pair:
        return [(sentences.pivot, lang) for lang in sentences.others]
    langs = list(sentences.texts)
    return [(here, there) for number, here in enumerate(langs) for there in langs[number + 1 :]]


def chosen_layers(reader: Reader, choice: LayerChoice) -> list[int]:
    """Raises: BadInput for a layer that the model has not."""
    last = reader.num_layers - 1
    match choice:
        case "all":
            return list(range(last + 1))
        case "last":
            return [last]
        case int():
            if not 0 <= choice <= last:
                raise BadInput(f"layer {choice}: {reader.name} has layers 0 (the embedding) to {last}")
            return [choice]
        case _:
            assert_never(choice)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two languages' sentences and words, as far as the probes want them."""

    reader: Reader
    sentences: Parallel
    settings: Settings
    store: Store
    pivot: Lang
    lang: Lang
    lexicons: Callable[[Lang, Lang], Lexicon | None]
    with_floors: bool

    def lexicon(self) -> Lexicon | None:
        wanted = {"retrieval", "word-translation", "word-alignment"} & set(self.settings.probes)
        return self.lexicons(self.pivot, self.lang) if wanted else None


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of the first sentences in both languages, and the lexicon's links between them."""

    here: Layers
    there: Layers
    starts: tuple[np.ndarray, np.ndarray]
    links: list[Links] = field(default_factory=list)

    def at(self, layer: int) -> list[tuple[np.ndarray, np.ndarray]]:
        here, there = (
            np.split(side.layer(layer), starts[1:-1])
            for side, starts in zip((self.here, self.there), self.starts, strict=True)
        )
        return list(zip(here, there, strict=True))


def _pair(pair: _Pair, kept: Mapping[Lang, Layers], chosen: list[int], step: Callable[[str], None]) -> Iterator[Row]:
    settings, pivot, lang = pair.settings, pair.pivot, pair.lang
    wanted = set(settings.probes)
    if not wanted & PER_PAIR:
        return
    lexicon = pair.lexicon()
    here, there = pair.sentences.texts[pivot], pair.sentences.texts[lang]
    floors: list[Row] = []
    if "retrieval" in wanted and pair.with_floors:
        floors = probe_sentences.retrieval_floors(pivot, lang, here, there, lexicon)
        yield from floors
    listed = None
    if "word-translation" in wanted and lexicon is not None:
        listed = probe_words.word_list(lexicon, settings.train_words, settings.test_words)
    spelling = vectors = None
    if listed is not None:
        spelling = probe_words.spelling(listed)
        yield from probe_words.spelling_rows(pivot, lang, listed, spelling)
        vectors = [pair.store.sentences(pair.reader, texts) for texts in (listed.source, listed.target)]
    words = _words(pair, lexicon) if wanted & {"word-alignment", "round-trip"} else None
    for layer in chosen:
        step(f"{pivot.tag} {lang.tag}, layer {layer}")
        if wanted & {"retrieval", "similarity"}:
            a, b = kept[pivot].layer(layer), kept[lang].layer(layer)
            if "retrieval" in wanted:
                yield from probe_sentences.retrieval(pivot, lang, a, b, layer, floors, settings.methods)
            if "similarity" in wanted:
                few = settings.similarity_sentences
                yield from probe_sentences.similarity(pivot, lang, a[:few], b[:few], layer)
        if listed is not None and vectors is not None:
            source, target = (one.layer(layer) for one in vectors)
            yield from probe_words.translation(pivot, lang, source, target, listed, layer, spelling)
        if words is not None:
            both = words.at(layer)
            if "round-trip" in wanted:
                yield from probe_words.round_trips(pivot, lang, both, layer)
            if "word-alignment" in wanted and any(words.links):
                yield from probe_words.alignment(pivot, lang, both, words.links, layer)


def _words(pair: _Pair, lexicon: Lexicon | None) -> _Words:
    few = pair.settings.word_sentences
    (spelt, here), (others, there) = (
        pair.store.words(pair.reader, pair.sentences.texts[lang][:few]) for lang in (pair.pivot, pair.lang)
    )
    links = [
        probe_words.lexicon_links(a, b, lexicon) if lexicon is not None else frozenset()
        for a, b in zip(spelt.spelt, others.spelt, strict=True)
    ]
    return _Words(here, there, (spelt.starts, others.starts), links)


def _counts(settings: Settings) -> dict[str, int]:
    return {"language": settings.language_sentences, "grouping": settings.grouping_sentences}


def _first(kept: Mapping[Lang, Layers], layer: int, count: int) -> dict[Lang, np.ndarray]:
    return {lang: found.layer(layer)[:count] for lang, found in kept.items()}
