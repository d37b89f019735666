"""Aligned sentences: NTREX, FLORES, FLORES+, and any two files that agree line by line.

All give `Pair(source=English, target=the language, task="translation")` with ids that agree in all languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lang, Pair, draft
from workbench.sources.lines import Report, every_line, reject
from workbench.sources.text import table_rows

_NTREX_CODE = re.compile(r"[a-z]{3}(?:-[A-Za-z]{2,4})?")
_FLORES_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}(?:_[a-z]{4}\d{4}|_[a-z0-9]+)?")
_SUFFIXES = (".parquet", ".jsonl")
_Draft = draft(Pair)


def aligned(source: Path, target: Path, lang: Lang, name: str, report: Report | None = None) -> Iterator[Pair]:
    """Line `n` of one file with line `n` of the other, as `name-000n`. A pair with an empty side is left out.

    Raises: BadInput at file:line; where the files are not of one length.
    """
    for left, right in zip_longest(every_line(source, report), every_line(target, report)):
        if left is None or right is None:
            short, beyond = (source, right) if left is None else (target, left)
            number = beyond[0] if beyond else 0
            raise BadInput(f"{short}: ends before line {number} of the file beside it; aligned files are of one length")
        number = left[0]
        if left[1] is None or right[1] is None:
            continue
        english, text = languages.nfc(left[1].strip()), languages.nfc(right[1].strip())
        if not english or not text:
            reject(report, f"{target}:{number}", "one side is empty", f"{english} | {text}")
            continue
        if report is not None:
            report.rows += 1
        made = _Draft(f"{name}-{str(number).zfill(4)}", english, text, lang, "translation")
        made.__class__ = Pair
        yield made


def ntrex(root: Path, code: str, report: Report | None = None) -> Iterator[Pair]:
    """NTREX-128: 1,997 sentences of WMT19's English news, translated; `code` as in the file name (`aze-Latn`).

    Source: Federmann et al. 2022, https://aclanthology.org/2022.sumeval-1.4; github.com/MicrosoftTranslator/NTREX.

    Raises: BadInput at file:line.
    """
    if not _NTREX_CODE.fullmatch(code):
        raise BadInput(f"NTREX language {code[:40]!r}: wanted the form 'cym' or 'aze-Latn'")
    lang = languages.from_source(code, "ntrex")
    source, target = root / "newstest2019-src.eng.txt", root / f"newstest2019-ref.{code}.txt"
    yield from aligned(source, target, lang, "ntrex", report)


def ntrex_documents(root: Path) -> list[str]:
    """The document that each of NTREX's sentences is from, in order (`bbc.381790`)."""
    path = root / "DOCUMENT_IDS.tsv"
    found = [text for _, text in every_line(path)]
    return [text for text in found if text is not None]


def flores(root: Path, code: str, split: Literal["dev", "devtest"], report: Report | None = None) -> Iterator[Pair]:
    """FLORES-200 (`dev/cym_Latn.dev`), FLORES+ as released (`dev/dev.cym_Latn`) or of the hub (`dev/cym_Latn.parquet`).

    Its keepers ask that the text is not put where a crawler finds it.

    Source: NLLB Team 2022, https://arxiv.org/abs/2207.04672; huggingface.co/datasets/openlanguagedata/flores_plus.

    Raises: BadInput at file:line; where none of the three layouts is there.
    """
    if not _FLORES_CODE.fullmatch(code):
        raise BadInput(f"FLORES language {code[:40]!r}: wanted the form 'cym_Latn'")
    lang = languages.from_source("_".join(code.split("_")[:2]), "flores")
    source, target = _flores_file(root, "eng_Latn", split), _flores_file(root, code, split)
    if target.suffix not in _SUFFIXES:
        yield from aligned(source, target, lang, f"flores-{split}", report)
        return
    english = {key: text for _, key, text in _flores_rows(source, None)}
    for where, key, text in _flores_rows(target, report):
        if key not in english:
            reject(report, where, "an id that English does not have", key)
            continue
        if report is not None:
            report.rows += 1
        yield Pair(f"flores-{split}-{key}", english[key], text, lang, "translation")


def _flores_file(root: Path, code: str, split: str) -> Path:
    names = [f"{code}.{split}", f"{split}.{code}", *(f"{code}{suffix}" for suffix in _SUFFIXES)]
    for name in names:
        if (path := root / split / name).is_file():
            return path
    raise BadInput(f"{root / split}: wanted one of {', '.join(names)}; is {root} the unpacked FLORES folder?")


def _flores_rows(path: Path, report: Report | None) -> Iterator[tuple[str, str, str]]:
    for where, row in table_rows(path, report):
        key, text = row.get("id"), row.get("text")
        if not isinstance(key, int | str) or isinstance(key, bool) or not isinstance(text, str) or not text.strip():
            reject(report, where, "wanted an id and a text", str(row))
            continue
        yield where, str(key), languages.nfc(text.strip())
