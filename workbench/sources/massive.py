"""MASSIVE: utterances to a voice assistant with intents and slots, in 52 locales.

Source: FitzGerald et al. 2023, https://aclanthology.org/2023.acl-long.235; github.com/alexa/massive, README (format)
and scripts/create_hf_dataset.py (how an utterance becomes tokens and labels: published slot F1 depends on it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lang, draft
from workbench.sources.lines import Report, reject, rows, want_header
from workbench.sources.tagged import Tagged, merged_bio
from workbench.sources.text import json_objects

Split = Literal["train", "dev", "test"]

OTHER = "Other"
PER_CHARACTER = frozenset({"ja-JP", "zh-CN", "zh-TW"})  # scored per character: no spaces between words

_LOCALE = re.compile(r"[a-z]{2}-[A-Z]{2}")
_SLOT = re.compile(r"\[\s*([A-Za-z_]+)\s*:([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One row: what to say (`text`), its tokens with a slot label each (`Other`: none), its intent and its split."""

    id: str
    text: str
    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    intent: str
    scenario: str
    split: Split
    lang: Lang

    def tagged(self) -> Tagged:
        """As a BIO-tagged sentence: neighbours of one label are one span, as in the published scores."""
        return Tagged(self.id, self.text, self.tokens, merged_bio(self.labels), self.lang, "slots", self.intent)


_Draft = draft(Utterance)


def parse_slots(annotated: str) -> list[tuple[str, str]]:
    """(label, words) parts of `wake me at [time : nine am] [date : on friday]`, in order; `Other` outside brackets.

    Raises: ValueError where brackets do not match, or a slot is empty.
    """
    parts: list[tuple[str, str]] = []
    end = 0
    for match in _SLOT.finditer(annotated):
        parts.append((OTHER, annotated[end : match.start()]))
        if not (words := match[2].strip()):
            raise ValueError(f"the slot {match[1]!r} is empty")
        parts.append((match[1], words))
        end = match.end()
    parts.append((OTHER, annotated[end:]))
    if any("[" in text or "]" in text for label, text in parts if label == OTHER):
        raise ValueError("square brackets that make no '[slot : words]'")
    return [(label, text) for label, text in parts if text]


