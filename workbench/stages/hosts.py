"""The worker of one host meets those of the others, and makes sure that all see one folder of runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from workbench import files
from workbench.config import Hosts
from workbench.errors import BadInput

FOLDER = "hosts"
# A network file system may show for a while what it has seen before: NFS and gcsfuse for up to 60 seconds by default.
# Source: nfs(5), acdirmax; https://cloud.google.com/storage/docs/cloud-storage-fuse/caching, stat cache
PATIENCE_SECONDS = 75.0


def join(hosts: Hosts, root: Path) -> None:
    """Meet the other hosts, before jax is used for anything else. One that does not come ends this process.

    Raises: BadInput on every host where they do not all see the study's folder `root`.
    """
    import jax
    import numpy as np
    from jax.experimental import multihost_utils

    print(
        f"host {hosts.index} of {hosts.count}: waiting for the others at {hosts.coordinator}; run the same command on "
        "all of them, each with its own where.hosts.index",
        flush=True,
    )
    jax.distributed.initialize(hosts.coordinator, hosts.count, hosts.index)
    print(f"all {hosts.count} hosts are there: {jax.device_count()} devices", flush=True)
    mark = time.time_ns() % 2**31
    write_mark(root, hosts.index, mark)
    marks = multihost_utils.process_allgather(np.array([hosts.index, mark], np.int32))  # all have written theirs
    of_host = {int(index): int(other) for index, other in marks}
    check_shared(root, [of_host[index] for index in range(hosts.count)], PATIENCE_SECONDS)


def write_mark(root: Path, index: int, mark: int) -> None:
    """Leave this host's number in the study's folder for the others to see."""
    files.write_text(root / FOLDER / str(index), f"{mark}\n")


def check_shared(root: Path, marks: Sequence[int], patience: float) -> None:
    """Every host's mark is in the study's folder as seen from here; older marks are of an earlier meeting.

    Units: patience in seconds
    Raises: BadInput naming the hosts whose marks are not there.
    """
    deadline = time.monotonic() + patience
    while missing := [index for index, mark in enumerate(marks) if _mark(root, index) != str(mark)]:
        if time.monotonic() > deadline:
            raise BadInput(
                f"where.runs: {root.parent.absolute()} is not the same folder on all {len(marks)} hosts: what host"
                f"{'s' * (len(missing) > 1)} {', '.join(map(str, missing))} wrote to {root.name}/{FOLDER} is not seen "
                "here; set where.runs to a folder that all hosts share (NFS, or another shared disk)"
            )
        time.sleep(0.2)


def _mark(root: Path, index: int) -> str | None:
    try:
        return (root / FOLDER / str(index)).read_text("utf-8").strip()
    except FileNotFoundError:
        return None
