"""Preparing the embedded default, and reading its tables."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from workbench import languages
from workbench.errors import BadInput
from workbench.files import content_hash, read_json, read_jsonl, write_json
from workbench.records import Document, Inflection, Lang, Lexicon, Pair, Translation
from workbench.sources.embedded import pins
from workbench.sources.embedded.splits import Split
from workbench.sources.fetch import disk_error, fetch, locked
from workbench.sources.unimorph import Derivation, Segmented

ENGLISH = Lang("eng", "Latn")
BUILDER = 2  # raise it whenever the same wheels would give other tables


@dataclass(frozen=True, slots=True)
class Licence:
    """Under what terms a source's data stand, and whom to credit."""

    source: str
    licence: str
    citation: str


def licences() -> list[Licence]:
    """Every source of the embedded default, for manifests and reports."""
    found = [Licence(source.key, source.licence, source.citation) for source in pins.sources().values()]
    babel = f"Unicode CLDR names, as shipped in Babel {importlib.metadata.version('babel')}, https://babel.pocoo.org"
    return [*found, Licence("babel", "Unicode-3.0 (data), BSD-3-Clause (package)", babel)]


def data_home() -> Path:
    """`$WORKBENCH_DATA`, or the user's cache folder."""
    if given := os.environ.get("WORKBENCH_DATA"):
        return Path(given).expanduser().resolve()
    import platformdirs

    return platformdirs.user_cache_path("workbench")


def wanted_languages() -> tuple[Lang, ...]:
    """The languages that tables are built for, from `sources.toml`."""
    return tuple(languages.parse(tag) for tag in _settings()["languages"])


def revision() -> str:
    """Twelve hex digits that change whenever the tables could: with pins, settings, builder, Babel, hassil."""
    made_of = {
        "builder": BUILDER,
        "settings": _settings(),
        "pins": {key: [pin.sha256, *(span.sha256 for span in pin.spans)] for key, pin in pins.pins().items()},
        "versions": {name: importlib.metadata.version(name) for name in ("babel", "hassil")},
    }
    return content_hash(made_of)


def prepare(progress: Callable[[str], None] = print) -> EmbeddedData:
    """Make the tables be there: download what is missing, build once. Afterwards this only looks, and needs no network.

    Raises: Unavailable where network or disk fail; what has come is kept for the next attempt.
    """
    home, name = data_home(), revision()
    root = home / f"embedded-{name}"
    if not (root / "DONE").exists():
        try:
            home.mkdir(parents=True, exist_ok=True)
            with locked(home / ".prepare.lock", progress):
                if not (root / "DONE").exists():
                    _prepare(home, root, progress)
        except OSError as error:
            raise disk_error(error, home, 200_000_000) from error
    return EmbeddedData(root, name)


def _prepare(home: Path, root: Path, progress: Callable[[str], None]) -> None:
    from workbench.sources.embedded.build import build

    found, downloads = pins.pins(), home / "downloads"
    fetch(list(found.values()), downloads, progress)
    scratch = root.with_name(root.name + ".building")
    for leftover in (scratch, root):  # of a process that died: we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    scratch.mkdir(parents=True)
    began = time.monotonic()
    progress("building the tables, once: about a minute on one core")
    try:
        build(found, downloads, scratch, wanted_languages(), progress)
        write_json(scratch / "licences.json", [[one.source, one.licence, one.citation] for one in licences()])
        write_json(scratch / "DONE", {"revision": root.name})
        os.replace(scratch, root)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    progress(f"tables are ready in {root} ({time.monotonic() - began:.0f} s)")


