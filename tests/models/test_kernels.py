"""Which program computes attention, and that the fused ones are given what einsum computes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.models import attention, kernels

B, T, H, K = 2, 256, 2, 16
SEGMENTS = np.repeat([[1] * 100 + [2] * 120 + [0] * 36], B, axis=0)
CASE = {
    "platform": "cuda",
    "num_devices": 1,
    "dtype": jnp.dtype("bfloat16"),
    "num_queries": 512,
    "num_keys": 512,
    "per_head": 64,
    "biased": False,
    "whole": True,
}


def chosen(**changes: object) -> str:
    return kernels.choose(**{**CASE, **changes})


def test_cudnn_takes_half_precision_of_shapes_that_it_knows() -> None:
    assert chosen() == "cudnn"
    assert chosen(dtype=jnp.dtype("float16"), biased=True, whole=False, num_devices=8) == "cudnn"
    assert chosen(dtype=jnp.dtype("float32")) == "einsum"
    assert chosen(per_head=20) == chosen(per_head=136) == "einsum"
    assert chosen(num_queries=1) == chosen(num_keys=511) == "einsum"


def test_a_tpu_uses_its_kernel_where_segments_say_all_and_one_device_holds_all() -> None:
    assert chosen(platform="tpu") == chosen(platform="tpu", dtype=jnp.dtype("float32")) == "splash"
    for change in (
        {"biased": True},
        {"whole": False},
        {"num_devices": 8},
        {"num_queries": 520},
        {"num_keys": 640 - 64},
        {"num_queries": 256, "num_keys": 256},
    ):
        assert chosen(platform="tpu", **change) == "einsum", change


@pytest.mark.parametrize("platform", ["cpu", "rocm"])
def test_elsewhere_it_is_einsum(platform: str) -> None:
    assert chosen(platform=platform) == "einsum"


def heads(seed: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    rng = np.random.default_rng(seed)
    query, key, value = (jnp.asarray(rng.standard_normal((B, T, H, K)), jnp.float32) for _ in range(3))
    return 0.3 * query, key, value


def by_einsum(view: attention.View, bias: jax.Array | float = 0.0) -> jax.Array:
    query, key, value = heads(0)
    weights = jax.nn.softmax(jnp.einsum("BTHK,BSHK->BHTS", query, key) + bias + view.mask)
    return jnp.einsum("BHTS,BSHK->BTHK", weights, value)


def test_splash_attention_computes_the_same() -> None:
    view = attention.self_view(config.Model(), SEGMENTS, np.zeros_like(SEGMENTS), causal=True)
    found = kernels.splash(*heads(0), view, interpret=True)
    np.testing.assert_allclose(found, by_einsum(view), atol=1e-5)


def test_splash_attention_lowers_for_a_tpu_with_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "platform", lambda: "tpu")
    settings = config.Model(kind="decoder", width=128, num_layers=1, num_heads=2, feed_forward=32, local_heads=0)
    model = models.build(settings, 50, seed=0)
    ids = np.ones((1, 512), np.int32)

    @jax.jit
    def gradient(model: models.Decoder) -> models.Decoder:
        return jax.grad(lambda model: model(ids, ids, ids).final.sum())(model)

    program = gradient.trace(model).lower(lowering_platforms=("tpu",)).as_text()
    assert program.count("tpu_custom_call") == 3  # forward, and backward for queries and for keys with values


@pytest.mark.parametrize(
    ("prefix", "biased"), [(None, False), (SEGMENTS == 1, True)], ids=["plain-causal", "prefix-and-bias"]
)
def test_cudnn_is_given_what_einsum_computes(
    prefix: np.ndarray | None, biased: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, plain = {}, jax.nn.dot_product_attention

    def by_xla(query: jax.Array, key: jax.Array, value: jax.Array, **given: object) -> jax.Array:
        asked.update(given)
        return plain(query, key, value, **{**given, "implementation": "xla"})

    monkeypatch.setattr(jax.nn, "dot_product_attention", by_xla)
    view = attention.self_view(config.Model(), SEGMENTS, np.zeros_like(SEGMENTS), causal=True, prefix=prefix)
    bias = jnp.asarray(np.random.default_rng(1).standard_normal((H, T, T)), jnp.float32) if biased else None
    found = kernels.fused("cudnn", *heads(0), bias, view)
    np.testing.assert_allclose(found, by_einsum(view, 0.0 if bias is None else bias), atol=1e-5)
    assert asked["implementation"] == "cudnn"
    assert asked["is_causal"] is (prefix is None)
    assert asked["mask"].shape[-2:] == (T, T), "cuDNN refuses a mask that still has to be broadcast along queries"


def test_a_model_in_half_precision_on_a_gpu_goes_through_cudnn(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(kernels, "platform", lambda: "cuda")
    monkeypatch.setattr(kernels, "fused", lambda kernel, query, *rest: calls.append(kernel) or query)
    for dtype in ("float32", "bfloat16"):
        settings = config.Model(width=32, num_layers=3, num_heads=2, compute=config.Compute(dtype=dtype))
        ids = np.ones((1, 8), np.int32)
        jax.eval_shape(lambda model, ids: model(ids, ids, ids).final, models.abstract(settings, 50), ids)
    assert calls == ["cudnn"] * 3
