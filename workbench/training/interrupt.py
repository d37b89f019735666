"""SIGTERM and SIGINT ask a run to save and stop, where it is safe."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Inside, SIGTERM and Ctrl-C only make the yielded function return True; a second one acts as it did outside.

    A signal that was ignored outside stays so: Ctrl-C reaches a worker too, but its parent decides and sends SIGTERM.
    Signals reach the main thread alone: in another the function always says False.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    outside = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    outside = {number: handler for number, handler in outside.items() if handler is not signal.SIG_IGN}
    asked = False

    def restore() -> None:
        for number, handler in outside.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        restore()

    for number in outside:
        signal.signal(number, ask)
    try:
        yield lambda: asked
    finally:
        restore()
