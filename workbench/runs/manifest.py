"""The manifest of a run: what a reader needs to repeat it. No environment dump: variables may hold secrets."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from workbench import licences

PACKAGES = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "orbax-checkpoint",
    "sentencepiece",
    "numpy",
    "scipy",
    "scikit-learn",
    "hassil",
)
READ = ("workbench", "pyproject.toml", "uv.lock")  # what of the checkout a run depends on


def versions() -> dict[str, str]:
    """Installed versions of Python and of every package that can change a number."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def code_revision() -> str:
    """`<commit>` or `<commit>+<hash of the uncommitted change, new files included>`; the package version where the
    package is not at the root of a git checkout of its own: another project's says nothing of it.
    """
    root = Path(__file__).resolve().parents[2]
    top = _git(root, "rev-parse", "--show-toplevel")
    commit = _git(root, "rev-parse", "--short=12", "HEAD") if top and Path(top).resolve() == root else None
    if commit is None:
        return "v" + metadata.version("low-resource-workbench")
    change = _git(root, "diff", "HEAD", "--", *READ) or ""
    new = (_git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *READ) or "").split("\0")[:-1]
    if new:
        change += "\n".join([*new, _git(root, "hash-object", "--", *new) or ""])
    return commit + (f"+{hashlib.sha256(change.encode()).hexdigest()[:8]}" if change else "")


def manifest(devices: list[str], seed: int, data: dict[str, Any], stages: dict[str, str]) -> dict[str, Any]:
    """What ran, on what: `data` holds the revision and `licences`, rows of (source, licence, citation) of all that was
    read; `stages` the folders of the stages it built on. `asked`: sources whose licence is not free, or not stated.

    Raises: KeyError where `data` has no licences: a run that names none is no record.
    """
    asked = [source for source, licence, _ in data["licences"] if licences.needs_yes(licence)]
    return {
        "code": code_revision(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "versions": versions(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "devices": devices,
        "seed": seed,
        "data": {**data, "asked": asked},
        "stages": stages,
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
