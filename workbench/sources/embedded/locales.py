"""Which files of a multilingual package belong to the languages that are wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from workbench.errors import BadInput
from workbench.languages import from_source
from workbench.records import Lang


@lru_cache(maxsize=4096)
def lang_of(code: str) -> Lang | None:
    """The language of a program's locale code (`pt_BR`, `sr@latin`); None for codes that name none (`und`, `root`)."""
    code = code.replace("_", "-").replace("@latin", "-Latn")
    try:
        return from_source(code, "bcp47")
    except BadInput:
        return None


def files_of(
    names: Iterable[str],
    place: re.Pattern[str],
    langs: Iterable[Lang],
    skip: Callable[[str], bool] = lambda code: False,
) -> Iterator[tuple[Lang, re.Match[str]]]:
    """The files whose `code` group is a wanted language; plain codes (`pt`) before regional ones (`pt-BR`)."""
    wanted = frozenset(langs)
    matches = [match for name in names if (match := place.fullmatch(name)) and not skip(match["code"])]
    for match in sorted(matches, key=lambda match: (len(match["code"]), match["code"], match[0])):
        lang = lang_of(match["code"])
        if lang in wanted:
            yield lang, match
