"""How a training run is spread over devices. No part of a run's identity: it changes who computes, not what."""

from __future__ import annotations

from pydantic import Field

from workbench.config.part import Part, Positive


class Mesh(Part):
    """Devices in a grid of `data` x `fsdp` x `tensor`. All three 1: one device, as on a laptop.

    Rows of a batch are dealt out over data x fsdp; `fsdp` also keeps only a share of every weight and of its optimizer
    state on each device (ZeRO stage 3; Rajbhandari et al. 2020, arXiv 1910.02054); `tensor` splits heads, the
    feed-forward and the vocabulary (Shoeybi et al. 2019, arXiv 1909.08053).
    """

    data: int = Field(default=1, ge=0, description="0: as many as the devices allow")
    fsdp: Positive = 1
    tensor: Positive = 1
