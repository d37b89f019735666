"""Saving and restoring a training state; loading a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax

from workbench import config, models
from workbench.errors import BadInput
from workbench.models.encoder import Encoder
from workbench.runs.checkpoint import Checkpoints
from workbench.training.state import TrainState

FOLDER = "checkpoints"


def named_leaves(tree: Any) -> dict[str, jax.Array]:
    """Each leaf under the path that leads to it, such as `blocks.0.attention.query`."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {
        jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value"): leaf for path, leaf in leaves
    }


def _filled(tree: Any, leaves: dict[str, jax.Array]) -> Any:
    return jax.tree.unflatten(jax.tree.structure(tree), [leaves[name] for name in named_leaves(tree)])


def _parts(state: TrainState) -> dict[str, Any]:
    """The model apart, so that it can be read without the optimizer's state."""
    return {"model": state.model, "rest": {"step": state.step, "opt_state": state.opt_state, "key": state.key}}


def save(checkpoints: Checkpoints, state: TrainState, num_tokens: int) -> None:
    """Save the whole state; `num_tokens` have been read so far."""
    items = {name: named_leaves(part) for name, part in _parts(state).items()}
    checkpoints.save(int(state.step), items, {"num_tokens": num_tokens})


def restore(checkpoints: Checkpoints, like: TrainState) -> tuple[TrainState, int] | None:
    """The newest saved state and the tokens read until then, or None."""
    parts = _parts(like)
    found = checkpoints.restore({name: named_leaves(part) for name, part in parts.items()})
    if found is None:
        return None
    model, rest = (_filled(part, found.items[name]) for name, part in parts.items())
    return TrainState(model=model, **rest), int(found.meta["num_tokens"])


def load_model(folder: Path, settings: config.Model, vocab_size: int) -> Encoder:
    """The newest model that a run saved in `folder`.

    Raises: BadInput where there is none, or it was built with other settings or another vocabulary size.
    """
    if not (folder / FOLDER).is_dir():
        raise BadInput(f"{folder}: holds no trained model; run its training first")
    like = models.abstract(settings, vocab_size)
    checkpoints = Checkpoints(folder / FOLDER, {}, read_only=True)
    found = checkpoints.restore({"model": named_leaves(like)})
    checkpoints.close()
    if found is None:
        raise BadInput(f"{folder / FOLDER}: holds no finished checkpoint; run its training first")
    model: Encoder = _filled(like, found.items["model"])
    return model
