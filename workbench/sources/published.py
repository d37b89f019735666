"""The embedded default, widened by the published data sets under `$WORKBENCH_DATA`: lexicons, paradigms, NTREX.

What a language has is the embedded default's, and beside it:

    lexicon      GATITOS, or else WECHSEL (Wiktionary), or else the embedded one
    paradigms    UniMorph, or else the embedded ones; segmentations and derivations where they lie beside UniMorph's
    text, pairs  NTREX, its documents parted into train, dev and test (all sentences of an article lie together)

NTREX is a test set. A model that has read its train documents may be tested on the others, as here, and on no other
share of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar, get_args

from workbench import languages
from workbench.errors import BadInput
from workbench.files import content_hash, sha256_file
from workbench.records import Document, Inflection, Lang, Lexicon, Pair
from workbench.seeds import stream
from workbench.sources import catalogue, embedded, lexicon, parallel, unimorph
from workbench.sources.embedded import EmbeddedData, Licence, data_home
from workbench.sources.embedded.splits import Split
from workbench.sources.lines import Report
from workbench.sources.unimorph import Derivation, Segmented

ENGLISH = Lang("eng", "Latn")
HELD_OUT_RATE = 0.2  # of NTREX's 123 documents: once for dev, once for test
LEXICONS: tuple[Literal["gatitos", "wechsel"], ...] = ("gatitos", "wechsel")
DATASETS = (*LEXICONS, "unimorph", "ntrex")
_Beside = Literal["segmentations", "derivations"]
_BESIDE: tuple[_Beside, ...] = get_args(_Beside)
_T = TypeVar("_T", Segmented, Derivation)


@dataclass(frozen=True, slots=True)
class PublishedData:
    """The same questions as `EmbeddedData` answers. `revision` is of the files of the languages it was opened for."""

    embedded: EmbeddedData
    revision: str

    def documents(self, lang: Lang, split: Split) -> list[Document]:
        """Running text: the embedded default's and NTREX's.

        Raises: BadInput where neither has the language.
        """
        own = self.embedded.documents(lang, split) if self.embedded.has_text(lang) else []
        news = _ntrex(lang)
        if not own and not news:
            raise BadInput(f"neither the embedded data nor NTREX (under {data_home()}) have text in {lang.tag}")
        kept = _of_split(split)
        return own + [
            Document(f"{lang.tag}/{pair.id}", pair.target, lang, "ntrex")
            for number, pair in enumerate(news)
            if kept[number]
        ]

    def pairs(self, lang: Lang, split: Split) -> list[Pair]:
        """English sentence (source) and sentence in `lang` (target)."""
        own = self.embedded.pairs(lang, split) if self.embedded.has_text(lang) else []
        kept = _of_split(split)
        return own + [pair for number, pair in enumerate(_ntrex(lang)) if kept[number]]

    def lexicon(self, lang: Lang) -> Lexicon:
        """English -> `lang`, from the first source that has it; lines that are damaged are left out, and told.

        Raises: BadInput where none has.
        """
        for name in LEXICONS:
            if (path := _file(name, lang)) is not None:
                terms, report = catalogue.load(data_home()).dataset(name).licence, Report()
                found = lexicon.read(path, name, ENGLISH, lang, licence=f"{name}: {terms}", report=report)
                _tell(path, report)
                return found
        return self.embedded.lexicon(lang)

    def has_lexicon(self, lang: Lang) -> bool:
        return any(_file(name, lang) for name in LEXICONS) or self.embedded.has_lexicon(lang)

    def intents(self, lang: Lang, split: Split) -> list[Pair]:
        return self.embedded.intents(lang, split)

    def inflections(self, lang: Lang) -> list[Inflection]:
        """Paradigm cells with UniMorph features, each once, of all files; empty where no source has the language."""
        cells: dict[tuple[str, str, tuple[str, ...]], Inflection] = {}
        for path in (paths := _files("unimorph", lang)):
            report = Report()
            for one in unimorph.read(path, lang, report):
                cells.setdefault((one.lemma, one.form, one.features), one)
            _tell(path, report)
        return list(cells.values()) if paths else self.embedded.inflections(lang)

    def segmentations(self, lang: Lang) -> list[Segmented]:
        """Forms cut into morphemes, where `<code>.segmentations` lies beside UniMorph's paradigms of the language."""
        return _read_beside(lang, "segmentations", unimorph.segmentations)

    def derivations(self, lang: Lang) -> list[Derivation]:
        """Derived words and their bases, where `<code>.derivations` lies there."""
        return _read_beside(lang, "derivations", unimorph.derivations)

    def languages(self) -> dict[Lang, dict[str, int]]:
        """What there is of each language, counted."""
        found = dict(self.embedded.languages())
        for entry in catalogue.load(data_home()).entries:
            if entry.dataset.name in DATASETS and _there(entry):
                count = entry.rows or sum(1 for _ in _ntrex(entry.lang))
                found[entry.lang] = found.get(entry.lang, {}) | {f"{entry.dataset.name} rows": count}
        return found


