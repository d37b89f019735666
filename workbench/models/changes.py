"""What is trained of a model whose other weights stay as they are: some leaves whole, some by a change of low rank."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from workbench.models.leaves import named_leaves

M = TypeVar("M")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LowRank:
    """Of a matrix that reads I numbers and gives O. Shapes: reduce [.., I, R], expand [.., R, O]

    The matrix is kept as [.., I, O], its axes each perhaps as several, or with `out_first` as [O, I].
    """

    reduce: jax.Array
    expand: jax.Array
    out_first: bool = field(metadata={"static": True}, default=False)

    def product(self, shape: tuple[int, ...]) -> jax.Array:
        """The change of a matrix of this shape, before it is scaled."""
        found = jnp.matmul(self.reduce, self.expand)
        return (found.T if self.out_first else found).reshape(shape)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Changes:
    """`leaves` stand in the place of the model's of these names, `low_rank` is added to them, times `scale`."""

    leaves: dict[str, jax.Array]
    low_rank: dict[str, LowRank]
    scale: float = field(metadata={"static": True}, default=1.0)

    def on(self, frozen: M) -> M:
        """The whole model: a plain one, with nothing left to do when it is used."""
        found: dict[str, jax.Array] = {}
        for name, leaf in named_leaves(frozen).items():
            leaf = self.leaves.get(name, leaf)
            if name in self.low_rank:
                leaf = leaf + (self.scale * self.low_rank[name].product(leaf.shape)).astype(leaf.dtype)
            found[name] = leaf
        whole: M = jax.tree.unflatten(jax.tree.structure(frozen), list(found.values()))
        return whole


def whole(trained: Any, frozen: Any) -> Any:
    """The model that a run trains, where it trains all of it or some of it."""
    return trained.on(frozen) if isinstance(trained, Changes) else trained
