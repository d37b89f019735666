"""Flax NNX modules used as plain pytrees: build them, pass them to `jax.*` transforms, map over their leaves."""

from flax import nnx

from workbench.models.build import Model, abstract, build, num_parameters
from workbench.models.decoder import Decoder
from workbench.models.encoder import Encoder
from workbench.models.encoder_decoder import EncoderDecoder
from workbench.models.stack import Output
from workbench.models.transducer import Transducer, abstract_transducer, build_transducer

Trainable = Model | Transducer

__all__ = [
    "Decoder",
    "Encoder",
    "EncoderDecoder",
    "Model",
    "Output",
    "Trainable",
    "Transducer",
    "abstract",
    "abstract_transducer",
    "build",
    "build_transducer",
    "num_parameters",
]

nnx.set_graph_mode(False)
