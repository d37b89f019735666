"""Any model that can be probed: a run of ours, an exported model, a published encoder from a folder or the hub."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from workbench import config, exchange
from workbench.errors import BadInput
from workbench.evaluation.representations import LENGTHS, Reader
from workbench.exchange import trained
from workbench.files import read_json
from workbench.models import Model
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
    return own(path, trained.load_model(run), run.tokenizer, run.part("objective"))


def own(name: str, model: Model, tokenizer: TextTokenizer, objective: dict[str, object]) -> Reader:
    """A run's model: where its tokenizer is ours, nothing around a text but the end that its objective put there."""
    adapter: TypeAdapter[config.Objective] = TypeAdapter(config.Objective)
    settings = adapter.validate_python({"kind": config.MaskedLM().kind, **objective})
    end = document_end(settings, tokenizer.vocab)
    return reader(name, model, tokenizer, after=() if end is None else (end,))


def reader(
    name: str,
    model: Model | Published,
    tokenizer: TextTokenizer,
    after: tuple[int, ...] = (),
) -> Reader:
    """A model with its tokenizer; what stands around a text is the published tokenizer's to say."""
    before, behind = tokenizer.around
    longest = min(LENGTHS[-1], longest_row(model) or LENGTHS[-1])
    return Reader(name, model, tokenizer, fingerprint(model), before, behind or after, longest)


def fingerprint(model: Model | Published) -> str:
    """sha256 over what the model is and every weight of it."""
    digest = hashlib.sha256(f"{type(model).__name__} {getattr(model, 'settings', '')}".encode())
    for name, leaf in named_leaves(model).items():
        values = np.asarray(leaf)
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
