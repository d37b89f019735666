"""A small tokenizer and encoder, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import config, models
from workbench.models.encoder import Encoder
from workbench.records import Lang
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.train import train

ENGLISH = Lang("eng", "Latn")
TEXTS = [
    f"{verb} the {thing} in the {room} {when}"
    for verb in ("open", "close", "find", "paint")
    for thing in ("door", "window", "garage", "curtain")
    for room in ("kitchen", "garden", "office")
    for when in ("now", "tomorrow", "at seven")
] + ["agor cau darganfod peintio", "quick brown foxes jump over lazy dogs", "pack my box with five dozen liquor jugs"]


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path: Path = tmp_path_factory.mktemp("tokenizer") / "model"
    return train({ENGLISH: TEXTS}, config.Tokenizer(vocab_size=310, sample_bytes=10_000), path, seed=0)


@pytest.fixture(scope="session")
def model(tokenizer: Tokenizer) -> Encoder:
    small = config.Model(width=16, num_layers=2, num_heads=2, feed_forward=16, local_heads=1)
    return models.build(small, tokenizer.vocab.size, seed=0)
