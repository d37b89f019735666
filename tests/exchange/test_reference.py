"""The numpy Llama and T5 that exports are checked against compute what transformers computes (see make_golden.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from workbench.exchange import reference, tensors

GOLDEN = Path(__file__).parent / "golden"


def test_llama_equals_transformers() -> None:
    config, weights = tensors.read_config(GOLDEN / "llama" / "config.json"), tensors.read(GOLDEN / "llama")
    with np.load(GOLDEN / "llama" / "outputs.npz") as out:
        hidden, logits = reference.llama(weights, config, out["ids"])
        real = out["mask"] > 0
        np.testing.assert_allclose(np.stack(hidden)[:, real], out["hidden"][:, real], atol=1e-4)
        np.testing.assert_allclose(logits[real], out["logits"][real], atol=1e-4)


def test_t5_equals_transformers_beyond_its_farthest_bucket() -> None:
    config, weights = tensors.read_config(GOLDEN / "t5" / "config.json"), tensors.read(GOLDEN / "t5")
    weights["lm_head.weight"] = weights["shared.weight"]  # transformers 5 saves what is tied once
    with np.load(GOLDEN / "t5" / "outputs.npz") as out:
        encoder, decoder, logits = reference.t5(weights, config, out["ids"], out["decoder_ids"])
        assert out["ids"].shape[1] > config["relative_attention_max_distance"]
        np.testing.assert_allclose(np.stack(encoder)[:, :, ::10], out["hidden"], atol=1e-4)
        np.testing.assert_allclose(np.stack(decoder)[:, :, ::10], out["decoder_hidden"], atol=1e-4)
        np.testing.assert_allclose(logits[:, ::10], out["logits"], atol=1e-4)


def test_the_lists_of_known_tensors_are_those_of_the_published_files() -> None:
    for name, shapes in (("llama", reference.llama_shapes), ("t5", reference.t5_shapes)):
        config, weights = tensors.read_config(GOLDEN / name / "config.json"), tensors.read(GOLDEN / name)
        wanted = shapes(config)
        if name == "t5":
            assert wanted.pop("lm_head.weight") == wanted["shared.weight"]
        assert wanted == {key: array.shape for key, array in weights.items()}
