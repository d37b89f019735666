"""The folder of one stage or run: claimed by its identity, marked by its status, never overwritten by another."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.errors import BadInput
from workbench.files import read_json, write_json

State = Literal["absent", "running", "done", "failed"]

IDENTITY = "config.json"
STATUS = "status.json"


@dataclass(frozen=True, slots=True)
class Status:
    state: State
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with an identity (`config.json`: all that its content depends on) and a `status.json`."""

    path: Path

    def claim(self, identity: dict[str, Any]) -> None:
        """Make the folder, or check that it is the one made for `identity`.

        Raises: BadInput if the folder was made by another config; nothing in it is touched.
        """
        file = self.path / IDENTITY
        if file.exists():
            found = read_json(file)
            if found != identity:
                raise BadInput(
                    f"{self.path}: made by another config (differs in: {', '.join(_differences(found, identity))}); "
                    "nothing was overwritten. Move the folder away, or run with another --set where.runs=FOLDER"
                )
        else:
            write_json(file, identity)

    def status(self) -> Status:
        file = self.path / STATUS
        if not file.exists():
            return Status("absent")
        row = read_json(file)
        return Status(row["state"], row["message"], row["seconds"])

    def mark(self, state: State, message: str = "", seconds: float = 0.0) -> None:
        row = {"state": state, "message": message, "seconds": round(seconds, 3), "at": _now()}
        write_json(self.path / STATUS, row)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _differences(found: Any, wanted: Any, at: str = "") -> list[str]:
    """Dotted paths at which two JSON values differ."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = sorted(set(found) | set(wanted))
        return [d for k in keys for d in _differences(found.get(k), wanted.get(k), f"{at}.{k}" if at else k)]
    return [] if found == wanted else [at or "the whole file"]
