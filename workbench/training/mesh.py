"""Where every array of a training run lives: one table from leaf name to partition, for weights and moments alike.

Dims as in `models.parts`; the axes of the mesh are `data`, `fsdp` and `tensor` (see `config.Mesh`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from workbench import config
from workbench.errors import BadInput
from workbench.models.leaves import leaf_name, named_leaves
from workbench.objectives.batch import Batch

AXES = ("data", "fsdp", "tensor")
ROWS = P(("data", "fsdp"))  # a batch's rows

# Leaf name -> its partition. A leaf that is not here, or that an optimizer keeps in another shape than the weight's
# (Adafactor's row and column means), is whole on every device.
SPECS = {
    "embedding": P("tensor", "fsdp"),  # [V, D]
    "vocab_bias": P("tensor"),  # [V]
    "head": P("fsdp", "tensor"),  # [D, D]
    "query": P("fsdp", "tensor", None),  # [D, H, K]
    "key": P("fsdp", "tensor", None),
    "value": P("fsdp", "tensor", None),
    "out": P("tensor", None, "fsdp"),  # [H, K, D]
    "gate": P("fsdp", "tensor"),  # [D, F]
    "up": P("fsdp", "tensor"),
    "down": P("tensor", "fsdp"),  # [F, D]
}


def build(settings: config.Mesh) -> Mesh | None:
    """The mesh over all devices of all processes, or None for one device: jax's first, where there are more.

    Raises: BadInput where the devices are too few or too many for it.
    """
    if settings.num_devices == 1 and jax.process_count() == 1:
        return None
    available = jax.device_count()
    others = settings.fsdp * settings.tensor
    data = settings.data or max(1, available // others)
    if data * others != available:
        found = f"{available} {jax.default_backend()} device{'s' * (available > 1)}"
        raise BadInput(
            f"where.mesh: data {data} x fsdp {settings.fsdp} x tensor {settings.tensor} is {data * others} devices, "
            f"but this run sees {found}; set where.mesh so that the product is {available} (data = 0 takes the rest)"
        )
    if available == 1:
        return None
    return jax.make_mesh((data, settings.fsdp, settings.tensor), AXES, axis_types=(jax.sharding.AxisType.Auto,) * 3)


def spec(name: str, shape: tuple[int, ...], mesh: Mesh) -> P:
    """The partition of one weight; a scanned stack has its layers as one axis more in front.

    Raises: BadInput where a dimension cannot be dealt out evenly, naming the weight.
    """
    found = SPECS.get(name.rpartition(".")[2], P())
    if found and len(shape) == len(found) + 1:
        found = P(None, *found)
    for size, axis in zip(shape, found, strict=False):
        if axis is not None and size % mesh.shape[axis]:
            raise BadInput(
                f"where.mesh: {name} has shape {list(shape)}, whose {size} cannot be dealt out over {mesh.shape[axis]} "
                f"{axis} devices; choose a mesh that divides it, or another model size"
            )
    return found


def shardings(tree: Any, model: Any, mesh: Mesh) -> Any:
    """A sharding for every leaf of `tree`: that of the weight of `model` whose name it ends with, if the shapes agree.

    Both hold arrays or shapes. What is no weight's equal (a step count, Adafactor's row and column means) is whole on
    every device. Same structure as `tree`.
    """
    places = {name: (leaf.shape, spec(name, leaf.shape, mesh)) for name, leaf in named_leaves(model).items()}

    def place_of(path: tuple[Any, ...], leaf: Any) -> NamedSharding:
        parts = leaf_name(path).split(".")
        for start in range(len(parts)):
            shape, found = places.get(".".join(parts[start:]), (None, P()))
            if shape == leaf.shape:
                return NamedSharding(mesh, found)
        return NamedSharding(mesh, P())

    return jax.tree_util.tree_map_with_path(place_of, tree)


def place(tree: Any, model: Any, mesh: Mesh) -> Any:
    """Put host arrays that every process holds alike onto the mesh, each device getting its part only."""
    return jax.tree.map(_put, tree, shardings(tree, model, mesh))


def constrain(tree: Any, model: Any, mesh: Mesh | None) -> Any:
    """Inside a compiled program: keep every leaf where the table says."""
    return tree if mesh is None else jax.lax.with_sharding_constraint(tree, shardings(tree, model, mesh))


def place_batch(batch: Batch, mesh: Mesh | None, parts: int = 1) -> Batch:
    """Deal a batch's rows out over the mesh. Every process holds the whole batch and gives its own devices their rows.

    Shapes: each array [B, ..], or [parts, B / parts, ..] where the batch is read in parts
    Raises: BadInput where the rows cannot be dealt out evenly.
    """
    if mesh is None:
        return batch
    num_rows, num_shares = batch.inputs.shape[parts > 1], mesh.shape["data"] * mesh.shape["fsdp"]
    if num_rows % num_shares:
        raise BadInput(
            f"where.mesh: {num_rows} rows at a time cannot be dealt out over data x fsdp = {num_shares} devices; set "
            f"batch_size to a multiple of {num_shares}{' times accumulate' if parts > 1 else ''}"
        )
    rows = NamedSharding(mesh, P(None, *ROWS) if parts > 1 else ROWS)
    placed: Batch = jax.tree.map(lambda leaf: _put(np.asarray(leaf), rows), batch)
    return placed


def any_process(asked: Callable[[], bool], *, now: bool) -> bool:
    """Was one of the processes asked? Several processes ask one another only `now`: that costs a round trip."""
    if jax.process_count() == 1:
        return asked()
    from jax.experimental import multihost_utils

    return now and bool(np.any(multihost_utils.process_allgather(np.array(asked()))))


def _put(leaf: Any, sharding: NamedSharding) -> jax.Array:
    if isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(_put(jax.random.key_data(leaf), sharding), impl=jax.random.key_impl(leaf))
    host = np.asarray(leaf)
    return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])
