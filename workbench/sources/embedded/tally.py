"""What was left out and why, counted per reason and language while tables are built."""

from __future__ import annotations

from collections import Counter

from workbench.records import Lang


class Tally:
    """Counts of what was dropped; keeps the first example of each reason."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.examples: dict[str, str] = {}

    def drop(self, reason: str, lang: Lang, example: str) -> None:
        self.counts[reason, lang.tag] += 1
        self.examples.setdefault(reason, example[:200])

    def to_json(self) -> dict[str, object]:
        by_reason: dict[str, dict[str, int]] = {}
        for (reason, tag), number in sorted(self.counts.items()):
            by_reason.setdefault(reason, {})[tag] = number
        return {
            reason: {"rows": sum(tags.values()), "first": self.examples[reason], "by language": tags}
            for reason, tags in by_reason.items()
        }
