"""What a command tells while it runs."""

from __future__ import annotations

import re

import pytest

from workbench import bars


def test_a_log_hears_how_far_a_command_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bars, "LOG_EVERY_SECONDS", 0.0)
    with bars.shown() as display:
        task = display.task("measuring", 3)
        display.advance(task, 1, "cym-Latn")
        display.advance(task, 2, "isl-Latn")
    first, second = capsys.readouterr().err.splitlines()[:2]
    assert re.fullmatch(r"measuring 1 of 3 · \d:\d\d:\d\d · ETA .* · cym-Latn", first)
    assert second.startswith("measuring 3 of 3")
