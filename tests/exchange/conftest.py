"""Finished runs of every kind of model, written as the stages write them, without any training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench import config, models
from workbench.files import write_json, write_jsonl
from workbench.models.published import Published
from workbench.records import Lang
from workbench.runs.checkpoint import Checkpoints
from workbench.runs.folder import Folder
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.train import train
from workbench.training.checkpoint import FOLDER, describe, named_leaves

TEXTS = {
    Lang("eng", "Latn"): ["The cat sees the door.", "A dog opens the garden, slowly <b>now</b>.", "Who buys bread?"],
    Lang("cym", "Latn"): ["Mae'r gath yn gweld y drws.", "Mae ci yn agor yr ardd.", "Pwy sy'n prynu bara?"],
    Lang("rus", "Cyrl"): ["Кошка видит дверь.", "Собака открывает сад.", "Кто покупает хлеб?"],
    Lang("mal", "Mlym"): ["പൂച്ച വാതിൽ കാണുന്നു.", "നായ തോട്ടം തുറക്കുന്നു."],
}
OBJECTIVES = {"encoder": "mlm", "decoder": "causal", "encoder-decoder": "span-corruption"}
ROW = {
    "run": "few-text-s0-abc", "study": "tiny", "variant": "few-text", "step": 8, "task": "lm", "lang": "cym-Latn",
    "split": "test", "metric": "bits_per_byte", "n": 3, "unit": "bits per byte", "higher_is_better": False,
    "setting": "", "low": 3.5, "high": 4.5,
}  # fmt: skip


@pytest.fixture(scope="session")
def lines() -> list[str]:
    return [line for texts in TEXTS.values() for line in texts]


MakeRun = Callable[..., Path]


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    settings = config.Tokenizer(vocab_size=340, sample_bytes=10_000, sentinels=4)
    return train(TEXTS, settings, tmp_path_factory.mktemp("tokenizer") / "tokenizer.model", seed=0)


@pytest.fixture
def make_run(tmp_path: Path, tokenizer: Tokenizer) -> MakeRun:
    """Makes the folder of a finished run whose model has these settings, and the stages it was built on.

    `began_as`: the published encoder of the tokenizer's size that is its model instead.
    """

    def make(
        settings: config.Model, objective: str | None = None, seed: int = 0, began_as: Published | None = None
    ) -> Path:
        root = tmp_path / "runs" / "tiny"
        common = {"version": 1, "data_revision": "abc"}
        data = {"pretrain": ["eng-Latn", "rus-Cyrl"], "targets": ["cym-Latn"]}
        parts = {
            "data": data,
            "model": settings.identity(),
            "objective": {"kind": objective or OBJECTIVES[settings.kind]},
            "pretrain": {"length": 32},
        }
        stages = {
            "tokenizer-s0-a": {"kind": "tokenizer", "config": {"data": data}, "inputs": {}},
            "corpus-s0-b": {"kind": "corpus", "config": {"data": data}, "inputs": {"tokenizer": "tokenizer-s0-a"}},
            f"base-s{seed}-c": {
                "kind": "base",
                "config": parts,
                "inputs": {"tokenizer": "tokenizer-s0-a", "corpus": "corpus-s0-b"},
            },
            f"adapt-s{seed}-d": {
                "kind": "adapt",
                "config": {"adapt": {"resources": ["few-text"]}},
                "inputs": {"tokenizer": "tokenizer-s0-a", "corpus": "corpus-s0-b", "base": f"base-s{seed}-c"},
            },
        }
        for name, identity in stages.items():
            own_seed = {"seed": int(name.split("-s")[1][0])}
            Folder(root / "stages" / name).claim(common | own_seed | identity)
            Folder(root / "stages" / name).mark("done")
        tokenizer.save(root / "stages" / "tokenizer-s0-a" / "tokenizer.model")
        for lang, texts in TEXTS.items():
            ids = np.concatenate(tokenizer.encode_all(texts))[None]
            np.save(root / "stages" / "corpus-s0-b" / f"{lang.tag}.ids.npy", ids)
            np.save(root / "stages" / "corpus-s0-b" / f"{lang.tag}.segments.npy", np.ones_like(ids))
        adapt = root / "stages" / f"adapt-s{seed}-d"
        checkpoints = Checkpoints(adapt / FOLDER, {})
        built = models.build(settings, tokenizer.vocab.size, seed) if began_as is None else began_as
        if began_as is not None:
            describe(adapt, began_as)
        model = named_leaves(scrambled(built))
        checkpoints.save(8, {"model": model}, {"num_tokens": 1, "best": None, "best_step": None, "looks_since": 0})
        checkpoints.close()
        write_json(adapt / "mixture.json", [{"lang": "cym-Latn", "num_tokens": 9, "share": 1.0, "epochs": 2.0}])
        run = root / f"few-text-s{seed}-abc"
        inputs = {"model": f"adapt-s{seed}-d", "tokenizer": "tokenizer-s0-a"}
        identity = {"kind": "run", "config": parts | {"adapt": {"resources": ["few-text"]}}, "inputs": inputs}
        Folder(run).claim(common | identity | {"study": "tiny", "variant": "few-text", "seed": seed})
        write_jsonl(run / "results.jsonl", [ROW | {"value": 4.0 + seed, "seed": seed}])
        licences = [["website", "CC-BY-SA-4.0", "Somebody | at a university"]]
        write_json(run / "manifest.json", {"code": "1234", "data": {"revision": "abc", "licences": licences}})
        write_json(run / "embeddings.json", {"text": ["Mae'r gath yma."]})
        Folder(run).mark("done")
        return run

    return make


def scrambled(model: models.Model | Published) -> models.Model | Published:
    """Weights such that every part, norms and biases included, shows in the outputs."""
    import jax

    rng = np.random.default_rng(1)
    leaves, structure = jax.tree.flatten(model)
    noisy = [leaf + 0.2 * rng.standard_normal(leaf.shape).astype(np.float32) for leaf in leaves]
    return jax.tree.unflatten(structure, noisy)
