"""Sentences with one class each: SIB-200 topics, AfriSenti sentiment, and one's own table.

All give `Pair(source=text, target=class)`; a row's id is the same in every language that a data set aligns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lang, Pair
from workbench.sources.lines import Report, header, note, reject, rows, unquote, want_header

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
    for number, (key, topic, quoted) in rows(path, 3, report, skip=1):
        if not key.isascii() or not key.isdigit() or topic not in SIB_TOPICS:
            reject(
                report,
                f"{path}:{number}",
                "wanted a number, a topic of SIB-200 and a text",
                f"{key}\t{topic}\t{quoted}",
            )
            continue
        text = unquote(quoted)
        if text != quoted:
            note(report, f"{path}:{number}", "CSV quotes (taken off)", quoted)
        yield from _pair(f"sib200-{key}", text, topic, lang, "topic", f"{path}:{number}", report)


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
    for number, fields in rows(path, len(names), report, skip=1):
        text, label = fields[-2:]
        if label not in SENTIMENTS:
            reject(report, f"{path}:{number}", "wanted positive, neutral or negative", "\t".join(fields))
            continue
        key = f"afrisenti-{code}-{split}-{number - 1:05d}"
        yield from _pair(key, text, label, lang, "sentiment", f"{path}:{number}", report)


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
    for number, fields in rows(path, len(names), report, skip=1):
        key = f"{path.stem}-{number - 1:06d}"
        yield from _pair(key, fields[at_text], fields[at_label].strip(), lang, task, f"{path}:{number}", report)


def _pair(key: str, text: str, label: str, lang: Lang, task: str, where: str, report: Report | None) -> Iterator[Pair]:
    text = languages.nfc(text.strip())
    if not text or not label:
        reject(report, where, "an empty text or label", f"{text}\t{label}")
        return
    if report is not None:
        report.rows += 1
    yield Pair(key, text, label, lang, task)


def shared(some: Iterable[Pair], others: Iterable[Pair]) -> list[Pair]:
    """The pairs of `some` whose very text is in `others`: what must not be in train and test both."""
    texts = {pair.source for pair in others}
    return [pair for pair in some if pair.source in texts]
