"""Which program computes attention, and the fused ones' arguments. Dims as in `models.attention`.

Everywhere else einsum is the program: on 2 CPU cores `jax.nn.dot_product_attention` took 1.16 to 1.40 times its CPU
time, forward and backward, at three sizes from d96 T64 to d512 T256, with and without a bias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, assert_never

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from workbench.models.attention import View

Kernel = Literal["einsum", "cudnn", "splash"]

# cuDNN's flash attention, as jax checks it: head sizes are multiples of 8 up to 128 (256 on Hopper alone), and a bias
# or a mask needs even lengths (jax/_src/cudnn/fused_attention_stablehlo.py, check_is_flash_attention).
CUDNN_PER_HEAD = 8
CUDNN_LONGEST_HEAD = 128
# Splash attention works on blocks of 128 lanes. Where it starts to beat XLA was not measured here: no TPU was at hand.
SPLASH_LANES = 128
SPLASH_FROM = 512
SPLASH_BLOCK = 512


def choose(
    platform: str,
    num_devices: int,
    dtype: jnp.dtype,
    num_queries: int,
    num_keys: int,
    per_head: int,
    *,
    biased: bool,
    whole: bool,
) -> Kernel:
    """The fastest program whose conditions hold.

    `biased`: scores have something added to them; `whole`: segments and causality say all about who sees whom. On more
    than one TPU, XLA cannot split the kernel by itself, so there it is einsum.
    """
    if platform == "cuda":
        fits = per_head % CUDNN_PER_HEAD == 0 and per_head <= CUDNN_LONGEST_HEAD
        even = num_queries % 2 == 0 and num_keys % 2 == 0
        return "cudnn" if dtype in (jnp.bfloat16, jnp.float16) and fits and even else "einsum"
    if platform == "tpu" and num_devices == 1 and whole and not biased:
        lanes = num_queries % SPLASH_LANES == 0 and num_keys % SPLASH_LANES == 0
        return "splash" if lanes and min(num_queries, num_keys) >= SPLASH_FROM else "einsum"
    return "einsum"


def platform() -> str:
    """cpu, cuda, rocm or tpu."""
    found = jax.default_backend()
    if found != "gpu":
        return found
    return "cuda" if "cuda" in jax.devices()[0].client.platform_version else "rocm"


def fused(
    kernel: Literal["cudnn", "splash"],
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    bias: jax.Array | None,
    view: View,
) -> jax.Array:
    """Shapes: query [B, T, H, K], scaled; key, value [B, S, H, K]; bias [H, T, S] or [B, H, T, S] -> [B, T, H, K]"""
    match kernel:
        case "cudnn":
            if bias is not None:
                bias = (bias if bias.ndim == 4 else bias[None]).astype(query.dtype)
            return jax.nn.dot_product_attention(
                query,
                key,
                value,
                bias=bias,
                mask=view.mask == 0.0,
                scale=1.0,
                is_causal=view.causal and view.whole,  # lets cuDNN leave out what the mask would hide anyway
                implementation="cudnn",
            )
        case "splash":
            return splash(query, key, value, view)
        case _:
            assert_never(kernel)


def splash(query: jax.Array, key: jax.Array, value: jax.Array, view: View, *, interpret: bool = False) -> jax.Array:
    """Shapes: query [B, T, H, K], scaled; key, value [B, S, H, K] -> [B, T, H, K]"""
    from jax.experimental.pallas.ops.tpu import splash_attention as lib

    shape, num_heads = (query.shape[1], key.shape[1]), query.shape[2]
    one = lib.CausalMask(shape) if view.causal else lib.FullMask(shape)
    block_q, block_kv = (next(size for size in (SPLASH_BLOCK, 256, SPLASH_LANES) if n % size == 0) for n in shape)
    sizes = lib.BlockSizes(
        block_q=block_q,
        block_kv=block_kv,
        block_q_dkv=block_q,
        block_kv_dkv=block_kv,
        block_q_dq=block_q,
        block_kv_dq=block_kv,
    )
    attend = lib.make_splash_mha_single_device(
        lib.MultiHeadMask([one] * num_heads), block_sizes=sizes, interpret=interpret
    )
    segments = lib.SegmentIds(*(jnp.asarray(ids, jnp.int32) for ids in (view.query_segments, view.key_segments)))
    heads_first = [jnp.swapaxes(part, 1, 2) for part in (query, key, value)]
    return jnp.swapaxes(jax.vmap(attend)(*heads_first, segments), 1, 2)
