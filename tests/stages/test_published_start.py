"""A published encoder as the base: adapted to a language, exported in its own layout, fine-tuned with its `<s>`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from tests.stages.conftest import CIPHER, OBJECTS, SMALL, SUBJECTS, VERBS
from tests.stages.test_study_end_to_end import workbench
from workbench import config, exchange
from workbench.errors import BadInput
from workbench.evaluation.fine_tune import fine_tune
from workbench.evaluation.task_batches import Names, encode
from workbench.exchange import published, tensors
from workbench.files import read_jsonl, write_json
from workbench.languages import parse
from workbench.models.leaves import named_leaves
from workbench.models.published import XLMR, XLMRSettings, empty
from workbench.stages import new_language
from workbench.stages.new_language import Asked
from workbench.tasks.task import Example, Task
from workbench.tokenizer.kept import kept
from workbench.tokenizer.published import PublishedTokenizer

SENTENCES = [f"{s} {v} {o}" for s in SUBJECTS for v in VERBS for o in OBJECTS]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

STUDY = """
question = "How finely does it cut English?"
name = "alone"
seeds = [0]
reference = "encoder"
[base.data]
source = {{ kind = "files", folder = "{folder}", licence = "CC0-1.0" }}
pretrain = ["eng-Latn"]
[base.pretrain]
start = "{encoder}"
[base.evaluate]
measures = ["fertility"]
[variants.encoder]
"""
TABLES = """
study = "alone"
[[table]]
name = "pieces"
title = "Pieces"
caption = "Tiny."
task = "tokenizer"
metric = "pieces_per_word"
unit = "pieces per word"
columns = ["eng-Latn"]
rows = [{ variant = "encoder" }]
"""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of random weights over a WordPiece of the tests' words, as its publisher would leave it."""
    folder = tmp_path_factory.mktemp("published") / "bert"
    folder.mkdir()
    words = sorted({word for sentence in SENTENCES for word in sentence.split()} | set(CIPHER.values()))
    letters = sorted(set("".join(words)))
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *words[::2]]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}  # a trainer breaks ties by lot
    built = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    built.normalizer, built.pre_tokenizer = (
        normalizers.BertNormalizer(lowercase=False),
        pre_tokenizers.BertPreTokenizer(),
    )
    built.decoder = decoders.WordPiece()
    built.add_special_tokens(SPECIAL)
    built.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    built.save(str(folder / "tokenizer.json"))
    roles = ("pad", "unk", "cls", "sep", "mask")
    write_json(folder / "tokenizer_config.json", {f"{r}_token": s for r, s in zip(roles, SPECIAL, strict=True)})
    settings = XLMRSettings(built.get_vocab_size(), 16, 2, 2, 24, 64, 2, 0, "gelu", 1e-12, 0.1, "bert")
    like = empty(settings, head=True)
    rng = np.random.default_rng(0)
    leaves = [
        jnp.ones(leaf.shape) if name.endswith("scale") else jnp.asarray(0.3 * rng.normal(size=leaf.shape), jnp.float32)
        for name, leaf in named_leaves(like).items()
    ]
    model = jax.tree.unflatten(jax.tree.structure(like), leaves)
    write_json(folder / "config.json", published.config(settings))
    tensors.write(folder, published.tensors_of(model))
    exchange.import_encoder(str(folder), folder.parent / "imported")
    return folder.parent / "imported"


