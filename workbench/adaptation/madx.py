"""Language adapters and task adapters: put into a model, taken out, and put into another of the same base.

Source: Pfeiffer et al. 2020, MAD-X (2020.emnlp-main.617): train a language's adapter by the base's objective, then a
    task's on top of it with the language's frozen, then read another language by changing the language's alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import jax
import jax.numpy as jnp

from workbench import config, models
from workbench.errors import BadInput
from workbench.models import Model
from workbench.models.leaves import named_leaves

Owner = Literal["language", "task"]
_MODULES: dict[Owner, set[str]] = {"language": {"language", "invertible"}, "task": {"task"}}


def with_adapters(model: Model, adapters: config.Adapters, seed: int) -> Model:
    """The same model with adapters that do nothing yet; those that it has stay as they are.

    Random: the new weights from (seed, "init").
    Raises: BadInput where it has adapters of other settings.
    """
    settings = model.settings.model_copy(update={"adapters": adapters})
    leaves = named_leaves(model)
    fresh = models.build(settings, leaves["embedding"].shape[0], seed)
    wanted = named_leaves(fresh)
    if lost := [name for name, leaf in leaves.items() if name not in wanted or wanted[name].shape != leaf.shape]:
        raise BadInput(f"adapters: this model has {lost[:4]}, which {adapters} has no place for; ask for the same")
    found: Model = jax.tree.unflatten(jax.tree.structure(fresh), [leaves.get(name, wanted[name]) for name in wanted])
    return found


def adapter_names(model: Model, owner: Owner) -> tuple[str, ...]:
    """The leaves of the language's or the task's adapter."""
    return tuple(name for name in named_leaves(model) if _MODULES[owner] & set(name.split(".")))


def adapter(model: Model, owner: Owner) -> dict[str, jax.Array]:
    """A language's or task's adapter, to be kept or put into another model."""
    leaves = named_leaves(model)
    return {name: leaves[name] for name in adapter_names(model, owner)}


def swapped(model: Model, owner: Owner, other: Mapping[str, jax.Array]) -> Model:
    """The model with another language's (or task's) adapter in the place of its own.

    Raises: BadInput where the two are not built alike.
    """
    own = adapter(model, owner)
    shapes, others = ({name: leaf.shape for name, leaf in leaves.items()} for leaves in (own, other))
    if not own or shapes != others:
        differ = sorted(name for name in shapes.keys() | others.keys() if shapes.get(name) != others.get(name))
        raise BadInput(f"{owner} adapter: not built like this model's (differs in {differ[:4] or 'it has none'})")
    leaves = [jnp.asarray(other.get(name, leaf)) for name, leaf in named_leaves(model).items()]
    found: Model = jax.tree.unflatten(jax.tree.structure(model), leaves)
    return found
