"""Flax NNX modules used as plain pytrees: build them, pass them to `jax.*` transforms, map over their leaves."""

from flax import nnx

from workbench.models.encoder import Encoder, Output, abstract, build, num_parameters

__all__ = ["Encoder", "Output", "abstract", "build", "num_parameters"]

nnx.set_graph_mode(False)
