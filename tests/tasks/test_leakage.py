from __future__ import annotations

from workbench.records import Lang
from workbench.tasks.leakage import Repeated, Shared, leakage
from workbench.tasks.task import Example

ENGLISH = Lang("eng", "Latn")


def one(text: str, label: str) -> Example:
    return Example("e", ENGLISH, text, label)


def test_repeated_conflicting_and_shared_rows_are_counted() -> None:
    train = [one("open it", "A"), one("open it", "A"), one("open it", "B"), one("Open it", "A"), one("shut it", "B")]
    test = [one("OPEN it", "A"), one("sing", "A")]
    found = leakage({"train": train, "dev": [one("sing", "A")], "test": test})
    assert found.repeated == (
        Repeated("train", rows=1, conflicting=1, total=5),
        Repeated("dev", 0, 0, 1),
        Repeated("test", 0, 0, 2),
    )
    assert found.shared == (Shared("dev", "train", 0, 1), Shared("test", "train", 1, 2), Shared("test", "dev", 1, 2))
    assert found.lines == [
        "train: 1 of 5 rows stand there before, and 1 texts have other labels than before",
        "test: 1 of 2 texts are in train too",
        "test: 1 of 2 texts are in dev too",
    ]


def test_nothing_is_told_where_nothing_leaks() -> None:
    assert leakage({"train": [one("a", "A")], "test": [one("b", "A")]}).lines == []
