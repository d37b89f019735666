"""The names of a pytree's leaves."""

from __future__ import annotations

from typing import Any

import jax


def leaf_name(path: tuple[Any, ...]) -> str:
    """The path that leads to a leaf, such as `blocks.0.attention.query`."""
    return jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value")


def named_leaves(tree: Any) -> dict[str, jax.Array]:
    """Each leaf under its name."""
    return {leaf_name(path): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}
