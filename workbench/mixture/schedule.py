"""Which mixture rules when: a run as stretches of steps, each with its shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench import config
from workbench.errors import BadInput
from workbench.mixture import weights


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many steps by one set of shares, which sum to one."""

    steps: int
    shares: Mapping[str, float]


def schedule(
    counts: Mapping[str, int],
    mixture: config.Mixture,
    steps: int,
    batch_size: int,
    *,
    pivot: str | None = None,
    pivot_share: float | None = None,
) -> tuple[Stretch, ...]:
    """The stretches of a run of `steps` steps; `counts` are the rows each language has.

    Raises: BadInput as `weights.shares`, or where the run has fewer steps than the mixture has stages.
    """
    if mixture.kind != "staged":
        shares = weights.shares(counts, mixture, steps * batch_size, pivot=pivot, pivot_share=pivot_share)
        return (Stretch(steps, shares),)
    if steps < len(mixture.stages):
        raise BadInput(f"mixture.stages: {len(mixture.stages)} stages do not fit into {steps} steps; train longer")
    allotted = weights.allot({str(i): stage.share for i, stage in enumerate(mixture.stages)}, steps)
    return tuple(
        Stretch(
            allotted[str(i)],
            weights.shares(counts, stage.mixture, allotted[str(i)] * batch_size, pivot=pivot, pivot_share=pivot_share),
        )
        for i, stage in enumerate(mixture.stages)
    )
