"""Sentences with one class each: SIB-200 topics, AfriSenti sentiment, and one's own table.

All give `Pair(source=text, target=class)`; a row's id is the same in every language that a data set aligns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Literal
from unicodedata import normalize

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lang, Pair, draft, sealed
from workbench.sources.lines import Report, column_blocks, header, note, reject, unquote, want_header

Split = Literal["train", "dev", "test"]

SIB_TOPICS = frozenset({"entertainment", "geography", "health", "politics", "science/technology", "sports", "travel"})
SENTIMENTS = frozenset({"negative", "neutral", "positive"})

_SIB_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
_AFRISENTI_CODE = re.compile(r"[a-z]{2,3}")


def sib200(root: Path, code: str, split: Split, report: Report | None = None) -> Iterator[Pair]:
    """Topic-labelled sentences of `root/<code>/<split>.tsv` (`swh_Latn`); ids and labels agree in all languages.

    Its files are written with CSV quotes: a text with `"` in it stands quoted, with doubled quotes inside. They are
    taken off; every other reader of `"` in a line here leaves it alone.

    Source: Adelani et al. 2024, https://aclanthology.org/2024.eacl-long.14; github.com/dadelani/sib-200.

    Raises: BadInput at file:line.
    """
    if not _SIB_CODE.fullmatch(code):
        raise BadInput(f"SIB-200 language {code[:40]!r}: wanted the form 'cym_Latn'")
    path, lang = root / code / f"{split}.tsv", languages.from_source(code, "sib200")
    want_header(path, (("index_id", "category", "text"),))
    for first, (keys, topics, quoted) in column_blocks(path, 3, report, skip=1):
        texts = list(map(unquote, quoted))
        numbers = "".join(keys)
        if all(keys) and numbers.isascii() and numbers.isdigit() and SIB_TOPICS.issuperset(topics):
            made = _pairs(map("sib200-".__add__, keys), texts, topics, lang, "topic", report)
            if made is not None:
                if report is not None and texts != quoted:
                    for number, (text, field) in enumerate(zip(texts, quoted, strict=True), first):
                        if text != field:
                            note(report, f"{path}:{number}", "CSV quotes (taken off)", field)
                yield from made
                continue
        for number, (key, topic, field) in enumerate(zip(keys, topics, quoted, strict=True), first):
            if not (key.isascii() and key.isdigit() and topic in SIB_TOPICS):
                got = f"{key}\t{topic}\t{field}"
                reject(report, f"{path}:{number}", "wanted a number, a topic of SIB-200 and a text", got)
                continue
            text = unquote(field)
            if text != field:
                note(report, f"{path}:{number}", "CSV quotes (taken off)", field)
            if pair := _pair(f"sib200-{key}", text, topic, lang, "topic", path, number, report):
                yield pair


def afrisenti(root: Path, code: str, split: Split, report: Report | None = None) -> Iterator[Pair]:
    """Tweets with their sentiment, of `root/<code>/<split>.tsv`; Oromo's files have an id column more.

    Some tweets stand in two splits (Hausa 215 of dev in train, Oromo 185 of dev in test): see `shared`.

    Source: Muhammad et al. 2023, https://aclanthology.org/2023.emnlp-main.862; github.com/afrisenti-semeval.

    Raises: BadInput at file:line.
    """
    if not _AFRISENTI_CODE.fullmatch(code):
        raise BadInput(f"AfriSenti language {code[:40]!r}: wanted three letters, e.g. 'hau'")
    path, lang = root / code / f"{split}.tsv", languages.from_source(code, "afrisenti")
    names = want_header(path, (("tweet", "label"), ("ID", "tweet", "label")))
    prefix = f"afrisenti-{code}-{split}-"
    for first, columns in column_blocks(path, len(names), report, skip=1):
        texts, labels = columns[-2:]
        if SENTIMENTS.issuperset(labels):
            keys = (prefix + str(number).zfill(5) for number in range(first - 1, first - 1 + len(texts)))
            if (made := _pairs(keys, texts, labels, lang, "sentiment", report)) is not None:
                yield from made
                continue
        for number, fields in enumerate(zip(*columns, strict=True), first):
            text, label = fields[-2:]
            if label not in SENTIMENTS:
                reject(report, f"{path}:{number}", "wanted positive, neutral or negative", "\t".join(fields))
            elif pair := _pair(prefix + str(number - 1).zfill(5), text, label, lang, "sentiment", path, number, report):
                yield pair


def table(
    path: Path, lang: Lang, task: str, report: Report | None = None, *, text: str = "text", label: str = "label"
) -> Iterator[Pair]:
    """Any tab-separated file with a header that has a text and a label column; quotes mean nothing.

    Raises: BadInput at file:line; where the header lacks a column.
    """
    names = header(path)
    if text not in names or label not in names:
        raise BadInput(f"{path}:1: wanted columns {text!r} and {label!r} in the header; got {list(names)}")
    at_text, at_label = names.index(text), names.index(label)
    prefix = f"{path.stem}-"
    for first, columns in column_blocks(path, len(names), report, skip=1):
        for number, fields in enumerate(zip(*columns, strict=True), first):
            key, kind = prefix + str(number - 1).zfill(6), fields[at_label].strip()
            if pair := _pair(key, fields[at_text], kind, lang, task, path, number, report):
                yield pair


_Draft = draft(Pair)


def _pair(
    key: str, text: str, label: str, lang: Lang, task: str, path: Path, number: int, report: Report | None
) -> Pair | None:
    text = languages.nfc(text.strip())
    if not text or not label:
        reject(report, f"{path}:{number}", "an empty text or label", f"{text}\t{label}")
        return None
    if report is not None:
        report.rows += 1
    made = _Draft(key, text, label, lang, task)
    made.__class__ = Pair
    return made


def _pairs(
    keys: Iterable[str], texts: Iterable[str], labels: Sequence[str], lang: Lang, task: str, report: Report | None
) -> list[Pair] | None:
    """The pairs of many rows at once; None where a text or a label of them is empty."""
    stripped = [normalize("NFC", text.strip()) for text in texts]
    if not (all(stripped) and all(labels)):
        return None
    if report is not None:
        report.rows += len(stripped)
    return sealed(list(map(_Draft, keys, stripped, labels, repeat(lang), repeat(task))), Pair)


def shared(some: Iterable[Pair], others: Iterable[Pair]) -> list[Pair]:
    """The pairs of `some` whose very text is in `others`: what must not be in train and test both."""
    texts = {pair.source for pair in others}
    return [pair for pair in some if pair.source in texts]
