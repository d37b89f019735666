"""Stands in for `gcloud` on the PATH: records its arguments, and plays the workers of a TPU in folders of this machine.

$FAKE_CLOUD holds `calls.jsonl` (what was asked), one home folder `worker-N` per worker, and, where a test wants gcloud
itself to fail, `fail.json` with [exit code, what to print]. ssh and scp do with their arguments what Google Cloud SDK
528 does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

CLOUD = Path(os.environ["FAKE_CLOUD"])


def main() -> int:
    arguments = sys.argv[1:]
    with (CLOUD / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(["gcloud", *arguments]) + "\n")
    if (CLOUD / "fail.json").exists():
        code, text = json.loads((CLOUD / "fail.json").read_text())
        print(text, file=sys.stderr)
        return int(code)
    flags = dict(a.removeprefix("--").partition("=")[::2] for a in arguments if a.startswith("--"))
    plain = [a for a in arguments[4:] if not a.startswith("--")]
    homes = (
        sorted(CLOUD.glob("worker-*")) if flags.get("worker") == "all" else [CLOUD / f"worker-{flags.get('worker')}"]
    )
    match arguments[3]:
        case "scp":
            return copy(plain[:-1], plain[-1], homes)
        case "ssh":
            return everywhere(flags["command"], homes)
        case _:
            return 0


def copy(sources: list[str], destination: str, homes: list[Path]) -> int:
    for home in homes:
        if destination.endswith(":"):
            for source in sources:
                shutil.copy(source, home)
        else:
            folder = home / sources[0].partition(":")[2]
            shutil.copytree(folder, Path(destination) / folder.name, dirs_exist_ok=True)
    return 0


def everywhere(command: str, homes: list[Path]) -> int:
    """At once on all; the exit status is that of the first worker that failed."""
    codes = [0] * len(homes)

    def one(index: int) -> None:
        home = homes[index]
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "FAKE_WORKER": home.name.removeprefix("worker-")}
        words = " ".join(command.split(" "))  # as ssh joins what gcloud has split
        codes[index] = subprocess.run(["bash", "-c", words], env=environment, cwd=home, check=False).returncode
        if codes[index] and len(homes) > 1:
            print(
                f"##### Command execution on worker {index} failed with exit status {codes[index]}. Continuing.",
                file=sys.stderr,
                flush=True,
            )

    threads = [threading.Thread(target=one, args=(index,)) for index in range(len(homes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
