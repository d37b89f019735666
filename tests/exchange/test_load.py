"""Published encoders compute here what they compute in transformers, and what does not fit is refused by name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors

from workbench import exchange
from workbench.cli import main
from workbench.errors import BadInput, Unavailable
from workbench.exchange import published, tensors
from workbench.models.leaves import named_leaves

GOLDEN = Path(__file__).parent / "golden"
RUN = jax.jit(lambda model, ids, segments, positions: model(ids, segments, positions, hidden=True))
ENCODERS = ["modernbert", "xlm-roberta", "bert"]


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    """Copies a golden model and gives it a tokenizer: forty pieces, `<s>` and `</s>` around every text."""

    def make(name: str) -> Path:
        to = tmp_path / name
        shutil.copytree(GOLDEN / name, to)
        letters = [f"\u2581{letter}" for letter in "abcdefghijklmnop"] + list("abcdefghijklmnop")
        pieces = ["<s>", "<pad>", "</s>", "<unk>", *letters, *"xyz", "<mask>"]
        built = tokenizers.Tokenizer(models.Unigram([(piece, -float(i)) for i, piece in enumerate(pieces)], 3))
        built.pre_tokenizer = pre_tokenizers.Metaspace()
        built.decoder = decoders.Metaspace()
        built.add_special_tokens([piece for piece in pieces if len(piece) > 2 and piece[0] == "<"])
        built.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
        )
        built.enable_truncation(3)
        built.enable_padding()
        built.save(str(to / "tokenizer.json"))
        named = {"pad_token": "<pad>", "cls_token": "<s>", "sep_token": {"content": "</s>"}, "unk_token": "<unk>"}
        (to / "tokenizer_config.json").write_text(json.dumps(named | {"mask_token": "<mask>"}))
        return to

    return make


def golden(name: str, num_layers: int | None = None) -> tuple[published.Imported, dict[str, np.ndarray]]:
    """A golden encoder, or its first layers, and what transformers computed with all of it."""
    config, arrays = tensors.read_config(GOLDEN / name / "config.json"), tensors.read(GOLDEN / name)
    if num_layers is not None:
        config |= {"num_hidden_layers": num_layers, "layer_types": config.get("layer_types", [])[:num_layers] or None}
        number = re.compile(r"\.layers?\.(\d+)\.")
        arrays = {k: a for k, a in arrays.items() if (at := number.search(k)) is None or int(at[1]) < num_layers}
    imported = published.fill(published.settings(config, name), arrays, name)
    with np.load(GOLDEN / name / "outputs.npz") as out:
        return imported, {key: out[key] for key in out.files}


def change(folder: Path, **changes: object) -> None:
    """Set options of config.json; None removes one."""
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def rewrite(folder: Path, **changes: np.ndarray | None) -> None:
    """Set tensors of model.safetensors (dots spelt __); None removes one."""
    arrays = tensors.read(folder) | {name.replace("__", "."): array for name, array in changes.items()}
    kept = {name: array for name, array in arrays.items() if array is not None}
    safetensors.numpy.save_file(kept, folder / "model.safetensors")


@pytest.mark.parametrize("name", ENCODERS)
def test_hidden_states_and_logits_equal_those_of_transformers(name: str) -> None:
    imported, out = golden(name)
    real = out["mask"] > 0
    segments = out["mask"].astype(np.int32)
    positions = np.broadcast_to(np.arange(real.shape[1], dtype=np.int32), real.shape)
    got = RUN(imported.model, out["ids"].astype(np.int32), segments, positions)
    np.testing.assert_allclose(np.asarray(got.hidden)[:-1][:, real], out["hidden"][:-1][:, real], atol=1e-4)
    np.testing.assert_allclose(np.asarray(got.final)[real], out["hidden"][-1][real], atol=1e-4)
    np.testing.assert_allclose(np.asarray(imported.model.logits(got.final))[real], out["logits"][real], atol=1e-4)


@pytest.mark.parametrize("name", ENCODERS)
def test_importing_and_writing_gives_back_every_tensor_bit_for_bit(name: str) -> None:
    imported, _ = golden(name)
    original, again = tensors.read(GOLDEN / name), published.tensors_of(imported.model)
    assert imported.unused == ()
    assert original.keys() == again.keys()
    for key, array in original.items():
        assert again[key].tobytes() == array.tobytes(), key


@pytest.mark.parametrize("name", ENCODERS)
def test_documents_packed_into_one_row_are_computed_as_if_alone(name: str) -> None:
    model = golden(name)[0].model
    ids = np.arange(5, 19, dtype=np.int32)
    segments = np.array([1] * 5 + [2] * 9, np.int32)
    positions = np.concatenate([np.arange(5), np.arange(9)]).astype(np.int32)
    packed = np.asarray(RUN(model, *(np.stack([row, row]) for row in (ids, segments, positions))).final)[0]
    second_first = np.roll(np.stack([ids, segments == 2, positions]), 9, axis=1).astype(np.int32)
    alone = np.asarray(RUN(model, *np.stack([np.stack([ids, segments == 1, positions]), second_first], axis=1)).final)
    np.testing.assert_allclose(packed[:5], alone[0, :5], atol=1e-5)
    np.testing.assert_allclose(packed[5:], alone[1, :9], atol=1e-5)


def test_every_weight_of_an_imported_model_can_be_trained_and_a_key_brings_dropout() -> None:
    for name in ENCODERS:
        imported, out = golden(name, num_layers=2 if name == "modernbert" else 1)
        ids = out["ids"].astype(np.int32)
        ones, places = np.ones_like(ids), np.broadcast_to(np.arange(ids.shape[1], dtype=np.int32), ids.shape)

        def loss(model: published.Published, ids=ids, ones=ones, places=places) -> tuple[jax.Array, jax.Array]:
            final = model(ids, ones, places, key=jax.random.key(0)).final
            return jnp.sum(jnp.sin(model.logits(final))), final

        slopes, final = jax.jit(jax.grad(loss, has_aux=True))(imported.model)
        leaves = named_leaves(slopes)
        # adding the same to every key changes no softmax: that gradient is nothing but rounding
        assert {leaf for leaf, array in leaves.items() if np.abs(array).max() < 1e-4} == {
            leaf for leaf in leaves if leaf.endswith("key.bias")
        }
        if name == "xlm-roberta":
            assert imported.model.settings.dropout == 0.1
            assert not np.allclose(RUN(imported.model, ids, ones, places).final, final, atol=1e-2)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_verb_keeps_an_encoder_that_loads_again(
    name: str, folder: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = folder(name), tmp_path / "kept"
    prefix = {"modernbert": "", "xlm-roberta": "roberta.", "bert": "bert."}[name]
    rewrite(source, **{f"{prefix}pooler.dense.bias".replace(".", "__"): np.zeros(16, np.float32)})
    if name == "modernbert":
        with pytest.raises(BadInput, match=r"pooler.dense.bias is not known"):
            exchange.load_encoder(source)
        rewrite(source, pooler__dense__bias=None)
    assert main(["import", str(source), "--out", str(out)]) == 0
    assert (f"{prefix}pooler.dense.bias" in capsys.readouterr().out) == (name != "modernbert")
    assert "sha256" in json.loads((out / "origin.json").read_text())
    model, tokenizer = exchange.load_encoder(out)
    for key, array in published.tensors_of(golden(name)[0].model).items():
        assert np.array_equal(published.tensors_of(model)[key], array)
    assert tokenizer.encode("a bc").tolist() == [4, 5, 22]
    assert tokenizer.around == ((0,), (2,))
    assert tokenizer.decode([0, 4, 5, 22, 2]) == "a bc"
    assert not {0, 39} & set(tokenizer.encode("a <s> <mask>").tolist())  # text is text
    assert (tokenizer.vocab.pad, tokenizer.vocab.mask, tokenizer.vocab.first_byte) == (1, 39, 4)
    assert tokenizer.starts_word.tolist() == [False] * 4 + [True] * 16 + [False] * 20
    assert main(["import", str(source), "--out", str(out)]) == 2  # taken


def test_shards_half_precision_and_older_configs_are_read(folder: Callable[[str], Path]) -> None:
    source = folder("modernbert")
    wanted, _ = exchange.load_encoder(source)
    older = {"layer_types": None, "rope_parameters": None, "global_attn_every_n_layers": 3}
    change(source, **older, global_rope_theta=160_000.0, local_rope_theta=10_000.0)
    arrays = {name: array.astype(ml_dtypes.bfloat16) for name, array in tensors.read(source).items()}
    names = sorted(arrays)
    (source / "model.safetensors").unlink()
    for file, part in (("a.safetensors", names[:9]), ("b.safetensors", names[9:])):
        safetensors.numpy.save_file({name: arrays[name] for name in part}, source / file)
    index = {name: "a.safetensors" if name in names[:9] else "b.safetensors" for name in names}
    (source / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    found, _ = exchange.load_encoder(source)
    assert found.settings == wanted.settings
    for key, array in published.tensors_of(found).items():
        assert array.dtype == np.float32
        assert np.array_equal(array, arrays[key].astype(np.float32))
    (source / "b.safetensors").unlink()
    with pytest.raises(BadInput, match=r"b\.safetensors: no such file"):
        exchange.load_encoder(source)


def test_the_names_of_the_first_berts_are_read(folder: Callable[[str], Path]) -> None:
    source = folder("bert")
    wanted, _ = exchange.load_encoder(source)
    older = {
        re.sub(r"LayerNorm\.weight$", "LayerNorm.gamma", re.sub(r"LayerNorm\.bias$", "LayerNorm.beta", name)): array
        for name, array in tensors.read(source).items()
    }
    assert any(name.endswith(".gamma") for name in older)
    unused = {"bert.pooler.dense.weight": np.zeros((16, 16)), "cls.seq_relationship.bias": np.zeros(2)}
    safetensors.numpy.save_file(older | unused, source / "model.safetensors")
    found, _ = exchange.load_encoder(source)
    wanted_tensors = published.tensors_of(wanted)
    assert published.tensors_of(found).keys() == wanted_tensors.keys()
    assert all(np.array_equal(array, wanted_tensors[name]) for name, array in published.tensors_of(found).items())


def test_an_encoder_published_without_its_head_gives_hidden_states_and_refuses_logits(
    folder: Callable[[str], Path],
) -> None:
    source = folder("xlm-roberta")
    bare = {name.removeprefix("roberta."): a for name, a in tensors.read(source).items() if "lm_head" not in name}
    safetensors.numpy.save_file(bare, source / "model.safetensors")
    model, _ = exchange.load_encoder(source)
    out = jax.eval_shape(model, *(np.zeros((1, 4), np.int32),) * 3)
    assert out.final.shape == (1, 4, 16)
    with pytest.raises(BadInput, match="without its vocabulary head"):
        model.logits(jnp.zeros((1, 4, 16)))


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("modernbert", {"norm_bias": True, "attention_bias": True}, r"norm_bias = True.*attention_bias = True"),
        ("modernbert", {"hidden_activation": "silu"}, "hidden_activation = 'silu'"),
        ("modernbert", {"layer_types": ["full_attention"]}, "layer_types"),
        ("modernbert", {"hidden_size": "16"}, "hidden_size: wanted a whole number of 1 or more, got '16'"),
        ("modernbert", {"num_attention_heads": 0}, "num_attention_heads: wanted a whole number of 1 or more, got 0"),
        ("xlm-roberta", {"num_attention_heads": 0}, "num_attention_heads: wanted a whole number of 1 or more, got 0"),
        ("modernbert", {"layer_types": None, "global_attn_every_n_layers": 0}, "global_attn_every_n_layers: wanted"),
        ("modernbert", {"layer_types": 5}, "layer_types = 5"),
        ("modernbert", {"rope_parameters": [1]}, r"rope_parameters: wanted an object, got \[1\]"),
        (
            "modernbert",
            {"rope_parameters": {"full_attention": 5}},
            "rope_parameters: full_attention: wanted an object, got 5",
        ),
        ("modernbert", {"hidden_activation": ["gelu"]}, "hidden_activation = "),
        ("modernbert", {"num_attention_heads": 3}, "does not divide into 3 heads"),
        ("modernbert", {"model_type": "deberta-v2"}, "model_type 'deberta-v2'"),
        ("modernbert", {"vocab_size": 41}, r"tok_embeddings.weight is \[40, 16\], config.json says \[41, 16\]"),
        ("xlm-roberta", {"position_embedding_type": "relative_key"}, "position_embedding_type = 'relative_key'"),
        ("xlm-roberta", {"num_hidden_layers": 3}, r"encoder\.layer\.2\..* is missing"),
        ("xlm-roberta", {"num_hidden_layers": 1}, r"encoder\.layer\.1\..* is not known"),
    ],
)
def test_a_config_that_does_not_fit_is_refused_by_name(
    name: str, changes: dict[str, object], said: str, folder: Callable[[str], Path]
) -> None:
    source = folder(name)
    change(source, **changes)
    with pytest.raises(BadInput, match=said):
        exchange.load_encoder(source)


def test_files_that_do_not_fit_are_refused_by_name(folder: Callable[[str], Path], tmp_path: Path) -> None:
    source = folder("modernbert")
    rewrite(source, decoder__weight=np.zeros((40, 16), np.float32))
    with pytest.raises(BadInput, match=r"decoder\.weight differs from model\.embeddings"):
        exchange.load_encoder(source)
    rewrite(source, decoder__weight=None, decoder__bias=np.full(40, np.nan, np.float32))
    with pytest.raises(BadInput, match=r"decoder\.bias holds NaN"):
        exchange.load_encoder(source)
    (source / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(BadInput, match="damaged or not safetensors"):
        exchange.load_encoder(source)
    (source / "model.safetensors").rename(source / "pytorch_model.bin")
    with pytest.raises(BadInput, match=r"pytorch_model\.bin is a pickle"):
        exchange.load_encoder(source)
    with pytest.raises(BadInput, match=r"config\.json: no such file"):
        exchange.load_encoder(tmp_path)
    with pytest.raises(BadInput, match="no such folder, and no hub id"):
        exchange.load_encoder("no/such/folder")


def test_a_tokenizer_that_does_not_fit_is_refused_by_name(folder: Callable[[str], Path]) -> None:
    source = folder("xlm-roberta")
    config = json.loads((source / "tokenizer_config.json").read_text())
    (source / "tokenizer_config.json").write_text(json.dumps({**config, "mask_token": None}))
    with pytest.raises(BadInput, match="no mask_token among the pieces"):
        exchange.load_encoder(source)
    (source / "tokenizer_config.json").write_text(json.dumps(config))
    arrays = tensors.read(source)
    shorter = {
        "roberta__embeddings__word_embeddings__weight": arrays["roberta.embeddings.word_embeddings.weight"][:39],
        "lm_head__bias": arrays["lm_head.bias"][:39],
    }
    rewrite(source, **shorter)
    change(source, vocab_size=39)
    with pytest.raises(BadInput, match="has ids up to 39, the model embeds 39 pieces"):
        exchange.load_encoder(source)
    (source / "tokenizer.json").write_text("{}")
    with pytest.raises(BadInput, match="not a tokenizer definition"):
        exchange.load_encoder(source)
    (source / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match="no such file"):
        exchange.load_encoder(source)


def test_rows_longer_than_the_table_of_positions_are_refused() -> None:
    model = golden("xlm-roberta")[0].model
    jax.eval_shape(model, *(np.zeros((1, 18), np.int32),) * 3)
    with pytest.raises(BadInput, match="knows 18 positions, got rows of 19"):
        jax.eval_shape(model, *(np.zeros((1, 19), np.int32),) * 3)


def test_the_hub_is_asked_for_safetensors_and_json_only(
    folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}
    source = folder("modernbert")

    def download(repository: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.update(repository=repository, revision=revision, patterns=allow_patterns)
        return str(source)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    exchange.load_encoder("some-owner/some-model", "v1")
    assert (asked["repository"], asked["revision"]) == ("some-owner/some-model", "v1")
    assert all(pattern.endswith((".json", ".safetensors", "spm.model")) for pattern in asked["patterns"])

    def unreachable(*arguments: object, **options: object) -> str:
        raise OSError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(Unavailable, match="the hub could not be reached"):
        exchange.load_encoder("some-owner/some-model")