def _settings() -> dict[str, Any]:
    return tomllib.loads(resources.files("workbench.sources.embedded").joinpath("sources.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class EmbeddedData:
    """The built tables. A language may also be asked for by its macrolanguage or member (`swh-Latn` for `swa-Latn`)."""

    root: Path
    revision: str

    def documents(self, lang: Lang, split: Split) -> list[Document]:
        """Running text: strings of at least four English words, Bible verses; no near-duplicates between splits."""
        return [
            Document(f"{lang.tag}/{row['id']}", row["text"], lang, row["source"])
            for row in read_jsonl(self._table("text", lang) / f"{split}.jsonl")
        ]

    def pairs(self, lang: Lang, split: Split) -> list[Pair]:
        """English sentence (source) and sentence in `lang` (target); an id is one English string in all languages."""
        if lang == ENGLISH:
            raise BadInput("pairs of English with itself were asked for; give another language")
        return [
            Pair(row["id"], row["english"], row["text"], lang, "translation")
            for row in read_jsonl(self._table("text", lang) / f"{split}.jsonl")
            if row["english"]
        ]

    def lexicon(self, lang: Lang) -> Lexicon:
        """English -> `lang`, most attested translation first; no entry is or contains a dev or test string.

        Of each translation `weight` counts how often the sources say so; which source said it stands in the table.
        """
        path = self._table("lexicon", lang, ".tsv")
        entries: dict[str, list[Translation]] = {}
        sources: dict[str, int] = {}
        for english, word, pos, weight, source in _rows(path, 5):
            entries.setdefault(english, []).append(Translation(word, pos, float(weight)))
            for name in source.split():
                sources[name] = sources.get(name, 0) + 1
        terms = {licence.source: licence.licence for licence in licences()}
        keys = dict.fromkeys(_LEXICON_SOURCE.get(name, name) for name in sources)
        return Lexicon(
            ENGLISH,
            lang,
            {english: tuple(translations) for english, translations in entries.items()},
            origin=", ".join(f"{name} ({number})" for name, number in sorted(sources.items())),
            licence="; ".join(f"{key}: {terms[key]}" for key in sorted(keys)),
        )

    def has_lexicon(self, lang: Lang) -> bool:
        return self._find("lexicon", lang, ".tsv") is not None

    def has_text(self, lang: Lang) -> bool:
        return self._find("text", lang) is not None

    def intents(self, lang: Lang, split: Split) -> list[Pair]:
        """Assistant requests (source) and their intent (target): English all splits, others dev and test, or none."""
        path = self._find("intents", lang)
        if path is None:
            return []
        rows = read_jsonl(path / f"{split}.jsonl")
        return [
            Pair(f"intent.{lang.tag}.{split}.{number}", row["text"], row["intent"], lang, "intent")
            for number, row in enumerate(rows)
        ]

    def inflections(self, lang: Lang) -> list[Inflection]:
        """Paradigm cells with UniMorph features; empty where no source has the language."""
        path = self._find("inflections", lang, ".tsv")
        if path is None:
            return []
        return [Inflection(lang, lemma, form, tuple(features.split(";"))) for lemma, form, features in _rows(path, 3)]

    def segmentations(self, lang: Lang) -> list[Segmented]:
        """None: of no language are there any."""
        return []

    def derivations(self, lang: Lang) -> list[Derivation]:
        """None: of no language are there any."""
        return []

    def languages(self) -> dict[Lang, dict[str, int]]:
        """What there is of each language: strings and tokens by split, lexicon rows, intents, requests, inflections."""
        return {languages.parse(tag): counts for tag, counts in read_json(self.root / "counts.json").items()}

    def _find(self, kind: str, lang: Lang, suffix: str = "") -> Path | None:
        for candidate in (lang, *languages.counterparts(lang)):
            path = self.root / kind / f"{candidate.tag}{suffix}"
            if path.exists():
                return path
        return None

    def _table(self, kind: str, lang: Lang, suffix: str = "") -> Path:
        path = self._find(kind, lang, suffix)
        if path is None:
            there = ", ".join(sorted(entry.name.removesuffix(suffix) for entry in (self.root / kind).iterdir()))
            raise BadInput(f"the embedded data have no {kind} in {lang.tag}; they have it in: {there}")
        return path


_LEXICON_SOURCE = {"cldr-annotations": "annotations", "cldr-keywords": "annotations", "cldr-names": "babel"}


def _rows(path: Path, width: int) -> list[list[str]]:
    """The rows of one of our tables, without its header.

    Raises: BadInput naming file:line where a row has another number of columns.
    """
    text = path.read_text("utf-8").removesuffix("\n")
    rows = [line.split("\t") for line in text.split("\n")[1:]]  # `splitlines` would also cut at U+2028 and the like
    for number, row in enumerate(rows, 2):
        if len(row) != width:
            raise BadInput(
                f"{path}:{number}: wanted {width} columns, got {len(row)}; delete {path.parent.parent} to rebuild"
            )
    return rows
