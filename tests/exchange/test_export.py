"""A finished run becomes a folder that others can load, or a message that says why not; never something in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tokenizers

from workbench import config, exchange, models
from workbench.cli import main
from workbench.errors import BadInput, WorkbenchError
from workbench.exchange import layouts, native, published, tensors, trained
from workbench.files import read_json, write_json
from workbench.models.published import XLMRSettings, empty
from workbench.runs.folder import Folder
from workbench.tokenizer.processor import Tokenizer
from workbench.training.checkpoint import named_leaves

MakeRun = Callable[..., Path]
SMALL = {"width": 16, "num_layers": 2, "num_heads": 2, "feed_forward": 24, "local_heads": 0}
SCANNED = config.Compute(layers="scanned", dtype="bfloat16", remat="full")
SETTINGS = {
    "modernbert": config.Model(kind="encoder", norm="layer", compute=SCANNED, **SMALL),
    "llama": config.Model(kind="decoder", **SMALL),
    "t5": config.Model(kind="encoder-decoder", position="relative", num_decoder_layers=2, **SMALL | {"num_layers": 1}),
}
FILES = {"README.md", "config.json", "model.safetensors", "spm.model", "tokenizer.json", "tokenizer_config.json"}


@pytest.mark.parametrize("layout", list(SETTINGS))
def test_each_kind_of_model_is_exported_in_its_layout_with_tokenizer_and_card(
    layout: str, make_run: MakeRun, tokenizer: Tokenizer, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other_seed = make_run(SETTINGS[layout]), make_run(SETTINGS[layout], seed=1)
    assert main(["export", str(run)]) == 0
    out = run / "export"
    assert capsys.readouterr().out.strip() == str(out)
    assert {file.name for file in out.iterdir()} == FILES
    assert sorted(p.name for p in run.iterdir() if p.name.startswith(".")) == []
    described = read_json(out / "config.json")
    assert described["model_type"] == layout
    assert (described["pad_token_id"], described["bos_token_id"], described["eos_token_id"]) == (0, 2, 3)
    read_back = tokenizers.Tokenizer.from_file(str(out / "tokenizer.json"))
    text = tokenizer.encode("The cat").tolist()
    before, behind = {"modernbert": ([], []), "llama": ([2], []), "t5": ([], [3])}[layout]
    assert read_back.encode("The cat").ids == before + text + behind
    told = read_json(out / "tokenizer_config.json")
    assert (told["model_max_length"], told["model_input_names"]) == (32, ["input_ids", "attention_mask"])
    card = (out / "README.md").read_text("utf-8")
    for said in (
        "| Welsh | cym-Latn | target |",
        "Given to the targets: few-text.",
        "| website | CC-BY-SA-4.0 | Somebody \\| at a university |",
        "The strictest of these terms: share-alike.",
        "| lm | cym-Latn | bits_per_byte | 4.000 | 3.500 to 4.500 | 4.500 ± 0.707 (2) | 3 | lower |",
        "(revision 1234)",
        "AutoTokenizer.from_pretrained",
        {"modernbert": "puts nothing around a text", "llama": "`<s>` before a", "t5": "`</s>` behind a"}[layout],
        "## Limits",
        "## How to cite",
    ):
        assert said in card, said
    assert ("bfloat16" in card) == (layout == "modernbert")
    assert main(["export", str(run)]) == 2  # nothing is overwritten
    assert Folder(other_seed).status().state == "done"


def test_a_stage_that_trained_a_model_is_exported_too_and_says_what_it_does_not_know(make_run: MakeRun) -> None:
    stage = make_run(SETTINGS["llama"]).parent / "stages" / "adapt-s0-d"
    card = (exchange.export(stage) / "README.md").read_text("utf-8")
    assert "Nothing is known here of what may be done with the model" in card
    assert "None in this folder; a run's `results.jsonl` holds them." in card


def test_layers_scanned_or_unrolled_give_the_same_file(tokenizer: Tokenizer) -> None:
    for settings in SETTINGS.values():
        both = []
        for layers in ("scanned", "unrolled"):
            compute = config.Compute(layers=layers)
            model = models.build(settings.model_copy(update={"compute": compute}), tokenizer.vocab.size, 0)
            both.append(layouts.write(model, tokenizer.vocab, 32, layouts.layout_of(settings, "mlm")).tensors)
        assert both[0].keys() == both[1].keys()
        assert all(np.array_equal(both[0][name], both[1][name]) for name in both[0])


@pytest.mark.parametrize(
    ("settings", "objective", "said"),
    [
        ({}, "mlm", ["model.local_heads = 2 (wanted 0)", "model.norm = 'rms' (wanted 'layer')"]),
        ({"local_heads": 0, "norm": "layer", "position": "relative"}, "mlm", ["model.position=rope"]),
        ({"kind": "decoder", "norm": "layer"}, "causal", ["local_heads=0 model.norm=rms", "exported as llama"]),
        ({"kind": "decoder", "local_heads": 0}, "prefix-lm", ["objective.kind = 'prefix-lm' (wanted 'causal'"]),
        ({"kind": "encoder-decoder"}, "denoise", ["model.local_heads=0 model.position=relative", "as t5"]),
    ],
)
def test_what_no_published_layout_computes_is_refused_naming_each_option(
    settings: dict[str, object], objective: str, said: list[str]
) -> None:
    with pytest.raises(BadInput, match="--layout workbench") as caught:
        layouts.layout_of(config.Model(**settings), objective)
    for part in said:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        config.Model(**SMALL | {"local_heads": 1, "num_layers": 1}, compute=config.Compute(layers="scanned")),
        config.Model(kind="encoder-decoder", norm="layer", **SMALL | {"num_layers": 1}),
        config.Model(**SMALL | {"local_heads": 1, "num_layers": 1}, compute=config.Compute(dtype="bfloat16")),
    ],
    ids=lambda settings: f"{settings.kind}-{settings.compute.dtype}",
)
def test_our_own_layout_takes_any_model_and_reads_it_back_bit_for_bit(
    settings: config.Model, make_run: MakeRun, tmp_path: Path
) -> None:
    run, out = make_run(settings), tmp_path / "mine"
    assert main(["export", str(run), "--out", str(out)]) == 2
    assert not out.exists()
    assert main(["export", str(run), "--layout", "workbench", "--out", str(out)]) == 0
    model, tokenizer = exchange.load(out)
    meant = named_leaves(trained.load_model(trained.read(run)))
    assert meant.keys() == named_leaves(model).keys()
    for name, leaf in named_leaves(model).items():
        assert np.array_equal(leaf, meant[name]), name
    assert isinstance(tokenizer, Tokenizer)
    in_float32 = settings.model_copy(update={"compute": config.Compute(layers=settings.compute.layers)})
    assert model.settings == in_float32
    assert ("bfloat16" in (out / "README.md").read_text("utf-8")) == (settings.compute.dtype == "bfloat16")
    if settings.kind == "encoder":
        assert exchange.load_encoder(out)[0].settings == in_float32
    else:
        with pytest.raises(BadInput, match="wanted an encoder, got a EncoderDecoder"):
            exchange.load_encoder(out)
    with pytest.raises(BadInput, match="nothing to import"):
        exchange.import_encoder(str(out), tmp_path / "again")
    arrays = tensors.read(out)
    tensors.write(out, {name: array for name, array in arrays.items() if name != "embedding"})
    with pytest.raises(BadInput, match="embedding is missing"):
        native.load(out)
    write_json(out / "config.json", read_json(out / "config.json") | {"format": 2})
    with pytest.raises(BadInput, match="of format 1"):
        native.load(out)


def test_an_exported_encoder_imports_with_our_tokenizer_and_the_same_tensors(
    make_run: MakeRun, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    out = exchange.export(make_run(SETTINGS["modernbert"]))
    model, found = exchange.load_encoder(out)
    assert isinstance(found, Tokenizer)
    assert found.sha256 == tokenizer.sha256
    written, again = tensors.read(out), published.tensors_of(model)
    assert written.keys() == again.keys()
    assert all(np.array_equal(array, again[name]) for name, array in written.items())
    exchange.import_encoder(str(out), tmp_path / "kept")
    assert isinstance(exchange.load_encoder(tmp_path / "kept")[1], Tokenizer)
    (out / "spm.model").unlink()
    _, kept = exchange.load_encoder(out)
    line = "Mae'r gath yn gweld <s> y drws. 😀"
    assert kept.encode(line.replace("<s>", "")).tolist() == found.encode(line.replace("<s>", "")).tolist()
    assert kept.vocab.mask == found.vocab.mask


@pytest.mark.parametrize(("kind", "pad"), [("xlm-roberta", 1), ("bert", 0)])
def test_positions_of_a_published_encoder_are_counted_as_before_under_another_vocabulary(
    make_run: MakeRun, tokenizer: Tokenizer, kind: Literal["xlm-roberta", "bert"], pad: int
) -> None:
    settings = XLMRSettings(tokenizer.vocab.size, 16, 1, 2, 24, 64, 1, 1, "gelu", 1e-5, 0.1, kind)
    trained_in_bfloat16 = config.Model(compute=config.Compute(dtype="bfloat16"))  # which it was not: asked in vain
    out = exchange.export(make_run(trained_in_bfloat16, began_as=empty(settings, head=True)))
    described, card = read_json(out / "config.json"), (out / "README.md").read_text("utf-8")
    assert (described["pad_token_id"], described["bos_token_id"], tokenizer.vocab.pad) == (pad, 2, 0)
    assert exchange.load_encoder(out)[0].settings == replace(settings, pad=pad)
    assert ("`pad_token_id` in config.json is 1" in card) == (kind == "xlm-roberta")
    assert "bfloat16" not in card


def test_a_fault_in_numbers_tensors_or_pieces_stops_the_export_and_leaves_nothing(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, out = make_run(SETTINGS["llama"]), tmp_path / "out"
    write, put = layouts.write, tensors.write

    def swapped(*arguments: object) -> layouts.Written:
        written = write(*arguments)
        for part in ("mlp.gate_proj", "mlp.up_proj"):  # as if the two had been confused
            written.tensors[f"model.layers.0.{part}.weight"] = written.tensors[f"model.layers.1.{part}.weight"]
        return written

    def more(folder: Path, arrays: dict[str, np.ndarray]) -> None:
        put(folder, arrays | {"lm_head.weight": np.zeros((2, 2), np.float32)})

    for target, name, fault, said in (
        (layouts, "write", swapped, "hidden computed from the written files differ"),
        (tensors, "write", more, r"lm_head\.weight was not written as it is"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, fault)
            with pytest.raises(WorkbenchError, match=said):
                exchange.export(run, out)
    with monkeypatch.context() as patch:
        patch.setattr("workbench.exchange.tokenizer_json.SPACE", " +")  # a tab is no space any more
        with pytest.raises(WorkbenchError, match=r"tokenizer\.json cuts"):
            exchange.export(run, out)
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_what_is_no_finished_run_is_refused_with_what_to_do(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(SETTINGS["llama"])
    with pytest.raises(BadInput, match="wanted the folder of a run"):
        exchange.export(tmp_path)
    with pytest.raises(BadInput, match="a tokenizer stage, which trains no model"):
        exchange.export(run.parent / "stages" / "tokenizer-s0-a")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").write_text("mine")
    with pytest.raises(BadInput, match="there is something already"):
        exchange.export(run, taken)
    assert (taken / "file").read_text() == "mine"
    Folder(run).mark("failed")
    with pytest.raises(BadInput, match="failed, wanted done"):
        exchange.export(run)
    Folder(run).mark("done")
    identity = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(identity | {"inputs": identity["inputs"] | {"model": "gone-s0-x"}}))
    with pytest.raises(BadInput, match="gone-s0-x"):
        exchange.export(run)
