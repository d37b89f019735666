"""Everything that a run must save to go on as if nothing had happened (the data order needs only `step`)."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from workbench import models, seeds
from workbench.models.changes import Changes
from workbench.models.heads import Headed, bare
from workbench.training import mesh, optim

Trained = models.Trainable | Headed | Changes


class TrainState(NamedTuple):
    """`step` counts the updates done; `key` is the run's own and is folded with the step; `average` is the moving
    average of the weights, None where the optimizer keeps none."""

    step: jax.Array
    model: Trained
    opt_state: optax.OptState
    key: jax.Array
    average: Trained | None = None

    @property
    def trained(self) -> models.Trainable | Changes:
        """What is evaluated and used: the average where there is one, without its heads."""
        found = self.model if self.average is None else self.average
        return found if isinstance(found, Changes) else bare(found)


def start(model: Trained, rule: optim.Rule, seed: int, devices: Mesh | None = None) -> TrainState:
    """The state before the first step, spread over `devices` where given.

    The model's arrays are copied: training gives its own away to be overwritten.

    Random: dropout from (seed, "dropout").
    Raises: BadInput where the optimizer has nothing to do in this model.
    """
    optim.refuse_unfit(rule, model)
    key = jax.random.key(seeds.derive(seed, "dropout") % 2**32)
    copy = jax.tree.map(jnp.copy, model)
    average = None if rule.ema_decay is None else jax.tree.map(jnp.copy, model)
    if devices is None:
        return TrainState(jnp.zeros((), jnp.int32), copy, optim.optimizer(rule).init(copy), key, average)
    # Moments are made where they live: at no time does one device hold them all.
    placed = mesh.place(copy, copy, devices)
    init = optim.optimizer(rule).init
    opt_state = jax.jit(init, out_shardings=mesh.shardings(jax.eval_shape(init, copy), copy, devices))(placed)
    step, key, average = (mesh.place(part, copy, devices) for part in (jnp.zeros((), jnp.int32), key, average))
    return TrainState(step, placed, opt_state, key, average)
