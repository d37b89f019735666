"""The records that flow between stages: small frozen dataclasses, no behaviour beyond their own shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, make_dataclass
from typing import Any, TypeVar, cast

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, order=True)
class Lang:
    """A written language variety: ISO 639-3 code and ISO 15924 script. Made by `workbench.languages`, the one door."""

    code: str
    script: str

    @property
    def tag(self) -> str:
        return f"{self.code}-{self.script}"

    def __str__(self) -> str:
        return self.tag


@dataclass(frozen=True, slots=True)
class Document:
    """A stretch of running text. Synthetic text is a Document whose `parents` name what it was made from."""

    id: str
    text: str
    lang: Lang
    source: str = ""
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """An input and an output: translation, inflection, labelled or pseudo-labelled example (`task` says which)."""

    id: str
    source: str
    target: str
    lang: Lang
    task: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Translation:
    """One target-language side of a lexicon entry; `word` may be several words."""

    word: str
    pos: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A bilingual lexicon: source word or phrase -> its translations, in file order (duplicates kept: they weigh)."""

    source: Lang
    target: Lang
    entries: Mapping[str, tuple[Translation, ...]]
    origin: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Inflection:
    """One cell of a paradigm. `features` are atoms (`V`, `IND`, `PST`), never one bundle token."""

    lang: Lang
    lemma: str
    form: str
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number: one JSON line is one candidate table cell.

    `setting` says which variant of the metric this is (`layer=1 centred eng>cym`); `n` is the number of items scored;
    `low`/`high` bound a 95 % interval over those items where one was computed, else None.
    """

    run: str
    study: str
    variant: str
    seed: int
    step: int
    task: str
    lang: str
    split: str
    metric: str
    value: float
    n: int
    unit: str
    higher_is_better: bool
    setting: str = ""
    low: float | None = None
    high: float | None = None
    data_revision: str = ""
    code: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a reader left out and why, counted: reason -> number of rows, with the first example of each."""

    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)


def draft(record: type[Record]) -> type[Record]:
    """A twin of a frozen record that is not frozen, and so takes a quarter of the time to make.

    For readers that make millions: they make drafts, and have them be records by setting their `__class__`.
    """
    like = [(one.name, one.type, field(default=one.default)) for one in fields(cast(Any, record))]
    return cast("type[Record]", make_dataclass(record.__name__, like, slots=True))


def sealed(drafts: list[Record], record: type[Record]) -> list[Record]:
    """The drafts, from here on frozen records."""
    for one in drafts:
        one.__class__ = record
    return drafts
