"""Everything that a run must save to go on as if nothing had happened (the data order needs only `step`)."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from workbench import models, seeds
from workbench.training import optim


class TrainState(NamedTuple):
    """`step` counts the updates done; `key` is the run's own and is folded with the step; `average` is the moving
    average of the weights, None where the optimizer keeps none."""

    step: jax.Array
    model: models.Model
    opt_state: optax.OptState
    key: jax.Array
    average: models.Model | None = None

    @property
    def trained(self) -> models.Model:
        """What is evaluated and used: the average where there is one."""
        return self.model if self.average is None else self.average


def start(model: models.Model, rule: optim.Rule, seed: int) -> TrainState:
    """The state before the first step. The model's arrays are copied: training gives its own away to be overwritten.

    Random: dropout from (seed, "dropout").
    """
    model = jax.tree.map(jnp.copy, model)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        model=model,
        opt_state=optim.optimizer(rule).init(model),
        key=jax.random.key(seeds.derive(seed, "dropout") % 2**32),
        average=None if rule.ema_decay is None else jax.tree.map(jnp.copy, model),
    )
