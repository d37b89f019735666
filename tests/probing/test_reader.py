"""How a model of ours reads a text: as in its training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench import config, models
from workbench.errors import BadInput
from workbench.evaluation.embed import hidden_states
from workbench.evaluation.representations import all_vectors
from workbench.probing.reader import own
from workbench.records import Lang
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.train import train

SMALL = {"width": 16, "num_layers": 2, "num_heads": 2, "feed_forward": 16}
LONG = " ".join(["open the door in the garden"] * 2)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path: Path = tmp_path_factory.mktemp("reader") / "model"
    lines = [f"{a} the {b} in the {c}" for a in ("open", "close") for b in ("door", "cat") for c in ("garden", "hall")]
    lines += ["quick brown foxes jump over lazy dogs", "pack my box with five dozen liquor jugs"]
    return train({Lang("eng", "Latn"): lines}, config.Tokenizer(vocab_size=300), path, seed=0)


def test_a_decoder_reads_a_text_behind_the_beginning_it_has_learnt_to_go_on_from(tokenizer: Tokenizer) -> None:
    model = models.build(config.Model(kind="decoder", **SMALL), tokenizer.vocab.size, seed=0)
    read_as = own("tiny", model, tokenizer, config.Causal(), length=64)
    assert (read_as.before, read_as.after, read_as.window) == ((tokenizer.vocab.bos,), (), None)
    text = "close the door"
    ids = np.array([[tokenizer.vocab.bos, *tokenizer.encode_all([text])[0]]])
    states = np.asarray(hidden_states(model, ids, np.ones_like(ids), np.arange(ids.shape[1])[None]))  # [L+1, 1, T, D]
    np.testing.assert_allclose(all_vectors(read_as, [text])[:, 0], states[:, 0, 1:].mean(axis=1), atol=1e-5)
    with pytest.raises(BadInput, match="no cls vector; pool by mean"):
        all_vectors(read_as, [text], "cls")


def test_a_masked_lm_reads_a_long_text_in_rows_of_its_training(tokenizer: Tokenizer) -> None:
    model = models.build(config.Model(**SMALL), tokenizer.vocab.size, seed=0)
    vectors = [all_vectors(own("tiny", model, tokenizer, config.MaskedLM(), length), [LONG]) for length in (16, 64)]
    assert len(tokenizer.encode_all([LONG])[0]) in range(17, 65)
    assert not np.allclose(vectors[0], vectors[1])
    short = [all_vectors(own("tiny", model, tokenizer, config.MaskedLM(), length), ["door"]) for length in (16, 64)]
    np.testing.assert_allclose(short[0], short[1], atol=1e-5)
