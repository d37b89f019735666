"""AdamW, its schedule, and which leaves decay."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import optax

from workbench import config
from workbench.errors import BadInput

NOT_DECAYED = ("scale", "vocab_bias", "offset_bias")


class Rule(NamedTuple):
    """What is compiled into a step. The learning rate is not: runs of other rates or lengths share one program."""

    beta2: float
    weight_decay: float
    clip_norm: float


def rule(settings: config.Optim) -> Rule:
    return Rule(settings.beta2, settings.weight_decay, settings.clip_norm)


def decays(model: Any) -> Any:
    """True for each leaf that weight decay shrinks: matrices, not norms or biases. Same structure as `model`."""

    def leaf_decays(path: tuple[Any, ...], _: Any) -> bool:
        return not any(name in jax.tree_util.keystr(path) for name in NOT_DECAYED)

    return jax.tree_util.tree_map_with_path(leaf_decays, model)


def optimizer(rule: Rule) -> optax.GradientTransformation:
    """AdamW for a learning rate of 1, after clipping by the global norm.

    Source: Loshchilov & Hutter 2019, algorithm 2 (arXiv 1711.05101), decay scaled by the learning rate as in PyTorch.
    """
    return optax.chain(
        optax.clip_by_global_norm(rule.clip_norm),
        optax.adamw(1.0, b2=rule.beta2, weight_decay=rule.weight_decay, mask=decays),
    )


def learning_rate(settings: config.Optim, step: int, steps: int) -> float:
    """For update number `step`, from 0: linear from 0 over `warmup_steps`, then cosine to 0 at `steps`.

    Raises: BadInput where the run would end before the warm-up.
    """
    warmup = settings.warmup_steps
    if warmup >= steps:
        raise BadInput(f"optim.warmup_steps: {warmup} must be fewer than the run's {steps} steps")
    if step < warmup:
        return settings.learning_rate * step / warmup
    return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