def tokenize(parts: list[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(tokens, labels), cut at spaces. A token that two parts share (no space at a bracket) has the slot's label."""
    tokens: list[str] = []
    labels: list[str] = []
    glued = False
    for label, text in parts:
        pieces = text.split()
        if pieces and glued and tokens and not text[0].isspace():
            tokens[-1] += pieces.pop(0)
            if labels[-1] == OTHER:
                labels[-1] = label
        tokens += pieces
        labels += [label] * len(pieces)
        glued = not text[-1].isspace()
    return tuple(tokens), tuple(labels)


def tokenize_spaced(annotated: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """What `tokenize` makes of `parse_slots`, where all is well and each bracket stands between spaces; else None."""
    if "[" not in annotated:
        tokens = tuple(annotated.split())
        return (tokens, (OTHER,) * len(tokens)) if "]" not in annotated else None
    pieces = _SLOT.split(annotated)
    outside = "".join(pieces[::3])
    if "[" in outside or "]" in outside or "" in pieces[3:-1:3]:
        return None
    words: list[str] = []
    labels: list[str] = []
    for place in range(0, len(pieces) - 1, 3):
        before, label, inside = pieces[place : place + 3]
        found = before.split()
        slot = inside.split()
        if not slot or (before and not before[-1].isspace()) or (place and not before[0].isspace()):
            return None
        words += found
        words += slot
        labels += [OTHER] * len(found)
        labels += [label] * len(slot)
    if after := pieces[-1]:
        if not after[0].isspace():
            return None
        found = after.split()
        words += found
        labels += [OTHER] * len(found)
    return tuple(words), tuple(labels)


def tokenize_characters(
    parts: list[tuple[str, str]], *, as_published: bool = True
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(tokens, labels) for ja-JP, zh-CN and zh-TW: every character is a token, runs of ASCII stay whole.

    In the published script a slot that ends in ASCII is never closed: its label stays on until the next slot opens.
    `as_published` keeps that, for scores are comparable only so; False ends every slot at its bracket.
    """
    tokens: list[str] = []
    labels: list[str] = []
    carried = OTHER
    for label, text in parts:
        current = carried if label == OTHER else label
        pieces = text.split()
        for piece in pieces:
            characters = [piece] if piece.isascii() else list(piece)
            tokens += characters
            labels += [current] * len(characters)
        if label != OTHER:
            carried = label if as_published and pieces[-1].isascii() else OTHER
    return tuple(tokens), tuple(labels)


def read_meta(path: Path) -> dict[str, tuple[Split, str, str]]:
    """`meta.tsv`: id -> (split, scenario, intent), the same in every locale.

    Raises: BadInput at file:line.
    """
    want_header(path, (("id", "partition", "scenario", "intent"),))
    found: dict[str, tuple[Split, str, str]] = {}
    for number, (key, split, scenario, intent) in rows(path, 4, skip=1):
        if split not in get_args(Split) or not intent or key in found:
            raise BadInput(
                f"{path}:{number}: wanted a new id, train, dev or test, scenario and intent; got {key!r} {split!r}"
            )
        found[key] = cast(Split, split), scenario, intent
    return found


def read_tsv(
    path: Path, meta: Mapping[str, tuple[Split, str, str]], report: Report | None = None
) -> Iterator[Utterance]:
    """A locale as two columns, `id` and `annot_utt`, named `xx-XX.tsv`; split and intent come from `read_meta`.

    Raises: BadInput at file:line.
    """
    locale, lang = _locale(path)
    want_header(path, (("id", "annot_utt"),))
    name = str(path)
    for number, (key, annotated) in rows(path, 2, report, skip=1):
        if key not in meta:
            reject(report, f"{name}:{number}", "an id that meta.tsv does not have", key)
            continue
        split, scenario, intent = meta[key]
        row = _utterance(key, annotated, split, scenario, intent, locale, lang, f"{name}:{number}", report)
        if row is not None:
            yield row


def read_jsonl(path: Path, report: Report | None = None) -> Iterator[Utterance]:
    """A locale as published, `xx-XX.jsonl` with every split in it. Rows of the unlabelled MMNLU-22 set are left out.

    Raises: BadInput at file:line.
    """
    _, lang = _locale(path)
    wanted = ("id", "locale", "partition", "scenario", "intent", "annot_utt")
    for where, row in json_objects(path, report):
        if not all(isinstance(row.get(key), str) for key in wanted):
            reject(report, where, f"wanted the texts {', '.join(wanted)}", str(row))
            continue
        if row["partition"] not in get_args(Split) or row["locale"] != path.name.split(".")[0]:
            reject(report, where, "wanted train, dev or test of this file's locale", str(row))
            continue
        split, locale = cast(Split, row["partition"]), row["locale"]
        made = _utterance(
            row["id"], row["annot_utt"], split, row["scenario"], row["intent"], locale, lang, where, report
        )
        if made is not None:
            yield made


def _locale(path: Path) -> tuple[str, Lang]:
    name = path.name.split(".")[0]
    if not _LOCALE.fullmatch(name):
        raise BadInput(f"{path}: wanted a file named after its locale, such as sw-KE.tsv")
    return name, languages.from_source(name, "massive")


def _utterance(
    key: str,
    annotated: str,
    split: Split,
    scenario: str,
    intent: str,
    locale: str,
    lang: Lang,
    where: str,
    report: Report | None,
) -> Utterance | None:
    annotated = languages.nfc(annotated)
    spaced = tokenize_spaced(annotated) if locale not in PER_CHARACTER else None
    if spaced is not None and spaced[0]:
        if report is not None:
            report.rows += 1
        made = _Draft(f"massive-{key}", " ".join(spaced[0]), *spaced, intent, scenario, split, lang)
        made.__class__ = Utterance
        return made
    try:
        parts = parse_slots(annotated)
    except ValueError as error:
        reject(report, where, str(error), annotated)
        return None
    tokens, labels = tokenize_characters(parts) if locale in PER_CHARACTER else tokenize(parts)
    if not tokens:
        reject(report, where, "an utterance without words", annotated)
        return None
    if report is not None:
        report.rows += 1
    text = " ".join("".join(text for _, text in parts).split())
    return Utterance(f"massive-{key}", text, tokens, labels, intent, scenario, split, lang)
