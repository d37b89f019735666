"""One update, pure."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import optax

from workbench.objectives.batch import Batch
from workbench.training import losses, optim
from workbench.training.state import TrainState


class Metrics(NamedTuple):
    """Of one step. Units: loss in nats per predicted token."""

    loss: jax.Array
    grad_norm: jax.Array


@partial(jax.jit, static_argnames=("rule",), donate_argnames=("state",))
def train_step(
    state: TrainState, batch: Batch, learning_rate: float, *, rule: optim.Rule
) -> tuple[TrainState, Metrics]:
    """The next state; the given one is overwritten."""
    key = jax.random.fold_in(state.key, state.step)
    loss, grads = jax.value_and_grad(losses.mean_loss)(state.model, batch, key)
    updates, opt_state = optim.optimizer(rule).update(grads, state.opt_state, state.model)
    model = optax.apply_updates(state.model, optax.tree.scale(learning_rate, updates))
    metrics = Metrics(loss=loss, grad_norm=optax.tree.norm(grads))
    return TrainState(state.step + 1, model, opt_state, state.key), metrics
