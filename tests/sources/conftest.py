"""Gives tests the builders of small wheels in `handmade_wheels.py` (test folders are not on the import path)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def handmade() -> ModuleType:
    path = Path(__file__).with_name("handmade_wheels.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
