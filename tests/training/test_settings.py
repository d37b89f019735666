"""No training option is dead: each one is read somewhere outside the schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbench import config

PACKAGE = Path(__file__).resolve().parents[2] / "workbench"
CODE = "\n".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py") if "config" not in file.parts)


@pytest.mark.parametrize(
    "part", [config.Train, config.Validation, config.Keep, config.MixtureStage, config.StagedMixture], ids=str
)
def test_every_field_is_read_where_runs_are_made(part: type[config.Part]) -> None:
    for name in part.model_fields:
        if name != "kind":
            assert re.search(rf"\.{name}\b", CODE), f"{part.__name__}.{name} is read nowhere"
