"""African Storybook: picture books, a page at a time, with a licence per story.

Source: https://www.africanstorybook.org; github.com/global-asp/asp-source (one `.md` file per story).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench import languages
from workbench.records import Document, Lang, draft, sealed
from workbench.sources.lines import Report, lines, reject
from workbench.sources.text import json_objects

_Draft = draft(Document)
_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)?")
_LICENCE = re.compile(r"\*?\s*License:\s*\[?(CC[ -]BY)\]?(?:\s*[\d.]+)?\s*")


def language(code: str) -> Lang:
    return languages.from_source(code, "storybook")


def read(path: Path, lang: Lang, report: Report | None = None) -> Iterator[Document]:
    """The pages of stories: `.jsonl` (id, title, pages, credits) or one story's own `.md`, as `<story>#<page>`.

    A story whose credits do not say CC BY is left out (some are non-commercial, some say nothing). A page that is only
    a picture is passed over and counted.

    Raises: BadInput at file:line.
    """
    source = path.name
    for where, key, pages, credits in (
        _from_markdown(path, report) if path.suffix == ".md" else _from_json(path, report)
    ):
        if not any("icense" in line and _LICENCE.fullmatch(line.strip()) for line in credits):
            said = [line for line in credits if "icense" in line] or "no licence"
            reject(report, where, "a story whose licence is not CC BY", f"{key}: {said}")
            continue
        if report is not None:
            report.rows += 1
        texts = [" ".join(page.split()) for page in pages]
        if not all(map(str.isascii, texts)):
            texts = [languages.nfc(text) for text in texts]
        yield from sealed(
            [_Draft(f"{key}#{number}", text, lang, source) for number, text in enumerate(texts, 1) if text], Document
        )
        if report is not None and not all(texts):
            for number, text in enumerate(texts, 1):
                if not text:
                    report.note("a page without words (passed over)", f"{where}: {key}#{number}")


def _from_json(path: Path, report: Report | None) -> Iterator[tuple[str, str, Sequence[str], Sequence[str]]]:
    for where, row in json_objects(path, report):
        key, pages, credits = row.get("id"), row.get("pages"), row.get("credits")
        if not isinstance(key, str) or not key or not _texts(pages) or not _texts(credits):
            reject(report, where, "wanted id (a text), pages and credits (lists of texts)", str(row))
            continue
        yield where, key, pages or (), credits or ()


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _from_markdown(path: Path, report: Report | None) -> Iterator[tuple[str, str, Sequence[str], Sequence[str]]]:
    """`# title`, pages after `##`, and the credits (`* …` lines) as the last page."""
    pages: list[list[str]] = []
    for _, line in lines(path, report):
        if line.strip() == "##":
            pages.append([])
        elif pages and line.strip():
            pages[-1].append(line.strip())
    if len(pages) < 2:
        reject(report, f"{path}:1", "wanted pages parted by '##', the last of them the credits", path.name)
        return
    yield f"{path}:1", path.stem, [" ".join(page) for page in pages[:-1]], pages[-1]
