"""Any model that can be probed: a run of ours, an exported model, a published encoder from a folder or the hub."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench import config, exchange
from workbench.errors import BadInput
from workbench.evaluation.representations import LENGTHS, Reader
from workbench.exchange import trained
from workbench.files import read_json
from workbench.models import Decoder, Model
from workbench.models.leaves import named_leaves
from workbench.models.published import Published, longest_row
from workbench.objectives.build import document_end
from workbench.runs.folder import IDENTITY
from workbench.tokenizer.processor import TextTokenizer


def open_model(path: str, revision: str | None = None) -> Reader:
    """The model at `path`, reading a text as in its training: special pieces around it where there were any.

    Raises: BadInput where it is no model of these kinds; Unavailable where the hub cannot be reached.
    """
    folder = Path(path)
    if not folder.is_dir():
        model, tokenizer = exchange.load_encoder(path, revision)
        return reader(path, model, tokenizer)
    if not (folder / IDENTITY).is_file():
        there = ", ".join(sorted(one.name for one in folder.iterdir())[:8])
        raise BadInput(
            f"{folder}: no {IDENTITY} in it (but {there}); wanted the folder of a run (runs/STUDY/VARIANT-s0-HASH), an "
            "exported model, or a published encoder"
        )
    found = read_json(folder / IDENTITY)
    if not (isinstance(found, dict) and "inputs" in found):
        return reader(path, *exchange.load(folder))
    run = trained.read(folder)
    return own(path, trained.load_model(run), run.tokenizer, run.objective, run.length)


def own(
    name: str, model: Model | Published, tokenizer: TextTokenizer, objective: config.Objective, length: int
) -> Reader:
    """A run's model, which reads a text as in its training with rows of `length`, where its tokenizer is ours.

    A model whose objective ends texts reads one before that end; a decoder as `reader` has it; others cut it.
    """
    found = reader(name, model, tokenizer)
    if found.before or found.after or isinstance(model, Published):
        return found
    end = document_end(objective, tokenizer.vocab)
    return replace(found, window=length) if end is None else replace(found, after=(end,))


def reader(name: str, model: Model | Published, tokenizer: TextTokenizer) -> Reader:
    """A model with its tokenizer: what stands around a text is the published tokenizer's to say; before a decoder of
    ours it is `bos`, from which it has learnt to go on."""
    before, after = tokenizer.around
    if isinstance(model, Decoder) and not before:
        before = (tokenizer.vocab.bos,)
    longest = min(LENGTHS[-1], longest_row(model) or LENGTHS[-1])
    return Reader(name, model, tokenizer, fingerprint(model), before, after, longest)


def fingerprint(model: Model | Published) -> str:
    """sha256 over what the model is and every weight of it."""
    digest = hashlib.sha256(f"{type(model).__name__} {getattr(model, 'settings', '')}".encode())
    for name, leaf in named_leaves(model).items():
        values = np.asarray(leaf)
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
