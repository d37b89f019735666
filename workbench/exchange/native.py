"""Our own layout: every model of ours as it is, under the names of its leaves, with its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import pydantic

from workbench import config, models
from workbench.errors import BadInput
from workbench.exchange.layouts import Written
from workbench.exchange.tensors import CONFIG, read, read_config
from workbench.models import Model
from workbench.models.leaves import named_leaves
from workbench.tokenizer.processor import Tokenizer

MODEL_TYPE = "workbench"
FORMAT = 1
SENTENCEPIECE = "spm.model"


def write(model: Model, settings: config.Model) -> Written:
    described: dict[str, Any] = {
        "model_type": MODEL_TYPE,
        "format": FORMAT,
        "vocab_size": model.embedding.shape[0],
        "model": settings.model_dump(mode="json"),
    }
    return Written(described, {name: jax.device_get(leaf) for name, leaf in named_leaves(model).items()})


def load(folder: Path) -> tuple[Model, Tokenizer]:
    """What `write` wrote.

    Raises: BadInput where the folder is of another format, or its tensors or tokenizer do not fit the config.
    """
    where = folder / CONFIG
    described = read_config(where)
    if described.get("model_type") != MODEL_TYPE or described.get("format") != FORMAT:
        got = {name: described.get(name) for name in ("model_type", "format")}
        raise BadInput(f"{where}: wanted model_type {MODEL_TYPE!r} of format {FORMAT}, got {got}")
    try:
        settings = config.Model.model_validate(described["model"])
        vocab_size = int(described["vocab_size"])
    except (KeyError, TypeError, ValueError, pydantic.ValidationError) as error:
        raise BadInput(f"{where}: damaged or of another version of the workbench ({error}); export again") from error
    tokenizer = Tokenizer.load(folder / SENTENCEPIECE)
    if tokenizer.vocab.size != vocab_size:
        raise BadInput(f"{folder}: the model embeds {vocab_size} pieces, the tokenizer has {tokenizer.vocab.size}")
    like = models.abstract(settings, vocab_size)
    leaves, found = named_leaves(like), read(folder)
    faults = [f"{name} is missing" for name in leaves if name not in found]
    faults += [f"{name} is not known" for name in found if name not in leaves]
    faults += [
        f"{name} is {list(found[name].shape)}, wanted {list(leaf.shape)}"
        for name, leaf in leaves.items()
        if name in found and found[name].shape != leaf.shape
    ]
    if faults:
        raise BadInput(f"{folder}: the tensors do not fit the config: {'; '.join(faults[:8])}")
    model: Model = jax.tree.unflatten(jax.tree.structure(like), [jax.numpy.asarray(found[name]) for name in leaves])
    return model, tokenizer
