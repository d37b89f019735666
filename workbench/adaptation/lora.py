"""Which weights of a model are trained when not all are: changes of low rank, or some leaves whole."""

from __future__ import annotations

import math
from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np

from workbench import seeds
from workbench.config.adapt import LoRA
from workbench.errors import BadInput
from workbench.models import Model
from workbench.models.changes import Changes, LowRank
from workbench.models.leaves import named_leaves
from workbench.models.published import Published
from workbench.training.optim import MATRICES

VOCABULARY = ("embedding", "vocab_bias")


def low_rank(model: Model | Published, settings: LoRA, seed: int, whole: Iterable[str] = ()) -> Changes:
    """No change yet: to every matrix asked for one of low rank that is zero, and the leaves `whole` as they are.

    Random: what each matrix's change reads, from (seed, "lora", its name).
    Raises: BadInput for a name that no matrix of the blocks has.
    Source: Hu et al. 2021, section 4.1 (arXiv 2106.09685). The sum is made before the product: one more small product
        per matrix and step, and any model can be trained so as it is.
    """
    leaves = named_leaves(model)
    sizes = {name: size for name, leaf in leaves.items() if (size := _size(name, leaf)) is not None}
    known = {part for name in sizes for part in _parts(name)}
    if unknown := sorted(set(settings.leaves) - known):
        raise BadInput(f"adapt.method.leaves: {unknown} are no matrices of this model; it has {sorted(known)}")
    asked = set(settings.leaves) or known
    changes = {}
    for name, (before, fan_in, fan_out, out_first) in sizes.items():
        if asked & _parts(name):
            drawn = seeds.stream(seed, "lora", name).standard_normal((*before, fan_in, settings.rank), np.float32)
            reduce = jnp.asarray(drawn * np.float32(fan_in**-0.5))
            changes[name] = LowRank(reduce, jnp.zeros((*before, settings.rank, fan_out)), out_first)
    return Changes(_leaves(leaves, whole), changes, settings.alpha / settings.rank)


def leaves_alone(model: Model | Published, whole: Iterable[str]) -> Changes:
    """The leaves `whole` of the model, and nothing else of it.

    Raises: BadInput where it has no such leaf.
    """
    return Changes(_leaves(named_leaves(model), whole), {})


def _leaves(leaves: dict[str, jax.Array], whole: Iterable[str]) -> dict[str, jax.Array]:
    if missing := [name for name in whole if name not in leaves]:
        raise BadInput(f"this model has no leaves {missing}; it has {sorted(leaves)}")
    return {name: leaves[name] for name in whole}


def _parts(name: str) -> set[str]:
    return {part for part in name.split(".") if not part.isdigit()} - {"blocks", "first", "weight"}


def _size(name: str, leaf: jax.Array) -> tuple[tuple[int, ...], int, int, bool] | None:
    """Of a matrix of the blocks: the axes before it, how many numbers it reads and gives, and whether what it gives
    stands first; else None."""
    path = name.split(".")
    if not {"blocks", "first"} & set(path):
        return None
    if path[-1] == "weight" and leaf.ndim == 2:  # of a published model, [out, in]
        return (), leaf.shape[1], leaf.shape[0], True
    if (axes := MATRICES.get(path[-1])) is None:
        return None
    num_in, num_out = len(axes.reduction_axis), len(axes.output_axis)
    start = leaf.ndim - num_in - num_out
    shape = leaf.shape
    return shape[:start], math.prod(shape[start : start + num_in]), math.prod(shape[start + num_in :]), False
