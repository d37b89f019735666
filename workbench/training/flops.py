"""Floating-point operations of one training step: by formula, and as the compiler counts them."""

from __future__ import annotations

from typing import Any, assert_never

import jax
import jax.numpy as jnp

from workbench import config, models
from workbench.errors import Unavailable
from workbench.objectives.batch import Batch, Tokens
from workbench.training import losses


def _attention(width: int, num_queries: int, num_keys: int) -> int:
    """Multiplications of one row: four projections, scores and mixing, every query against every key."""
    return 2 * width * width * (num_queries + num_keys) + 2 * width * num_queries * num_keys


def formula(
    settings: config.Model,
    vocab_size: int,
    batch_shape: tuple[int, int],
    num_predictions: int,
    decoder_length: int | None = None,
) -> float:
    """Operations of a forward and backward pass over a batch [B, S]: 6ND, attention, and the vocabulary head.

    A multiplication and its addition are two operations; the backward pass is twice the forward. Only what the
    mathematics needs: no recomputation, no optimizer (about 15 per parameter), none of the element-wise work. A
    decoder's attention is counted in full, as PaLM's is, though half of it is masked.

    Shapes: num_predictions, of one row; decoder_length, of an encoder-decoder.
    Source: Kaplan et al. 2020, section 2.1 (arXiv 2001.08361); Chowdhery et al. 2022, appendix B (arXiv 2204.02311).
    """
    num_rows, length = batch_shape
    width, feed_forward = settings.width, 3 * settings.width * settings.feed_forward
    head = num_predictions * width * vocab_size
    layer = _attention(width, length, length) + length * feed_forward
    stack = settings.num_layers * layer
    match settings.kind:
        case "encoder":
            # the last layer reads every place, and writes only where something is predicted
            last = _attention(width, num_predictions, length) + num_predictions * feed_forward
            row = stack - layer + last + head + num_predictions * width * width
        case "decoder":
            row = stack + head
        case "encoder-decoder":
            target = decoder_length or length
            self_and_cross = _attention(width, target, target) + _attention(width, target, length)
            num_layers = settings.num_decoder_layers or settings.num_layers
            row = stack + head + num_layers * (self_and_cross + target * feed_forward)
        case kind:
            assert_never(kind)
    return 3.0 * 2.0 * num_rows * row


def shapes(
    settings: config.Model, batch_shape: tuple[int, int], num_predictions: int, decoder_length: int | None = None
) -> Batch:
    """A batch with shapes in place of arrays."""
    num_rows, length = batch_shape

    def array(size: int, dtype: Any = jnp.int32) -> Any:
        return jax.ShapeDtypeStruct((num_rows, size), dtype)

    decoder = None
    if settings.kind == "encoder-decoder":
        decoder = Tokens(*(array(decoder_length or length) for _ in range(3)))
    return Batch(
        inputs=array(length),
        segments=array(length),
        positions=array(length),
        predict=array(num_predictions),
        targets=array(num_predictions),
        weights=array(num_predictions, jnp.float32),
        decoder=decoder,
    )


def compiled(
    settings: config.Model,
    vocab_size: int,
    batch_shape: tuple[int, int],
    num_predictions: int,
    decoder_length: int | None = None,
) -> float:
    """The compiler's own count for the program of the loss and its gradients, element-wise work included.

    Layers are unrolled and nothing is recomputed, whatever `settings.compute` says: the compiler counts the body of a
    loop once.

    Raises: Unavailable where the backend's compiler does not count.
    """
    compute = settings.compute.model_copy(update={"layers": "unrolled", "remat": "none"})
    settings = settings.model_copy(update={"compute": compute})
    model = models.abstract(settings, vocab_size)
    batch = shapes(settings, batch_shape, num_predictions, decoder_length)
    program = jax.jit(jax.value_and_grad(losses.mean_loss)).lower(model, batch).compile()
    analysis = program.cost_analysis()
    if analysis is None or "flops" not in analysis:
        raise Unavailable(f"the compiler of backend {jax.default_backend()} counts no operations; use the formula")
    return float(analysis["flops"])
