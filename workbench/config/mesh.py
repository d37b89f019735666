"""How a training run is spread over devices. No part of a run's identity: it changes who computes, not what."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

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

    @property
    def num_devices(self) -> int | None:
        """How many it spreads over; None where it takes what there is."""
        return self.data * self.fsdp * self.tensor or None


class Hosts(Part):
    """Machines that run one study together, each with the same command but for `index`. All see the same `where.runs`.

    The first host runs what one host can; training runs on all of them at once.
    """

    count: Positive = 1
    index: int = Field(default=0, ge=0, description="of this host, from 0")
    coordinator: str = Field(default="", description="address:port of host 0, a free port that all hosts can reach")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.index >= self.count:
            raise ValueError(f"index {self.index} must be below count {self.count}")
        if self.count > 1 and ":" not in self.coordinator:
            raise ValueError(f"coordinator: {self.count} hosts need address:port of host 0, got {self.coordinator!r}")
        return self