@pytest.fixture
def asked(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setenv("WORKBENCH_DATA", str(tiny_data))
    (tmp_path / "lexicon.tsv").write_text("".join(f"{key}\t{word}\n" for key, word in CIPHER.items()), "utf-8")
    lines = [" ".join(CIPHER[word] for word in sentence.split()) for sentence in SENTENCES]
    (tmp_path / "text.txt").write_text("\n".join(lines[:60]) + "\n", "utf-8")
    return Asked("cym", tmp_path / "lexicon.tsv", seeds=1, text=tmp_path / "text.txt", method="full")


def test_it_is_adapted_with_its_own_tokenizer_and_exported_in_its_own_layout(
    encoder: Path, asked: Asked, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    measures = 'evaluate.measures=["bits", "fertility", "cost"]'
    assert new_language.adapt(encoder, asked, out, [*SMALL, measures]) == 0
    rows = list(read_jsonl(out / "results.jsonl"))
    bits = {row["variant"]: row["value"] for row in rows if row["metric"] == "masked_bits_per_byte"}
    assert bits["adapted"] != bits["before"]
    costs = {row["metric"] for row in rows if row["task"] == "cost"}
    assert costs == {"parameters", "training_tokens"}  # operations are counted of our own models alone
    (run,) = (out / "runs" / "adapt-cym-latn").glob("adapted-s0-*")
    with pytest.raises(BadInput, match="keeps its own layout"):
        exchange.export(run, tmp_path / "exported", "workbench")
    exchange.export(run, tmp_path / "exported")
    (model, tokenizer), (before, own) = exchange.load_encoder(tmp_path / "exported"), exchange.load_encoder(encoder)
    assert isinstance(tokenizer, PublishedTokenizer)
    assert (tokenizer.vocab, tokenizer.around) == (own.vocab, ((2,), (3,)))
    assert model.settings == before.settings
    assert not np.array_equal(model.embedding[...], before.embedding[...])
    assert "fill-mask" in (tmp_path / "exported" / "README.md").read_text("utf-8")


def test_a_study_of_it_alone_ends_with_a_report_that_draws_no_training(encoder: Path, tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        path = tmp_path / "text" / "eng-Latn" / f"{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(SENTENCES[:40]) + "\n", "utf-8")
    study = tmp_path / "alone"
    study.mkdir()
    (study / "study.toml").write_text(STUDY.format(folder=tmp_path / "text", encoder=encoder), "utf-8")
    (study / "table.toml").write_text(TABLES, "utf-8")
    done = workbench(tmp_path / "no-data", "run", study, "--set", f'where.runs="{tmp_path / "runs"}"', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (report,) = (tmp_path / "runs").rglob("report.html")
    assert "nats per predicted token" not in report.read_text("utf-8")


def test_its_vocabulary_cannot_be_extended(encoder: Path, asked: Asked, tmp_path: Path) -> None:
    more = Asked(asked.language, asked.lexicon, seeds=1, text=asked.text, vocabulary="extend")
    with pytest.raises(BadInput, match="this model's tokenizer is a published one"):
        new_language.adapt(encoder, more, tmp_path / "out", SMALL)


def test_it_has_no_place_for_adapters(encoder: Path, asked: Asked, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--method madx: the base is a published encoder"):
        new_language.adapt(encoder, replace(asked, method="madx"), tmp_path / "out", SMALL)
    assert not (tmp_path / "out").exists()


def test_what_a_run_keeps_of_its_tokenizer_is_the_same_tokenizer(encoder: Path, tmp_path: Path) -> None:
    _, tokenizer = exchange.load_encoder(encoder)
    tokenizer.save(tmp_path / "tokenizer.model")
    again = kept(tmp_path / "tokenizer.model")
    assert isinstance(again, PublishedTokenizer)
    assert (again.vocab, again.around, again.pieces) == (tokenizer.vocab, tokenizer.around, tokenizer.pieces)
    assert [ids.tolist() for ids in again.encode_all(SENTENCES)] == [
        i.tolist() for i in tokenizer.encode_all(SENTENCES)
    ]
    word = next(piece for piece in tokenizer.pieces if piece.startswith("##"))
    assert tokenizer.spelt[tokenizer.pieces.index(word)] == word[2:]
    assert not tokenizer.starts_word[tokenizer.pieces.index(word)]


def test_it_is_fine_tuned_between_its_special_pieces_and_frozen_weights_stay(encoder: Path) -> None:
    model, tokenizer = exchange.load_encoder(encoder)
    eng = parse("eng-Latn")
    task = Task("verbs", "classify", "plain", ("accuracy",), Path(), "0", "made", "")
    examples = [Example(str(i), eng, sentence, sentence.split()[1]) for i, sentence in enumerate(SENTENCES)]
    encoded = encode(examples[:2], tokenizer, Names(("x", "y"), ()))
    assert all(ids[0] == 2 and ids[-1] == 3 for ids in encoded.ids)
    settings = config.FineTune(
        steps=120, checks=1, freeze="embeddings", optim=config.Optim(learning_rate=3e-3, warmup_steps=5)
    )
    tuned = fine_tune(model, tokenizer, task, examples[::2], [], examples[1::2], settings, seed=0)
    assert tuned.best.dev > 0.6  # chance: 0.17
    after = tuned.best.weights.model
    assert np.array_equal(after.embedding[...], model.embedding[...])
    assert not np.array_equal(after.blocks[0].query.weight[...], model.blocks[0].query.weight[...])


def test_a_test_text_that_is_longer_than_its_table_of_positions_is_read_up_to_there(encoder: Path) -> None:
    model, tokenizer = exchange.load_encoder(encoder)
    assert isinstance(model, XLMR)
    eng, most = parse("eng-Latn"), model.settings.longest
    task = Task("verbs", "tag", "plain", ("accuracy",), Path(), "0", "made", "")
    tags = tuple("THING" if place else "VERB" for place in range(3))
    train = [
        Example(str(i), eng, text, "", tuple(text.split()[:3]), tags[: len(text.split()[:3])])
        for i, text in enumerate(SENTENCES)
    ]
    words = ("house",) * (most + 5)
    long = Example("long", eng, " ".join(words), "", words, ("VERB",) * len(words))
    settings = config.FineTune(steps=2, checks=1, max_length=4 * most, optim=config.Optim(warmup_steps=1))
    tuned = fine_tune(model, tokenizer, task, [*train, long], [], train, settings, seed=0)
    (said,) = tuned.predict([long])
    assert tuned.num_cut([*train, long]) == 1
    assert len(said.predicted_tags) == len(words)
    assert set(said.predicted_tags[most - 2 :]) == {tuned.names.usual_tag}
    assert tuned.go_on([long], seed=0).step > 2
