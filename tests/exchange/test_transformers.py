"""What is exported loads in transformers without a missing or unexpected tensor and computes the same there.

transformers and torch are no dependencies; `uv run --group bench pytest tests/exchange` brings them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import config, exchange
from workbench.exchange import encoders, trained, verify
from workbench.tokenizer.processor import Tokenizer

HOW = "needs torch and transformers: uv run --group bench pytest tests/exchange"
torch = pytest.importorskip("torch", reason=HOW)
transformers = pytest.importorskip("transformers", reason=HOW)
pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours to fix

MakeRun = Callable[..., Path]
GOLDEN = Path(__file__).parent / "golden"
SMALL = {"width": 16, "num_layers": 3, "num_heads": 2, "feed_forward": 24, "local_heads": 0}
SETTINGS = {
    "modernbert": config.Model(kind="encoder", norm="layer", **SMALL),
    "llama": config.Model(kind="decoder", **SMALL),
    "t5": config.Model(kind="encoder-decoder", position="relative", num_decoder_layers=2, **SMALL),
}
AUTO = {"modernbert": "AutoModelForMaskedLM", "llama": "AutoModelForCausalLM", "t5": "AutoModelForSeq2SeqLM"}


def loaded(kind: str, folder: Path) -> Any:
    model, info = getattr(transformers, kind).from_pretrained(folder, output_loading_info=True)
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[what], (what, info[what])
    return model.eval()


@pytest.mark.parametrize("layout", list(SETTINGS))
def test_an_export_computes_the_same_hidden_states_and_logits(layout: str, make_run: MakeRun) -> None:
    run = make_run(SETTINGS[layout])
    theirs = loaded(AUTO[layout], exchange.export(run))
    ids = np.random.default_rng(0).integers(5, 340, (3, 150), np.int32)
    ours = verify.forward(trained.load_model(trained.read(run)), ids)
    batch = torch.tensor(ids, dtype=torch.long)
    decoder = {"decoder_input_ids": batch} if layout == "t5" else {}
    with torch.no_grad():
        out = theirs(input_ids=batch, output_hidden_states=True, **decoder)
    hidden = out.decoder_hidden_states if layout == "t5" else out.hidden_states
    np.testing.assert_allclose(torch.stack(hidden).numpy(), ours["hidden"], atol=1e-4)
    np.testing.assert_allclose(out.logits.numpy(), ours["logits"], atol=1e-4)
    if layout == "t5":
        np.testing.assert_allclose(torch.stack(out.encoder_hidden_states).numpy(), ours["encoder"], atol=1e-4)
        assert theirs.generation_config.decoder_start_token_id == 2


@pytest.mark.parametrize("layout", list(SETTINGS))
def test_autotokenizer_cuts_thousands_of_lines_as_training_did(
    layout: str, make_run: MakeRun, tokenizer: Tokenizer, lines: list[str]
) -> None:
    folder = exchange.export(make_run(SETTINGS[layout]))
    theirs = transformers.AutoTokenizer.from_pretrained(folder, split_special_tokens=True)
    rng = np.random.default_rng(0)
    words = [*" ".join(lines).split(), *verify.HARD, *tokenizer.pieces, "\n", "\u00e9", "e\u0301"]
    many = [*verify.HARD, *(" ".join(rng.choice(words, rng.integers(1, 12))) for _ in range(3000))]
    before, behind = {"modernbert": ([], []), "llama": ([2], []), "t5": ([], [3])}[layout]
    for text, ids in zip(many, theirs(many)["input_ids"], strict=True):
        ours = [*before, *tokenizer.encode(text).tolist(), *behind]
        assert ids == ours or verify.tied(tokenizer.scores(), ours, ids), text
    usual = transformers.AutoTokenizer.from_pretrained(folder)
    assert usual.mask_token_id in usual("The <mask>.")["input_ids"]
    assert (usual.pad_token_id, usual.bos_token_id, usual.eos_token_id) == (0, 2, 3)
    assert usual.model_max_length == 32


def test_task_heads_find_the_whole_encoder(make_run: MakeRun) -> None:
    folder = exchange.export(make_run(SETTINGS["modernbert"]))
    for kind in ("AutoModelForTokenClassification", "AutoModelForSequenceClassification"):
        _, info = getattr(transformers, kind).from_pretrained(folder, output_loading_info=True)
        assert {name.split(".")[0] for name in info["missing_keys"]} == {"classifier"}


@pytest.mark.parametrize("name", ["modernbert", "xlm-roberta", "bert"])
def test_an_imported_encoder_written_again_computes_the_same_in_transformers(name: str, tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    shutil.copytree(GOLDEN / name, source)
    tokenizer = {"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "unk_token": "<unk>"}}
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer["model"]["vocab"] = {piece: id for id, piece in enumerate(pieces)}
    (source / "tokenizer.json").write_text(json.dumps(tokenizer))
    named = zip(("bos", "pad", "eos", "unk", "mask"), pieces, strict=True)
    (source / "tokenizer_config.json").write_text(json.dumps({f"{role}_token": piece for role, piece in named}))
    encoders.import_encoder(str(source), out)
    model = loaded("AutoModelForMaskedLM", out)
    with np.load(GOLDEN / name / "outputs.npz") as golden, torch.no_grad():
        ids, mask = (torch.tensor(golden[key].astype(np.int64)) for key in ("ids", "mask"))
        logits = model(input_ids=ids, attention_mask=mask).logits.numpy()
        real = golden["mask"] > 0
        np.testing.assert_allclose(logits[real], golden["logits"][real], atol=1e-5)
