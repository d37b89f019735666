"""What a probe tells while it runs."""

from __future__ import annotations

import pytest

from workbench.probing import show


def test_a_log_hears_how_far_a_probe_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(show, "LOG_EVERY_SECONDS", 0.0)
    with show.progress() as display:
        task = display.task("measuring", 3)
        display.advance(task, 1, "cym-Latn")
        display.advance(task, 2, "isl-Latn")
    first, second = capsys.readouterr().err.splitlines()[:2]
    assert first.startswith("measuring 1 of 3 · 0:00:00 · ETA ")
    assert first.endswith("cym-Latn")
    assert second.startswith("measuring 3 of 3")
