"""An accelerator that was asked for and is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.errors import Unavailable
from workbench.runs import doctor

FAKE_JAX = """
class Device:
    platform, device_kind = "cpu", "an old one"

def devices():
    return [Device()]
"""


@pytest.fixture
def jax_that_finds_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What jax does where the accelerator's plugin is missing and nobody forbids the CPU."""
    (tmp_path / "jax.py").write_text(FAKE_JAX)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("jax_that_finds_a_cpu")
@pytest.mark.parametrize("device", ["gpu", "tpu"])
def test_a_cpu_in_place_of_the_accelerator_asked_for_is_an_error(device: str) -> None:
    with pytest.raises(Unavailable, match=rf"1 x an old one \(cpu\), but {device} was asked for. Nothing was run"):
        doctor.require(device)


@pytest.mark.usefixtures("jax_that_finds_a_cpu")
def test_nothing_is_looked_for_where_none_is_asked_for() -> None:
    doctor.require("auto")
    doctor.require("cpu")


def test_a_study_that_asks_for_a_missing_accelerator_ends_with_one_message_and_has_run_nothing(tmp_path: Path) -> None:
    text = tmp_path / "text" / "eng-Latn"
    text.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        (text / f"{split}.txt").write_text("some words of text\n")
    (tmp_path / "jax.py").write_text(FAKE_JAX)
    (tmp_path / "study.toml").write_text(
        'name = "own"\nseeds = [0]\nreference = "small"\n[base.data]\npretrain = ["eng-Latn"]\n'
        f'source = {{ kind = "files", folder = "{tmp_path / "text"}", licence = "CC0-1.0" }}\n[variants.small]\n'
    )
    (tmp_path / "table.toml").write_text(
        'study = "own"\n[[table]]\nname = "bits"\ntitle = "Bits"\ncaption = "Of text."\ntask = "lm"\nunit = "bits"\n'
        'metric = "masked_bits_per_byte"\nsetting = "K=7"\ncolumns = ["eng-Latn"]\nrows = [{ variant = "small" }]\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "run", str(tmp_path), "--set", "where.device=tpu"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("workbench: where.device: 1 x an old one (cpu), but tpu was asked for")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("status.json"))
