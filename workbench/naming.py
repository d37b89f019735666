"""What languages are called where several are shown together: two scripts of one are told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from workbench import languages


def names(tags: Iterable[str]) -> dict[str, str]:
    """The name to show of each of the tags shown together: with its script where two share one (`Serbian (Latn)`).

    What stands behind a tag is told behind its name: `heb-Hebr unvocalized` is `Hebrew, unvocalized`.
    """
    shown = {tag: ", ".join((languages.name(tag.split()[0]), *tag.split()[1:])) for tag in tags}
    times = Counter(shown.values())
    return {tag: one if times[one] == 1 else f"{one} ({tag.partition('-')[2] or tag})" for tag, one in shown.items()}


def codes(tags: Iterable[str]) -> dict[str, str]:
    """The ISO 639-3 code of each of the tags shown together: the whole tag where two share one."""
    shown = {tag: tag.partition("-")[0] for tag in tags}
    times = Counter(shown.values())
    return {tag: one if times[one] == 1 else tag for tag, one in shown.items()}
