"""Which text a study reads, and in which languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from workbench import languages, licences
from workbench.config.part import Part, Positive, refuse_repeated
from workbench.errors import BadInput
from workbench.records import Lang


class Embedded(Part):
    """The real text, lexicons, paradigms and labelled requests that PyPI packages ship: fetched and built once."""

    kind: Literal["embedded"] = "embedded"


class Published(Part):
    """The embedded default, widened by GATITOS, WECHSEL, UniMorph and NTREX under $WORKBENCH_DATA; see
    `sources/published.py`."""

    kind: Literal["published"] = "published"


class Files(Part):
    """One's own text: `<folder>/<language>/<split>.txt`, split being train, dev or test; see `stages/source.py`."""

    kind: Literal["files"] = "files"
    folder: str = Field(min_length=1, description="never part of the identity: what the files hold is")
    unit: Literal["line", "paragraph"] = Field(default="line", description="what a document of a .txt is")
    column: str = Field(default="text", min_length=1, description="of a table: which column is the text")
    licence: str = Field(default="", description="SPDX, of the text; every manifest and report names it")
    accept_licence: bool = Field(default=False, description="yes, my use is allowed: of one not free, or not stated")

    @model_validator(mode="after")
    def _licence_allows(self) -> Self:
        try:
            licences.want_yes(
                f"the text in {self.folder!r}", self.licence, self.accept_licence, "accept_licence = true"
            )
        except BadInput as error:
            raise ValueError(f"{error}; or name a free one with licence = ...") from error
        return self

    def identity(self) -> dict[str, Any]:
        unread = ("folder", "licence", "accept_licence")
        return {name: value for name, value in super().identity().items() if name not in unread}


class NewLanguage(Part):
    """What `workbench adapt` gathers in one folder: text, and for a language a lexicon and paradigms beside it."""

    kind: Literal["new-language"] = "new-language"
    folder: str = Field(min_length=1, description="never part of the identity: what the files hold is")

    def identity(self) -> dict[str, Any]:
        return {"kind": self.kind}


Source = Annotated[Embedded | Published | Files | NewLanguage, Field(discriminator="kind")]


class Data(Part):
    """Which text, in which languages. Tags are ISO 639-3 with ISO 15924 (`cym-Latn`)."""

    source: Source = Embedded()
    pretrain: tuple[str, ...] = Field(min_length=1, description="languages whose real text the base model reads")
    targets: tuple[str, ...] = Field(default=(), description="languages that the base never reads; none: no adapting")
    pivot: str = "eng-Latn"
    max_train_bytes: int = Field(default=4_000_000, ge=1_000, description="text read per language, UTF-8 bytes")
    few_text: Positive = Field(default=20, description="real sentences per target in the few-text arms")

    @field_validator("pretrain", "targets")
    @classmethod
    def _known_and_distinct(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        for tag in tags:
            try:
                languages.parse(tag)
            except BadInput as error:
                raise ValueError(str(error)) from error  # so that it is reported with its place, and with all others
        refuse_repeated("languages", tags)
        return tags

    @model_validator(mode="after")
    def _targets_unseen(self) -> Self:
        if both := sorted(set(self.pretrain) & set(self.targets)):
            raise ValueError(f"targets must not be in pretrain (the base would have read them): {both}")
        if isinstance(self.source, Embedded) and (same := _same_texts(self.pretrain, self.targets)):
            raise ValueError(f"targets must not be in pretrain under another code either: {same} have the same text")
        if self.pivot not in self.pretrain:
            raise ValueError(f"pivot {self.pivot!r} must be one of pretrain")
        return self


def _same_texts(pretrain: Sequence[str], targets: Sequence[str]) -> list[str]:
    """Pairs of tags for which the embedded default finds one file, as for two members of a macrolanguage."""

    def filed(tag: str) -> set[Lang]:
        lang = languages.parse(tag)
        return {lang, *languages.counterparts(lang)}

    return [f"{one} and {other}" for one in targets for other in pretrain if filed(one) & filed(other)]
