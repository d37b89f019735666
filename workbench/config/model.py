"""The architecture: one pre-norm transformer stack with three faces."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from workbench.config.part import Part, Positive


class Compute(Part):
    """How the same mathematics is computed."""

    layers: Literal["unrolled", "scanned"] = Field(
        default="unrolled", description="unrolled is faster on a CPU; scanned compiles faster in deep models"
    )
    remat: Literal["none", "dots", "full"] = Field(
        default="none", description="what the backward pass computes again: nothing, all but matrix products, all"
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        default="float32", description="of activations; weights and their updates stay float32"
    )


class Adapters(Part):
    """Bottlenecks behind every feed-forward layer: one of a language, one of a task on top; and an invertible map
    around all blocks, which belongs to the language."""

    reduction: Positive | None = Field(default=None, description="the language's narrow width: width / reduction")
    invertible: bool = False
    task_reduction: Positive | None = Field(default=None, description="the same of the task's")


class Model(Part):
    """Gated (GeGLU) feed-forward, no biases, embeddings tied to the vocabulary head.

    `norm = "layer"` arranges norms as ModernBERT does (a norm after the embeddings, none before the first attention);
    `position = "relative"` is T5's bucketed bias, shared by all layers, in place of RoPE.
    """

    kind: Literal["encoder", "decoder", "encoder-decoder"] = "encoder"
    width: Positive = 96
    num_layers: Positive = 2
    num_decoder_layers: Positive | None = Field(
        default=None, description="of an encoder-decoder; as many as num_layers unless given"
    )
    num_heads: Positive = 4
    feed_forward: Positive = 256
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    local_heads: int = Field(default=2, ge=0, description="heads that start out attending to fixed local offsets")
    norm: Literal["rms", "layer"] = "rms"
    position: Literal["rope", "relative"] = "rope"
    compute: Compute = Compute()
    adapters: Adapters = Adapters()

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        if self.width % self.num_heads or (self.width // self.num_heads) % 2:
            raise ValueError(
                f"width {self.width} must be num_heads ({self.num_heads}) times an even number (RoPE turns pairs)"
            )
        if self.adapters.invertible and self.kind == "encoder-decoder":
            raise ValueError("adapters.invertible: an encoder-decoder has two stacks around one vocabulary; set false")
        if self.local_heads > self.num_heads:
            raise ValueError(f"local_heads {self.local_heads} must not exceed num_heads {self.num_heads}")
        if self.num_decoder_layers is not None and self.kind != "encoder-decoder":
            raise ValueError(f"num_decoder_layers: only an encoder-decoder has them, this model is a {self.kind}")
        return self
