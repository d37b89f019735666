"""Fixtures shared by the whole suite."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from workbench.runs import memory

# Half of the suite's time is compiling the same small programs: the test processes, and the workers that they start,
# share what was compiled in this run and in those before.
COMPILED = Path(tempfile.gettempdir(), f"workbench-tests-xla-{os.getuid()}")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(COMPILED))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

# No timed tests: a loaded machine is not a failure.
settings.register_profile("workbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("workbench")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that run whole studies first, so that no process is left alone with one of them at the end."""
    items.sort(key=lambda item: item.path.parent.name != "stages")


def pytest_runtest_teardown() -> None:
    """A thousand tests compile more than the system grants one process memory maps for."""
    memory.forget_programs()


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of unpacked real data sets; the test is skipped, and says so, where there is none."""
    root = os.environ.get("WORKBENCH_DATA")
    if not root:
        pytest.skip("needs real data sets: set WORKBENCH_DATA to the folder that holds them")
    return Path(root)
