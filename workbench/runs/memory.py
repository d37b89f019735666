"""What the C library does with memory that a process frees."""

from __future__ import annotations

import ctypes
from typing import Any

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8  # of <malloc.h>
LARGEST = 2**31 - 1


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


def _glibc(name: str) -> Any:
    """A function of it, None where the C library is another."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return getattr(library, name) if hasattr(library, "gnu_get_libc_version") else None
