"""What every part of the schema is made of."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """Frozen, strict about types and unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _toml_arrays_are_tuples(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}

    def identity(self) -> dict[str, Any]:
        """What makes this part what it is: its kind and the values that are not the defaults.

        So a new option, left alone, renames no run. Whoever changes a default raises the version of the stages that
        read it.
        """
        fields = type(self).model_fields
        return {
            name: _plain(value)
            for name, value in ((name, getattr(self, name)) for name in fields)
            if name == "kind" or value != fields[name].default
        }


def refuse_repeated(what: str, values: Sequence[Hashable]) -> None:
    """Raises: ValueError where a value stands there twice."""
    if len(set(values)) != len(values):
        raise ValueError(f"{what} must be distinct, got {list(values)}")


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.identity()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
