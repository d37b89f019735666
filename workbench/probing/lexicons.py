"""Lexicons for floors and word probes: of those that lie on this machine, the one for each language."""

from __future__ import annotations

from workbench.records import Lang, Lexicon
from workbench.sources import catalogue, embedded, lexicon
from workbench.sources.embedded import EmbeddedData, data_home
from workbench.sources.lines import Report

ENGLISH = Lang("eng", "Latn")


def find(pivot: Lang, lang: Lang) -> Lexicon | None:
    """English to `lang`: the embedded tables' where they are built, else GATITOS where it is fetched, else None.

    Nothing is downloaded.
    """
    if pivot != ENGLISH or lang == pivot:
        return None
    revision = embedded.revision()
    root = data_home() / f"embedded-{revision}"
    if (root / "DONE").exists() and (data := EmbeddedData(root, revision)).has_lexicon(lang):
        return data.lexicon(lang)
    found = catalogue.load(data_home())
    dataset = found.dataset("gatitos")
    for entry in found.entries:
        path = dataset.place(data_home()) / f"en_{entry.code}.tsv"
        if entry.dataset.name == "gatitos" and entry.lang == lang and path.is_file():
            return lexicon.read(
                path, "gatitos", pivot, lang, report=Report(), origin="gatitos", licence=dataset.licence
            )
    return None
