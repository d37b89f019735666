"""The optimizers, the learning rate, and which leaves decay."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, assert_never

import jax
import optax
from optax.contrib import MuonDimensionNumbers, muon

from workbench import config
from workbench.errors import BadInput
from workbench.models.leaves import leaf_name, named_leaves

NOT_DECAYED = ("scale", "vocab_bias", "class_bias", "offset_bias", "relative")
UPDATE_SIZE = 0.2  # root mean square of a Muon update, AdamW's usual one: one learning rate suits both kinds of leaf
# Matrices by the last part of their name: which of the last axes are summed over, and which come out. Axes before
# these (the layers of a scanned stack) are matrices of their own.
MATRICES = {
    **dict.fromkeys(("query", "key", "value"), MuonDimensionNumbers((-3,), (-2, -1))),
    "out": MuonDimensionNumbers((-3, -2), (-1,)),
    **dict.fromkeys(("gate", "up", "down", "head"), MuonDimensionNumbers((-2,), (-1,))),
}


class Rule(NamedTuple):
    """What is compiled into a step. The learning rate is not: runs of other rates or lengths share one program."""

    beta2: float
    weight_decay: float
    clip_norm: float
    beta1: float | None = 0.9
    kind: Literal["adamw", "adafactor", "lion", "muon"] = "adamw"
    ema_decay: float | None = None


def rule(settings: config.Optim) -> Rule:
    beta1, beta2 = settings.betas
    return Rule(beta2, settings.weight_decay, settings.clip_norm, beta1, settings.kind, settings.ema_decay)


def _last(path: tuple[Any, ...]) -> str:
    return leaf_name(path).rpartition(".")[2]


def _axes(path: tuple[Any, ...]) -> MuonDimensionNumbers | None:
    return MATRICES.get(_last(path))


def decays(model: Any) -> Any:
    """True for each leaf that weight decay shrinks: matrices, not norms or biases. Same structure as `model`."""

    def is_decayed(path: tuple[Any, ...], _: Any) -> bool:
        name = jax.tree_util.keystr(path)
        return _last(path) != "bias" and not any(part in name for part in NOT_DECAYED)

    return jax.tree_util.tree_map_with_path(is_decayed, model)


def matrices(model: Any) -> Any:
    """The axes of each leaf that Muon makes orthogonal, None for the others. Same structure as `model`."""
    return jax.tree_util.tree_map_with_path(lambda path, _: _axes(path), model)


def refuse_unfit(rule: Rule, model: Any) -> None:
    """Raises: BadInput where Muon would find no matrix in `model`, and all of it would be AdamW's."""
    names = named_leaves(model)
    if rule.kind == "muon" and not any(name.rpartition(".")[2] in MATRICES for name in names):
        raise BadInput(
            f"optim.kind 'muon': none of the {len(names)} weights that are trained is a matrix of the workbench's own "
            f"models (as {', '.join(list(names)[:2])}); take 'adamw', 'lion' or 'adafactor'"
        )


def optimizer(rule: Rule) -> optax.GradientTransformation:
    """The optimizer for a learning rate of 1, after clipping by the global norm; decay is scaled by the rate.

    Source: AdamW: Loshchilov & Hutter 2019, algorithm 2 (arXiv 1711.05101). Adafactor: Shazeer & Stern 2018, algorithm
        5 (arXiv 1804.04235). Lion: Chen et al. 2023, algorithm 2 (arXiv 2302.06675). Muon: Jordan et al. 2024
        (https://kellerjordan.github.io/posts/muon), sizes of updates: Liu et al. 2025, section 2.2 (arXiv 2502.16982).
    """
    match rule.kind:
        case "adamw":
            update = optax.adamw(1.0, b1=rule.beta1, b2=rule.beta2, weight_decay=rule.weight_decay, mask=decays)
        case "adafactor":
            update = optax.adafactor(
                None, momentum=rule.beta1, weight_decay_rate=rule.weight_decay, weight_decay_mask=decays
            )
        case "lion":
            update = optax.lion(1.0, b1=rule.beta1, b2=rule.beta2, weight_decay=rule.weight_decay, mask=decays)
        case "muon":
            update = optax.partition(
                {
                    "matrix": muon(
                        1.0,
                        beta=rule.beta1,
                        weight_decay=rule.weight_decay,
                        muon_weight_dimension_numbers=matrices,
                        consistent_rms=UPDATE_SIZE,
                    ),
                    "other": optax.adamw(1.0, b2=rule.beta2, weight_decay=rule.weight_decay, mask=decays),
                },
                lambda model: jax.tree_util.tree_map_with_path(
                    lambda path, _: "other" if _axes(path) is None else "matrix", model
                ),
            )
        case _:
            assert_never(rule.kind)
    return optax.chain(optax.clip_by_global_norm(rule.clip_norm), update)


def learning_rate(settings: config.Optim, step: int, steps: int) -> float:
    """For update number `step`, from 0: linear from 0 over `warmup_steps`, then by the schedule until `steps`.

    Raises: BadInput where the run would end before the warm-up.
    """
    warmup, rate = settings.warmup_steps, settings.learning_rate
    if warmup >= steps:
        raise BadInput(f"optim.warmup_steps: {warmup} must be fewer than the run's {steps} steps")
    if step < warmup:
        return rate * step / warmup
    match settings.schedule:
        case "cosine":
            return rate * 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
        case "linear":
            return rate * (steps - step) / (steps - warmup)
        case "inverse-sqrt":
            return rate * math.sqrt(warmup / step)
        case "constant":
            return rate
        case _:
            assert_never(settings.schedule)
