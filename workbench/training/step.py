"""One update, pure."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import optax

from workbench import config
from workbench.objectives.batch import Batch
from workbench.training import losses, optim
from workbench.training.state import TrainState


class Metrics(NamedTuple):
    """Of one step. Units: loss in nats per predicted token."""

    loss: jax.Array
    grad_norm: jax.Array


@partial(jax.jit, static_argnames=("settings", "steps"), donate_argnames=("state",))
def train_step(state: TrainState, batch: Batch, *, settings: config.Optim, steps: int) -> tuple[TrainState, Metrics]:
    """The next state; the given one is overwritten.

    Compiled once per process for equal settings and shapes, so many runs of one size share it.
    """
    key = jax.random.fold_in(state.key, state.step)
    loss, grads = jax.value_and_grad(losses.mean_loss)(state.model, batch, key)
    updates, opt_state = optim.optimizer(settings, steps).update(grads, state.opt_state, state.model)
    model = optax.apply_updates(state.model, updates)
    metrics = Metrics(loss=loss, grad_norm=optax.global_norm(grads))
    return TrainState(state.step + 1, model, opt_state, state.key), metrics
