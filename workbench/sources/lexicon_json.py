"""Lexicons in JSON: Wiktextract's pages of the English Wiktionary, and the CLDR's names of symbols."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lang
from workbench.sources.lexicon_entry import Entry, entry, leave_out
from workbench.sources.lines import Report, lines, reject

# Wiktextract


def wiktextract(path: Path, source: Lang, target: Lang, report: Report | None) -> Iterator[Entry]:
    """The translations of each page in `source` into `target`, those under single senses too.

    A translation counts as the target's if its code is the target's or one of its `languages.counterparts` (`sw` for
    swh), and if it is written in the target's script (`sr` has Cyrillic and Latin ones).

    Source: https://github.com/tatuylonen/wiktextract#format-of-the-extracted-word-entries
    """
    for number, line in lines(path, report):
        page = _value(line, f"{path}:{number}", report)
        if page is None:
            continue
        if not isinstance(page, dict):
            reject(report, f"{path}:{number}", "wanted a JSON object, one page a line", line)
            continue
        word, code = page.get("word"), page.get("lang_code")
        if not isinstance(word, str) or not isinstance(code, str):
            leave_out(report, path, number, "no word of a language (a redirect or another page)", line)
        elif not _means(code, source):
            leave_out(report, path, number, "a page of another language", f"{code}: {word}")
        else:
            yield from _page(page, word, target, path, number, report)


def _page(
    page: dict[str, Any], word: str, target: Lang, path: Path, number: int, report: Report | None
) -> Iterator[Entry]:
    pos = page.get("pos")
    for translation in _translations(page):
        code = translation.get("lang_code") or translation.get("code")
        other = translation.get("word")
        if not isinstance(code, str) or not _means(code, target):
            continue  # one page holds translations into a hundred languages: these are other lexicons
        if not isinstance(other, str) or not other.strip():
            leave_out(report, path, number, "a translation that is a note, not a word", word)
        elif not _is_written_in(other, target):
            leave_out(report, path, number, f"a translation not written in {target.script}", other)
        elif found := entry(word, other, pos if isinstance(pos, str) else "", 1.0, path, number, report):
            yield found


def _translations(page: dict[str, Any]) -> Iterator[dict[str, Any]]:
    senses = page.get("senses")
    for holder in [page, *(senses if isinstance(senses, list) else [])]:
        found = holder.get("translations") if isinstance(holder, dict) else None
        yield from (one for one in (found if isinstance(found, list) else []) if isinstance(one, dict))


@lru_cache(maxsize=65536)
def _means(code: str, lang: Lang) -> bool:
    try:
        found = languages.from_source(f"{code}-{lang.script}", "wiktextract").code
    except BadInput:  # Wiktionary has codes of its own (`roa-opt`): none of them is asked for
        return False
    return found == lang.code or found in {other.code for other in languages.counterparts(lang)}


def _is_written_in(text: str, lang: Lang) -> bool:
    found = languages.script_of(text)
    return found is None or found == lang.script or found in languages.scripts_of_writing(lang.script)


def _value(line: str, place: str, report: Report | None) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        reject(report, place, "not a JSON value", line, str(error)[:100])
        return None


# CLDR annotations


def symbol_names(source_path: Path, target_path: Path, report: Report | None) -> Iterator[Entry]:
    """Names of the same symbol in two languages (`tts`); a name that ends in a modifier after `:` is left out.

    Keywords are left out: their lists are not aligned between languages.

    Source: CLDR annotations as JSON, https://github.com/unicode-org/cldr-json (annotations, annotationsDerived);
    https://unicode.org/reports/tr35/tr35-general.html#Annotations
    """
    source, target = _names(source_path, report), _names(target_path, report)
    for symbol, name in source.items():
        other = target.get(symbol)
        if other is None:
            leave_out(report, target_path, symbol[:20], "a symbol without a name in the target language", name)
        elif ":" in name or ":" in other:
            leave_out(report, target_path, symbol[:20], "a symbol with a modifier (skin tone, hair, flag)", name)
        elif found := entry(name, other, "", 1.0, target_path, symbol[:20], report):
            yield found


def _names(path: Path, report: Report | None) -> dict[str, str]:
    text = "\n".join(line for _, line in lines(path))
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON ({str(error)[:100]}); fetch it again") from error
    for key in ("annotations", "annotationsDerived"):
        if isinstance(whole, dict) and isinstance(whole.get(key), dict):
            symbols = whole[key].get("annotations")
            if isinstance(symbols, dict):
                return dict(_tts(path, symbols, report))
    raise BadInput(f"{path}: wanted the CLDR's annotations: an object with annotations.annotations in it")


def _tts(path: Path, symbols: dict[str, Any], report: Report | None) -> Iterator[tuple[str, str]]:
    for symbol, about in symbols.items():
        names = about.get("tts") if isinstance(about, dict) else None
        if isinstance(names, list) and names and isinstance(names[0], str):
            yield symbol, names[0]
        elif isinstance(about, dict) and names is None:
            leave_out(report, path, symbol[:20], "a symbol without a name", str(about))
        else:
            reject(report, f"{path}:{symbol[:20]}", "wanted an object whose 'tts' is a list with one name", str(about))
