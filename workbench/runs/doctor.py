"""`workbench doctor`: what a run needs, looked at before it is needed. Exit code 1 if something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.table import Table

from workbench.errors import Unavailable
from workbench.runs.manifest import code_revision, versions
from workbench.sources.embedded import data_home

Row = tuple[str, bool, str]
INDEX = "https://pypi.org/simple/"
MIN_FREE_GB = 2.0


def check(device: str) -> int:
    """Print one line per check and return 0 only if all passed; `device` is what jax must find ("auto": anything)."""
    rows = [_python(), *_packages(), _jax(device), _disk(Path.cwd()), _data(), _network()]
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, fine, text in rows:
        table.add_row("[green]ok[/]" if fine else "[red]NO[/]", name, text)
    Console(highlight=False).print(table)
    return 0 if all(fine for _, fine, _ in rows) else 1


def _python() -> Row:
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return "python", fine, f"{sys.version.split()[0]} (wanted 3.11 to 3.13); workbench {code_revision()}"


def _packages() -> list[Row]:
    found = versions()
    pair = found["jax"] == found["jaxlib"]
    rows = [
        (
            "jax and jaxlib",
            pair,
            f"{found['jax']} and {found['jaxlib']}" + ("" if pair else ": must be equal; `uv sync`"),
        )
    ]
    rest = ", ".join(f"{name} {version}" for name, version in found.items() if name not in ("python", "jax", "jaxlib"))
    return [*rows, ("packages", True, rest)]


def require(device: str) -> None:
    """Raises: Unavailable where jax does not find the accelerator that is asked for; nothing runs on a CPU instead."""
    if device in ("gpu", "tpu"):
        _, fine, text = _jax(device)
        if not fine:
            raise Unavailable(
                f"where.device: {text}. Nothing was run; `workbench doctor --device {device}` looks closer, "
                "`--set where.device=cpu` runs it here"
            )


def _jax(device: str) -> Row:
    """Ask jax in a process of its own: it takes hold of the accelerator for as long as it lives."""
    wanted = {"gpu": "cuda", "tpu": "tpu", "cpu": "cpu"}.get(device)
    environment = {**os.environ, **({"JAX_PLATFORMS": wanted} if wanted else {})}
    code = "import jax; d = jax.devices(); print(d[0].platform, len(d), d[0].device_kind, sep='|')"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=180, check=False
        )
    except subprocess.TimeoutExpired:
        return (
            "devices",
            False,
            "jax did not answer in 3 minutes; on a TPU pod, run the command on all hosts at once",
        )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        extra = {"gpu": "uv sync --extra cuda13", "tpu": "uv sync --extra tpu"}.get(device, "uv sync")
        return "devices", False, f"wanted {device}, got: {last[:160]}; `{extra}` installs the backend"
    platform, count, kind = done.stdout.strip().splitlines()[-1].split("|")
    fine = device == "auto" or platform == device
    return (
        "devices",
        fine,
        f"{count} x {kind} ({platform})" + ("" if fine else f", but {device} was asked for"),
    )


def _disk(at: Path) -> Row:
    free = shutil.disk_usage(at).free / 1e9
    return "disk", free >= MIN_FREE_GB, f"{free:.0f} GB free here (the quickstart wants {MIN_FREE_GB:.0f})"


def _data() -> Row:
    home = data_home()
    return (
        "data",
        True,
        f"{home} ({'there' if home.exists() else 'made at the first run'}; $WORKBENCH_DATA changes it)",
    )


def _network() -> Row:
    try:
        with urllib.request.urlopen(INDEX, timeout=10):
            return "package index", True, "reached"
    except (urllib.error.URLError, OSError) as error:
        there = any(data_home().glob("embedded-*/DONE"))
        need = "not needed: the data are here" if there else "needed until the data are downloaded"
        return "package index", there, f"not reached ({error}); {need}"
