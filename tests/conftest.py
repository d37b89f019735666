"""Fixtures shared by the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No timed tests: a loaded machine is not a failure.
settings.register_profile("workbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("workbench")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of unpacked real data sets; the test is skipped, and says so, where there is none."""
    root = os.environ.get("WORKBENCH_DATA")
    if not root:
        pytest.skip("needs real data sets: set WORKBENCH_DATA to the folder that holds them")
    return Path(root)
