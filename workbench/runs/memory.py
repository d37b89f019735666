"""Memory between two pieces of work: what the C library keeps of it, and what jax's compiled programs take."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path
from typing import Any

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8  # of <malloc.h>
LARGEST = 2**31 - 1
MAPS, MOST_MAPS = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")


def keep_freed() -> bool:
    """Have freed memory kept for what comes next; for processes that train, before they import jax. False: no glibc.

    The buffers of a training step are hundreds of MB. glibc maps each anew and unmaps it after the step, and the pages
    that the system then has to find and clear were a fifth of a step's time on CPU (72,530 of them at width 256).
    Now all threads take from one heap (theirs are too small for such buffers), which never shrinks by itself.

    Source: mallopt(3), https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    set_option = _glibc("mallopt")
    if set_option is None:
        return False
    options = ((TRIM_THRESHOLD, LARGEST), (MMAP_MAX, 0), (ARENA_MAX, 1))
    taken = [set_option(option, value) for option, value in options]
    return taken == [1] * len(options)


def give_back() -> None:
    """Return to the system what was kept: between two pieces of work, of which the next may need less."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def forget_programs() -> bool:
    """Drop what jax compiled, where the process holds half of the memory maps that the system grants it.

    A program for the CPU takes from three maps to hundreds, jax keeps it as long as the process lives, and the one that
    finds none left (65,530 unless the system says otherwise) is a segmentation fault. What is needed again is compiled
    again, or read from the cache on disk.

    Source: https://docs.kernel.org/admin-guide/sysctl/vm.html#max-map-count
    """
    jax = sys.modules.get("jax")
    if jax is None or not MOST_MAPS.is_file() or 2 * num_maps() < most_maps():
        return False
    jax.clear_caches()
    gc.collect()
    return True


def num_maps() -> int:
    """Of this process; on Linux."""
    with MAPS.open("rb") as maps:
        return sum(1 for _ in maps)


def most_maps() -> int:
    """That a process may have; on Linux."""
    return int(MOST_MAPS.read_text())


def _glibc(name: str) -> Any:
    """A function of it, None where the C library is another."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return getattr(library, name) if hasattr(library, "gnu_get_libc_version") else None
