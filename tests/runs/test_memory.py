"""Memory that is freed: kept by a process that trains, found anew by one that does not, returned when asked. Compiled
programs: forgotten before the system has no memory map left for the next."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

from workbench.runs import memory

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")

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


@glibc
def test_freed_memory_is_kept_without_page_faults_until_it_is_given_back() -> None:
    found = _measured("keep")
    assert found["taken"] is True
    assert found["faults"] < 100
    assert found["kept"] > 5_000
    assert found["given_back"] > 5_000


@glibc
def test_by_itself_glibc_keeps_nothing_as_large() -> None:
    assert _measured("leave")["kept"] < 1_000


# half of the maps are taken, so that the test need not compile 20,000 programs
CROWDED = """
import json, mmap
import jax
from workbench.runs import memory

def compiled(x):
    return x + 1

program = jax.jit(compiled)
program(1.0)
program(1)
before = [memory.forget_programs(), program._cache_size()]
rights = (mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE)  # neighbours of equal rights would be one map
held = [mmap.mmap(-1, 4096, prot=rights[i % 2]) for i in range(memory.most_maps() // 2)]
after = [memory.forget_programs(), program._cache_size()]
print(json.dumps({"before": before, "after": after, "result": float(program(1.0))}))
"""


@pytest.mark.skipif(not memory.MOST_MAPS.is_file(), reason="the limit is Linux's")
def test_compiled_programs_are_forgotten_where_memory_maps_run_short_and_made_anew() -> None:
    done = subprocess.run([sys.executable, "-c", CROWDED], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"before": [False, 2], "after": [True, 0], "result": 2.0}


def test_a_process_without_jax_has_nothing_to_forget() -> None:
    program = "from workbench.runs import memory; print(memory.forget_programs())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