def open_published(langs: Iterable[Lang]) -> PublishedData:
    """The data as these languages' studies read them.

    Raises: BadInput where NTREX or GATITOS is not under `$WORKBENCH_DATA`, with how to get it.
    """
    for name in ("ntrex", "gatitos"):
        place = catalogue.load(data_home()).dataset(name).place(data_home())
        if not place.is_dir():
            raise BadInput(
                f"{place}: no such folder; data.source 'published' reads it; `workbench data fetch {name}` gets it "
                f"into $WORKBENCH_DATA (now {data_home()})"
            )
    own = embedded.prepare()
    langs = list(langs)
    files = {path for lang in langs for name in DATASETS for path in _files(name, lang)}
    files |= {path for lang in langs for kind in _BESIDE for path in _beside_paradigms(lang, kind)}
    digest = [own.revision, *(f"{path.name} {sha256_file(path)}" for path in sorted(files))]
    return PublishedData(own, content_hash(digest))


def licences() -> list[Licence]:
    """Those of the embedded default, and of the data sets beside it."""
    found = catalogue.load(data_home())
    sets = [found.dataset(name) for name in DATASETS]
    return [*embedded.licences(), *(Licence(one.name, one.licence, one.citation) for one in sets)]


@cache
def _ntrex(lang: Lang) -> tuple[Pair, ...]:
    """All of NTREX in a language, or nothing; of English both sides are English."""
    root = catalogue.load(data_home()).dataset("ntrex").place(data_home())
    if lang == ENGLISH:
        path = root / "newstest2019-src.eng.txt"
        return tuple(parallel.aligned(path, path, lang, "ntrex")) if path.is_file() else ()
    found = _file("ntrex", lang)
    return () if found is None else tuple(parallel.ntrex(root, found.name.split(".")[1]))


@cache
def _of_split(split: Split) -> tuple[bool, ...]:
    """Of each of NTREX's sentences: is its document in this split?"""
    root = catalogue.load(data_home()).dataset("ntrex").place(data_home())
    names = parallel.ntrex_documents(root)
    distinct = sorted(set(names))
    order = stream(0, "ntrex-documents").permutation(len(distinct))
    held = round(HELD_OUT_RATE * len(distinct))
    parts = {"dev": order[:held], "test": order[held : 2 * held], "train": order[2 * held :]}
    chosen = {distinct[i] for i in parts[split]}
    return tuple(name in chosen for name in names)


def _read_beside(lang: Lang, kind: _Beside, read: Callable[[Path, Lang, Report], Iterator[_T]]) -> list[_T]:
    found: list[_T] = []
    for path in _beside_paradigms(lang, kind):
        report = Report()
        found += read(path, lang, report)
        _tell(path, report)
    return found


def _tell(path: Path, report: Report) -> None:
    """On standard error, the rows that were left out."""
    for reason, count in report.dropped.counts.items():
        print(f"{path}: {count} left out: {reason} (first: {report.dropped.examples[reason]})", file=sys.stderr)


def _file(name: str, lang: Lang) -> Path | None:
    """The first of them."""
    return next(iter(_files(name, lang)), None)


def _files(name: str, lang: Lang) -> list[Path]:
    """The pinned files of a data set in a language that are there: one, but for some languages of UniMorph."""
    asked = {lang, *languages.counterparts(lang)}
    found = [e for e in catalogue.load(data_home()).entries if e.dataset.name == name and e.lang in asked and _there(e)]
    exact = [entry for entry in found if entry.lang == lang] or found
    return [path for path in _paths(exact[0]) if path.is_file()] if exact else []


def _beside_paradigms(lang: Lang, kind: _Beside) -> list[Path]:
    """What UniMorph may have of a language beside its paradigms, in the folder of these: one file, plain or packed.

    The catalogue pins none of them: they are read where somebody put them.
    """
    folders = sorted({path.parent for path in _files("unimorph", lang)})
    packed = (folder / f"{folder.name}.{kind}{end}" for folder in folders for end in ("", ".xz"))
    return [path for path in packed if path.is_file()][:1]


def _there(entry: catalogue.Entry) -> bool:
    return any(path.is_file() for path in _paths(entry))


def _paths(entry: catalogue.Entry) -> list[Path]:
    return [entry.dataset.place(data_home()) / file.path for file in entry.files]
