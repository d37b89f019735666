"""Inflection tables of the embedded default: Eastern Armenian, from a morphological grammar."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator

from workbench.records import Lang
from workbench.sources.embedded.annotations import Term
from workbench.sources.embedded.tally import Tally

_LEXEME = re.compile(r"^-lexeme\n((?: .*\n?)+)", re.MULTILINE)
_FIELD = re.compile(r"^ (\w+): (.*\S)", re.MULTILINE)
_POS = {"N": "N", "A": "ADJ", "V": "V", "ADV": "ADV", "NUM": "NUM"}
_ARMENIAN = re.compile(r"[\u0531-\u0556\u0561-\u0587]")


def armenian_glosses(archive: zipfile.ZipFile) -> Iterator[Term]:
    """Lemmas and the English glosses that the dictionary gives for them, one term per gloss."""
    text = archive.read("uniparser_eastern_armenian/data/lexemes.txt").decode("utf-8")
    for block in _LEXEME.finditer(text):
        fields = dict(_FIELD.findall(block[1]))
        pos = _POS.get(fields.get("gramm", "").split(",")[0])
        gloss = fields.get("trans_en", "")
        if pos is None or not gloss or _ARMENIAN.search(gloss) or not fields.get("lex"):
            continue
        for part in re.split(r"[,;]", re.sub(r"\([^()]*\)", " ", gloss)):
            english = " ".join(part.split())
            if english and "/" not in english and "." not in english:
                yield Term(english, fields["lex"], "armenian", pos)


def armenian(archive: zipfile.ZipFile, lang: Lang, tally: Tally) -> list[tuple[str, str, str]]:
    return []
