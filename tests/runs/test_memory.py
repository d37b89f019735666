"""Memory that is freed: kept by a process that trains, found anew by one that does not, returned when asked."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")

# 40 MB, more than glibc ever keeps by itself, used and freed twice: page faults of the second time, and the pages that
# are resident after it and after all was given back
PROGRAM = """
import ctypes, json, resource, sys
from pathlib import Path
from workbench.runs import memory
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    place = libc.malloc(40_000_000)
    ctypes.memset(place, 1, 40_000_000)
    libc.free(place)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])

taken = memory.keep_freed() if sys.argv[1] == "keep" else None
before = resident()
faults()
again, after = faults(), resident()
memory.give_back()
print(json.dumps({"taken": taken, "faults": again, "kept": after - before, "given_back": after - resident()}))
"""


def _measured(word: str) -> dict[str, int]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, word], capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_freed_memory_is_kept_without_page_faults_until_it_is_given_back() -> None:
    found = _measured("keep")
    assert found["taken"] is True
    assert found["faults"] < 100
    assert found["kept"] > 5_000
    assert found["given_back"] > 5_000


def test_by_itself_glibc_keeps_nothing_as_large() -> None:
    assert _measured("leave")["kept"] < 1_000
