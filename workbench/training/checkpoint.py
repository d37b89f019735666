"""Saving and restoring a training state; loading a trained model."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import jax
import pydantic

from workbench import config, models
from workbench.errors import BadInput
from workbench.files import read_json, write_json
from workbench.models import published
from workbench.models.leaves import named_leaves
from workbench.models.published import Published, PublishedSettings
from workbench.runs.checkpoint import Checkpoints
from workbench.training.state import TrainState

FOLDER = "checkpoints"
BUILT_AS = "built_as.json"
_PUBLISHED: pydantic.TypeAdapter[PublishedSettings] = pydantic.TypeAdapter(PublishedSettings)

Trained = TypeVar("Trained", bound=models.Trainable)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run knows beside its arrays: tokens read, and how its held-out loss has gone.

    `best` is the lowest value, last had at `best_step` (None: not looked yet), first had `looks_since` looks ago.
    """

    num_tokens: int = 0
    best: float = math.inf
    best_step: int | None = None
    looks_since: int = 0

    def after(self, step: int, value: float) -> Progress:
        """After a look at `step`. Of equal values the last is kept, which has been trained for longer (few inflected
        forms are all wrong for many looks); but only a lower one is progress, for which patience waits.
        """
        if value < self.best:
            return replace(self, best=value, best_step=step, looks_since=0)
        kept = step if value == self.best else self.best_step
        return replace(self, best_step=kept, looks_since=self.looks_since + 1)


def _filled(tree: Any, leaves: dict[str, jax.Array]) -> Any:
    return jax.tree.unflatten(jax.tree.structure(tree), [leaves[name] for name in named_leaves(tree)])


def _parts(state: TrainState) -> dict[str, Any]:
    """What one evaluates apart, so that it can be read alone; where that is not all that is trained, the rest too."""
    rest = {"step": state.step, "opt_state": state.opt_state, "key": state.key}
    if state.trained is not state.model:
        rest["weights"] = state.model
    if state.average is not None and state.trained is not state.average:
        rest["average"] = state.average
    return {"model": state.trained, "rest": rest}


def save(checkpoints: Checkpoints, state: TrainState, progress: Progress) -> float:
    """Save the whole state, and return for how long that held up the caller.

    Units: seconds
    """
    items = {name: named_leaves(part) for name, part in _parts(state).items()}
    record = asdict(progress) | {"best": None if progress.best_step is None else progress.best}
    return checkpoints.save(int(state.step), items, record, best=progress.best_step)


def restore(checkpoints: Checkpoints, like: TrainState) -> tuple[TrainState, Progress] | None:
    """The newest saved state and its progress, or None. Arrays come back with the shardings that `like` has."""
    parts = _parts(like)
    found = checkpoints.restore({name: named_leaves(part) for name, part in parts.items()})
    if found is None:
        return None
    trained, rest = (_filled(part, found.items[name]) for name, part in parts.items())
    average = None if like.average is None else rest.pop("average", trained)
    state = TrainState(model=rest.pop("weights", trained), average=average, **rest)
    meta = found.meta
    best = math.inf if meta["best"] is None else float(meta["best"])
    return state, Progress(int(meta["num_tokens"]), best, meta["best_step"], int(meta["looks_since"]))


def restore_best(checkpoints: Checkpoints, like: TrainState, progress: Progress) -> models.Model:
    """The model that did best on held-out text."""
    found = checkpoints.restore({"model": named_leaves(like.trained)}, step=progress.best_step)
    assert found is not None
    best: models.Model = _filled(like.trained, found.items["model"])
    return best


def save_model(folder: Path, model: models.Model | Published, step: int) -> None:
    """Keep a finished model as a training of all its weights would, with its description."""
    describe(folder, model)
    checkpoints = Checkpoints(folder / FOLDER, {})
    if checkpoints.record() is None:
        checkpoints.save(step, {"model": named_leaves(model)}, asdict(Progress()) | {"best": None})
    checkpoints.close()


def describe(folder: Path, model: models.Model | Published) -> None:
    """Say of the model in `folder` what its config may not: adapters that were put into it, or whose architecture it
    is.
    """
    if isinstance(model, Published):
        write_json(folder / BUILT_AS, {"published": asdict(model.settings), "head": model.head is not None})
    else:
        write_json(folder / BUILT_AS, {"adapters": model.settings.adapters.model_dump(mode="json")})


def settings_of(folder: Path, settings: config.Model) -> config.Model:
    """The settings of the model in `folder`, whose config was `settings` before adapters were put into it."""
    found = read_json(folder / BUILT_AS) if (folder / BUILT_AS).is_file() else {}
    if "adapters" not in found:
        return settings
    return settings.model_copy(update={"adapters": config.Adapters.model_validate(found["adapters"])})


def _abstract(folder: Path, settings: config.Model, vocab_size: int) -> Any:
    found = read_json(folder / BUILT_AS) if (folder / BUILT_AS).is_file() else {}
    if "published" in found:
        known = replace(_PUBLISHED.validate_python(found["published"]), vocab_size=vocab_size)
        return jax.eval_shape(lambda: published.empty(known, head=found["head"]))
    return models.abstract(settings_of(folder, settings), vocab_size)


def load_model(folder: Path, settings: config.Model, vocab_size: int) -> models.Model:
    """The model that a run saved in `folder`: the best one where the run looked for it, else the newest.

    It is whole on this process's first device, however it was spread when it was saved. What `save_model`
    noted of it need not be in `settings`.

    Raises: BadInput where there is none, or it was built with other settings or another vocabulary size.
    """
    model: models.Model = load_weights(folder, _abstract(folder, settings, vocab_size))
    return model


def load_weights(folder: Path, like: Trained) -> Trained:
    """The same, of a model of these shapes."""
    if not (folder / FOLDER).is_dir():
        raise BadInput(f"{folder}: holds no trained model; run its training first")
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), like)
    checkpoints = Checkpoints(folder / FOLDER, {}, read_only=True)
    record = checkpoints.record()
    if record is None:
        checkpoints.close()
        raise BadInput(f"{folder / FOLDER}: holds no finished checkpoint; run its training first")
    found = checkpoints.restore({"model": named_leaves(like)}, step=record["best_step"])
    checkpoints.close()
    assert found is not None
    model: Trained = _filled(like, found.items["model"])
    return model
