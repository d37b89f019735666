"""A model as an encoder of sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench import config, models
from workbench.errors import BadInput
from workbench.evaluation.embed import sentence_embeddings
from workbench.probing.reader import own
from workbench.probing.sentence_encoder import SentenceEncoder
from workbench.records import Lang
from workbench.tokenizer.train import train

TEXTS = [f"{a} the {b} in the {c}" for a in ("open", "close", "find") for b in ("door", "curtain") for c in ("a", "b")]


def test_sentences_are_the_mean_of_their_states_at_the_layer_asked_for_in_order(tmp_path: Path) -> None:
    lines = [*TEXTS, "quick brown foxes jump over lazy dogs", "pack my box with five dozen liquor jugs"]
    tokenizer = train({Lang("eng", "Latn"): lines}, config.Tokenizer(vocab_size=300), tmp_path / "model", seed=0)
    small = config.Model(width=16, num_layers=2, num_heads=2, feed_forward=16)
    model = models.build(small, tokenizer.vocab.size, seed=0)
    reader = own("tiny", model, tokenizer, config.MaskedLM(), length=64)
    some = ["close the curtain in the a", "door", "open the door in the b and find the curtain in the a"]
    wanted = sentence_embeddings(model, tokenizer, some)
    for layer in (0, 1, -1):
        found = SentenceEncoder(reader, layer).encode(some)
        assert found.dtype == np.float32
        assert np.allclose(found, wanted[layer], atol=1e-5)
    with pytest.raises(BadInput, match=r"layers 0 .* to 2"):
        SentenceEncoder(reader, 3)
