"""One folder with all that there is of a language that is to be added to a model, and the pivot's text beside it.

<folder>/<tag>/train.txt dev.txt test.txt    running text, a document per line; each may be absent
<folder>/<tag>/lexicon.tsv                   our TSV (see `sources.lexicon`), pivot word first
<folder>/<tag>/paradigms.tsv                 UniMorph: lemma, form, features
<folder>/<tag>/segmentations.tsv             UniMorph: lemma, form, features, segments parted by |
<folder>/<tag>/derivations.tsv               UniMorph: base, derived word, parts of speech, affix
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from workbench import languages
from workbench.errors import BadInput
from workbench.files import content_hash, sha256_file
from workbench.records import Document, Inflection, Lang, Lexicon, Pair
from workbench.sources import lexicon, text, unimorph
from workbench.sources.embedded.splits import Split
from workbench.sources.unimorph import Derivation, Segmented

LEXICON, PARADIGMS = "lexicon.tsv", "paradigms.tsv"
SEGMENTATIONS, DERIVATIONS = "segmentations.tsv", "derivations.tsv"
MORPHOLOGY = (PARADIGMS, SEGMENTATIONS, DERIVATIONS)
PIVOT = Lang("eng", "Latn")


@dataclass(frozen=True, slots=True)
class OwnLanguage:
    """The same questions as `EmbeddedData` answers; there are no labelled requests and no translated sentences."""

    folder: Path
    revision: str

    def documents(self, lang: Lang, split: Split) -> list[Document]:
        """None where the split has no file."""
        path = self.folder / lang.tag / f"{split}.txt"
        found = text.documents(path, lang) if path.is_file() else []
        return [replace(document, id=f"{lang.tag}/{document.id}") for document in found]

    def has_text(self, lang: Lang) -> bool:
        return (self.folder / lang.tag / "train.txt").is_file()

    def pairs(self, lang: Lang, split: Split) -> list[Pair]:
        return []

    def intents(self, lang: Lang, split: Split) -> list[Pair]:
        return []

    def has_lexicon(self, lang: Lang) -> bool:
        return (self.folder / lang.tag / LEXICON).is_file()

    def lexicon(self, lang: Lang) -> Lexicon:
        """Raises: BadInput where there is none."""
        path = self.folder / lang.tag / LEXICON
        if not path.is_file():
            raise BadInput(f"{path}: no such file; wanted a lexicon {PIVOT} -> {lang}")
        return lexicon.read(path, "tsv", PIVOT, lang, origin=f"{lang.tag}:{sha256_file(path)[:12]}")

    def inflections(self, lang: Lang) -> list[Inflection]:
        path = self.folder / lang.tag / PARADIGMS
        return list(unimorph.read(path, lang)) if path.is_file() else []

    def segmentations(self, lang: Lang) -> list[Segmented]:
        path = self.folder / lang.tag / SEGMENTATIONS
        return list(unimorph.segmentations(path, lang)) if path.is_file() else []

    def derivations(self, lang: Lang) -> list[Derivation]:
        path = self.folder / lang.tag / DERIVATIONS
        return list(unimorph.derivations(path, lang)) if path.is_file() else []

    def languages(self) -> dict[Lang, dict[str, int]]:
        """What there is of each language, counted."""
        found = {}
        for folder in sorted(path for path in self.folder.iterdir() if path.is_dir()):
            lang = languages.parse(folder.name)
            counts = {f"{split} sentences": len(self.documents(lang, split)) for split in ("train", "dev", "test")}
            if self.has_lexicon(lang):
                counts["lexicon entries"] = sum(map(len, self.lexicon(lang).entries.values()))
            found[lang] = counts
        return found


def open_language(folder: str) -> OwnLanguage:
    """Raises: BadInput where there is no such folder."""
    root = Path(folder)
    if not root.is_dir():
        raise BadInput(f"{root.absolute()}: no such folder; `workbench adapt` makes it")
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return OwnLanguage(root, content_hash([f"{path.relative_to(root)} {sha256_file(path)}" for path in files]))


def morphology(
    paradigms: Path | None, segmentations: Path | None, derivations: Path | None, lang: Lang
) -> dict[str, list[str]]:
    """Name in the language's folder -> its lines, of UniMorph's files as somebody has them.

    Raises: BadInput at file:line.
    """
    found = {}
    if paradigms:
        found[PARADIGMS] = ["\t".join(_columns(one)) for one in unimorph.read(paradigms, lang)]
    if segmentations:
        cut = unimorph.segmentations(segmentations, lang)
        found[SEGMENTATIONS] = ["\t".join((*_columns(one.inflection), "|".join(one.segments))) for one in cut]
    if derivations:
        derived = unimorph.derivations(derivations, lang)
        found[DERIVATIONS] = ["\t".join((one.base, one.derived, one.parts_of_speech, one.affix)) for one in derived]
    return found


def _columns(one: Inflection) -> tuple[str, str, str]:
    return one.lemma, one.form, unimorph.join_features(one.features)
