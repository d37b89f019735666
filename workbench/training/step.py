"""One update, pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from workbench.errors import BadInput
from workbench.models.changes import whole
from workbench.objectives.batch import Batch
from workbench.training import losses, mesh, optim
from workbench.training.state import TrainState

# Of a model (with heads, where it has them), a batch and the key of dropout; compiled into the step, so hashable.
Loss = Callable[[Any, Batch, jax.Array | None], jax.Array]


class Metrics(NamedTuple):
    """Of one step. Units: loss in nats per predicted token, or what the loss of the run is in."""

    loss: jax.Array
    grad_norm: jax.Array


def split(batch: Batch, parts: int) -> Batch:
    """The batch in equal parts, which a step reads one after another; for one part, the batch itself.

    Shapes: each array [B, ..] -> [parts, B / parts, ..]
    Raises: BadInput where the rows do not divide.
    """
    if parts == 1:
        return batch
    rows = len(batch.inputs)
    if rows % parts:
        raise BadInput(f"accumulate: a batch of {rows} rows does not divide into {parts} parts")
    found: Batch = jax.tree.map(lambda array: np.reshape(array, (parts, rows // parts, *array.shape[1:])), batch)
    return found


@partial(jax.jit, static_argnames=("rule", "parts", "devices", "loss"), donate_argnames=("state",))
def train_step(
    state: TrainState,
    batch: Batch,
    learning_rate: float,
    *,
    rule: optim.Rule,
    parts: int = 1,
    devices: Mesh | None = None,
    loss: Loss = losses.mean_loss,
    frozen: Any = None,
) -> tuple[TrainState, Metrics]:
    """The next state; the given one is overwritten. For more than one part, `batch` must have been `split`.

    `frozen`, for a state that holds `Changes`, is the model that they change.

    With a mesh of devices, state and batch must have been placed on it; the next state is placed as the given one is.
    """
    key = jax.random.fold_in(state.key, state.step)
    gradient = jax.value_and_grad(loss if frozen is None else lambda m, b, k: loss(whole(m, frozen), b, k))
    value, grads = gradient(state.model, batch, key) if parts == 1 else _in_parts(gradient, state.model, batch, key)
    updates, opt_state = optim.optimizer(rule).update(grads, state.opt_state, state.model)
    model = optax.apply_updates(state.model, optax.tree.scale(learning_rate, updates))
    average = state.average
    if rule.ema_decay is not None:
        average = optax.incremental_update(model, average, 1.0 - rule.ema_decay)
    metrics = Metrics(loss=value, grad_norm=optax.tree.norm(grads))
    new = TrainState(state.step + 1, model, opt_state, state.key, average)
    return mesh.constrain(new, model, devices), metrics


def _in_parts(gradient: Any, model: Any, batch: Batch, key: jax.Array) -> tuple[jax.Array, Any]:
    """Loss and gradient of the whole batch, each part weighing as much as its targets. Dropout differs by part."""
    num_targets = jnp.sum(batch.weights, axis=(1, 2))
    shares = jnp.maximum(num_targets, 1.0) / jnp.maximum(jnp.sum(num_targets), 1.0)  # undoes each part's own mean

    def add(total: Any, part: tuple[Batch, jax.Array, jax.Array]) -> tuple[Any, None]:
        rows, share, number = part
        found = gradient(model, rows, jax.random.fold_in(key, number))
        return jax.tree.map(lambda sum_, new: sum_ + share * new, total, found), None

    nothing = (jnp.zeros(()), jax.tree.map(jnp.zeros_like, model))
    total, _ = jax.lax.scan(add, nothing, (batch, shares, jnp.arange(len(shares))))
    loss, grads = total
    return loss, grads
