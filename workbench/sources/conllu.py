"""Universal Dependencies (CoNLL-U), and the two-column CoNLL of MasakhaPOS and MasakhaNER.

Source: https://universaldependencies.org/format.html; github.com/masakhane-io/masakhane-pos and masakhane-ner, `data/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from workbench import languages
from workbench.records import Lang
from workbench.sources.lines import Report, note, reject, unquote
from workbench.sources.tagged import Block, Tagged, blocks, comment, is_bio, orphans

# https://universaldependencies.org/u/pos/
UPOS = frozenset({
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB", "X",
})  # fmt: skip

_COLUMNS = 10
_RANGE = re.compile(r"[1-9]\d*-[1-9]\d*")
_EMPTY = re.compile(r"\d+\.[1-9]\d*")


def read(path: Path, lang: Lang, report: Report | None = None) -> Iterator[Tagged]:
    """The sentences of a CoNLL-U file with their universal parts of speech.

    Tokens are syntactic words: of a multiword token (`1-2 vámonos`) its words are taken and the surface is not; empty
    nodes (`8.1`) are no tokens. One bad row leaves its whole sentence out.

    Raises: BadInput at file:line.
    """
    for block in blocks(path, report, comments="#"):
        if not block.rows and not block.broken:
            reject(report, f"{path}:{block.first_line}", "comments without a sentence", block.comments[0])
            continue
        row = _sentence(block, path, lang, report)
        if row is not None:
            if report is not None:
                report.rows += 1
            yield row


def _sentence(block: Block, path: Path, lang: Lang, report: Report | None) -> Tagged | None:
    if block.broken:
        return None
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in block.rows:
        fields = line.split("\t")
        if len(fields) != _COLUMNS:
            reason = f"wanted {_COLUMNS} tab-separated columns, not {len(fields)} (the sentence is left out)"
            reject(report, f"{path}:{number}", reason, line)
            return None
        if _RANGE.fullmatch(fields[0]) or _EMPTY.fullmatch(fields[0]):
            continue
        if fields[0] != str(len(tokens) + 1):
            reason = f"wanted token id {len(tokens) + 1} (the sentence is left out)"
            reject(report, f"{path}:{number}", reason, line)
            return None
        if not fields[1].strip() or fields[3] not in UPOS:
            reason = "an empty form, or no universal part of speech (the sentence is left out)"
            reject(report, f"{path}:{number}", reason, line)
            return None
        tokens.append(languages.nfc(fields[1]))
        tags.append(fields[3])
    if not tokens:
        reject(report, f"{path}:{block.first_line}", "a sentence without words", block.rows[0][1])
        return None
    name = comment(block, "sent_id") or f"{path.stem}-{block.first_line}"
    text = comment(block, "text")
    if text is None:
        note(report, f"{path}:{block.first_line}", "no '# text' (words joined by spaces)", tokens[0])
        text = " ".join(tokens)
    return Tagged(name, languages.nfc(text), tuple(tokens), tuple(tags), lang, "pos")


def read_columns(path: Path, lang: Lang, task: Literal["pos", "ner"], report: Report | None = None) -> Iterator[Tagged]:
    """The sentences of a file of `token tag` lines, parted by blank ones. Quotes that a CSV writer put are taken off.

    Raises: BadInput at file:line.
    """
    for block in blocks(path, report):
        if block.broken:
            continue
        # `# NUM` at a sentence's head is a token here, not a comment
        numbered = [(block.first_line + place, line) for place, line in enumerate(block.comments)] + block.rows
        tokens: list[str] = []
        tags: list[str] = []
        for number, line in numbered:
            fields = line.rsplit(None, 1)
            known = len(fields) == 2 and (fields[1] in UPOS if task == "pos" else is_bio(fields[1]))
            token = unquote(fields[0].strip())
            if not known or not token:
                kind = "a universal part of speech" if task == "pos" else "a BIO tag"
                reason = f"wanted a token and {kind} (the sentence is left out)"
                reject(report, f"{path}:{number}", reason, line)
                break
            tokens.append(languages.nfc(token))
            tags.append(fields[1])
        else:
            if task == "ner" and orphans(tags):
                note(report, f"{path}:{block.first_line}", "I- without B- before it (kept)", " ".join(tags))
            if report is not None:
                report.rows += 1
            name = f"{path.stem}-{block.first_line}"
            yield Tagged(name, " ".join(tokens), tuple(tokens), tuple(tags), lang, task)
