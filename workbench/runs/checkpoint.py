"""Checkpoints on disk: named arrays and a JSON record beside them. The only door to orbax."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from workbench.errors import BadInput

Arrays = Mapping[str, jax.Array]

logging.getLogger("absl").setLevel(logging.ERROR)  # orbax tells every step of every save


def _shapes(arrays: Arrays) -> dict[str, str]:
    return {name: f"{array.dtype}{list(array.shape)}" for name, array in arrays.items()}


@dataclass(frozen=True, slots=True)
class Restored:
    """What a checkpoint held: item name -> array name -> array, and its record."""

    step: int
    items: dict[str, dict[str, jax.Array]]
    meta: dict[str, Any]


@dataclass(slots=True)
class _Kept:
    """Which checkpoints orbax leaves on disk after a save."""

    last: int
    every: int | None
    best: int | None = None

    def should_preserve(
        self, checkpoints: Sequence[ocp.checkpoint_managers.PolicyCheckpointInfo], *, context: object
    ) -> Sequence[bool]:
        newest = {info.step for info in checkpoints[-self.last :]}
        return [
            info.step in newest or info.step == self.best or (self.every is not None and info.step % self.every == 0)
            for info in checkpoints
        ]


def _alone() -> ocp.options.MultiprocessingOptions:
    """Of several processes, this one reads by itself, waiting for no other."""
    own = jax.process_index()
    if jax.process_count() == 1:
        return ocp.options.MultiprocessingOptions()
    return ocp.options.MultiprocessingOptions(own, {own}, barrier_sync_key_prefix=f"process-{own}")


class Checkpoints:
    """The checkpoints of one run: the `keep_last` newest, those at multiples of `keep_every`, and the best one.

    A save is whole or absent, whenever the process dies. `owner` says whose checkpoints these are (what the config and
    the tokenizer hash to): a folder that holds another's is refused, never overwritten.
    """

    def __init__(
        self,
        folder: Path,
        owner: Mapping[str, str],
        *,
        read_only: bool = False,
        keep_last: int = 1,
        keep_every: int | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.owner = dict(owner)
        self._kept = _Kept(keep_last, keep_every)
        # On CPU a device array and its host copy may be one buffer, which the next step would overwrite under an
        # asynchronous save.
        options = ocp.CheckpointManagerOptions(
            preservation_policy=None if read_only else self._kept,
            create=not read_only,
            read_only=read_only,
            cleanup_tmp_directories=not read_only,
            enable_async_checkpointing=jax.default_backend() != "cpu",
            multiprocessing_options=_alone() if read_only else ocp.options.MultiprocessingOptions(),
        )
        self._manager = ocp.CheckpointManager(self.folder, options=options)

    def save(
        self, step: int, items: Mapping[str, Arrays], meta: Mapping[str, Any], *, best: int | None = None
    ) -> float:
        """Save, and return for how long that held up the caller; the checkpoint of step `best` stays on disk.

        Units: seconds
        """
        since = time.monotonic()
        self._kept.best = best
        record = {"owner": self.owner, "shapes": {name: _shapes(arrays) for name, arrays in items.items()}, **meta}
        arguments = {name: ocp.args.StandardSave(dict(arrays)) for name, arrays in items.items()}
        self._manager.save(step, args=ocp.args.Composite(meta=ocp.args.JsonSave(record), **arguments))
        return time.monotonic() - since

    def record(self) -> dict[str, Any] | None:
        """What was saved beside the newest checkpoint's arrays; None where there is no checkpoint."""
        if (step := self._manager.latest_step()) is None:
            return None
        meta: dict[str, Any] = self._manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore())).meta
        return meta

    def restore(self, like: Mapping[str, Arrays], step: int | None = None) -> Restored | None:
        """The items named in `like` as saved at `step` (the newest), whose arrays give the shapes wanted; or None.

        Raises: BadInput where it is another run's, or its arrays have other names or shapes.
        """
        self._manager.wait_until_finished()
        step = self._manager.latest_step() if step is None else step
        if step is None:
            return None
        where = self.folder / str(step)
        record = self._manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore())).meta
        for name, wanted in self.owner.items():
            if (got := record["owner"].get(name)) != wanted:
                raise BadInput(
                    f"{where}: wanted a checkpoint of {name} {wanted}, got one of {got}; "
                    "use another run folder, or delete this one to start anew"
                )
        for item, arrays in like.items():
            wanted_shapes, got_shapes = _shapes(arrays), record["shapes"].get(item, {})
            for name in sorted(set(wanted_shapes) | set(got_shapes)):
                if (want := wanted_shapes.get(name)) != (got := got_shapes.get(name)):
                    raise BadInput(
                        f"{where}: {item} {name}: this config builds {want or 'none'}, the checkpoint holds "
                        f"{got or 'none'}; use the config that wrote it, or delete the folder to train anew"
                    )
        templates = {item: ocp.args.StandardRestore(dict(arrays)) for item, arrays in like.items()}
        try:
            restored = self._manager.restore(step, args=ocp.args.Composite(**templates))
        except (ValueError, OSError) as error:
            raise BadInput(
                f"{where}: damaged; delete the folder to train anew ({str(error).strip().splitlines()[0]})"
            ) from error
        return Restored(step, {item: dict(restored[item]) for item in like}, record)

    def close(self) -> None:
        """Wait for a save under way."""
        self._manager.wait_until_finished()
        self._manager.close()
