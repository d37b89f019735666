"""AdamW, its schedule, and which leaves decay."""

from __future__ import annotations

from typing import Any

import jax
import optax

from workbench import config
from workbench.errors import BadInput

NOT_DECAYED = ("scale", "vocab_bias", "offset_bias")


def decays(model: Any) -> Any:
    """True for each leaf that weight decay shrinks: matrices, not norms or biases. Same structure as `model`."""

    def leaf_decays(path: tuple[Any, ...], _: Any) -> bool:
        return not any(name in jax.tree_util.keystr(path) for name in NOT_DECAYED)

    return jax.tree_util.tree_map_with_path(leaf_decays, model)


def schedule(settings: config.Optim, steps: int) -> optax.Schedule:
    """Linear from 0 over `warmup_steps`, then cosine to 0 at `steps`.

    Raises: BadInput where the run would end before the warm-up.
    """
    if settings.warmup_steps >= steps:
        raise BadInput(f"optim.warmup_steps: {settings.warmup_steps} must be fewer than the run's {steps} steps")
    start = 0.0 if settings.warmup_steps else settings.learning_rate
    return optax.warmup_cosine_decay_schedule(start, settings.learning_rate, settings.warmup_steps, steps)


def optimizer(settings: config.Optim, steps: int) -> optax.GradientTransformation:
    """Source: Loshchilov & Hutter 2019 (arXiv 1711.05101); clipping by the global norm before."""
    return optax.chain(
        optax.clip_by_global_norm(settings.clip_norm),
        optax.adamw(schedule(settings, steps), b2=settings.beta2, weight_decay=settings.weight_decay, mask=decays),
    )
