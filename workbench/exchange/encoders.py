"""Encoders to start from: what others published, what the workbench exported; from a folder or the hub."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import BadInput, Unavailable, WorkbenchError
from workbench.exchange import native, published
from workbench.exchange.export import refuse_taken, whole_folder
from workbench.exchange.tensors import CONFIG, WEIGHTS, read, read_config, write
from workbench.files import sha256_file, write_json
from workbench.models import Encoder, Model
from workbench.models.published import Published
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.published import SPECIAL_TOKENS, TOKENIZER, TOKENIZER_CONFIG, PublishedTokenizer
from workbench.tokenizer.published import load as load_published

ORIGIN = "origin.json"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
WANTED = [CONFIG, "*.safetensors", "model.safetensors.index.json", TOKENIZER, TOKENIZER_CONFIG, SPECIAL_TOKENS]
WANTED += [native.SENTENCEPIECE]  # of an export of ours


def load(folder: Path) -> tuple[Model | Published, Tokenizer | PublishedTokenizer]:
    """A model and its tokenizer from a folder: our own layout, or a published encoder (ModernBERT, XLM-R, BERT).

    Raises: BadInput where it is something else, or its parts do not fit together.
    """
    described = read_config(folder / CONFIG)
    if described.get("model_type") == native.MODEL_TYPE:
        return native.load(folder)
    imported = _published(folder, described)
    return imported.model, _tokenizer(folder, imported.model)


def load_encoder(path: str | Path, revision: str | None = None) -> tuple[Encoder | Published, Any]:
    """The same for a folder or a hub id, of encoders alone: they all take ids, segments and positions.

    Raises: BadInput where it is no encoder; Unavailable where the hub cannot be reached.
    """
    model, tokenizer = load(_folder(str(path), revision))
    if not isinstance(model, Encoder | Published):
        raise BadInput(f"{path}: wanted an encoder, got a {type(model).__name__}")
    return model, tokenizer


def import_encoder(path: str, out: Path, revision: str | None = None) -> tuple[str, ...]:
    """Keep a published encoder under `out`: float32 weights, its tokenizer, and where it came from.

    What was written is read back and must be the same bit for bit. Returns the tensors that have no place here.

    Raises: BadInput, Unavailable as `load_encoder`; WorkbenchError where the check fails. Nothing is left behind then.
    """
    refuse_taken(out)
    source = _folder(path, revision)
    described = read_config(source / CONFIG)
    if described.get("model_type") == native.MODEL_TYPE:
        raise BadInput(f"{path}: the workbench's own layout, which is read as it is; there is nothing to import")
    imported = _published(source, described)
    vocab = _tokenizer(source, imported.model).vocab
    with whole_folder(out) as folder:
        settings = imported.model.settings
        ids = {"pad": vocab.pad, "bos": vocab.bos, "eos": vocab.eos}
        kept = {f"{name}_token_id": id for name, id in ids.items()}
        positions = {name: described[name] for name in ("max_position_embeddings",) if name in described}
        write_json(folder / CONFIG, positions | kept | published.config(settings))
        write(folder, published.tensors_of(imported.model))
        for name in (TOKENIZER, TOKENIZER_CONFIG, SPECIAL_TOKENS, native.SENTENCEPIECE):
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
        weights = {file.name: sha256_file(file) for file in sorted(source.glob("*.safetensors"))}
        origin = {"path": path, "revision": revision, "sha256": weights, "unused_tensors": imported.unused}
        write_json(folder / ORIGIN, origin)
        again = _published(folder, read_config(folder / CONFIG)).model
        kept_as, meant = published.tensors_of(again), published.tensors_of(imported.model)
        if kept_as.keys() != meant.keys() or again.settings != settings:
            raise WorkbenchError(f"{out}: {CONFIG} does not say what it was written from; please report it")
        for name, values in meant.items():
            if not np.array_equal(values, kept_as[name]):
                raise WorkbenchError(f"{out}: {name} differs after reading {WEIGHTS} back; is the disk sound?")
    return imported.unused


def _published(folder: Path, described: dict[str, Any]) -> published.Imported:
    where = str(folder / CONFIG)
    return published.fill(published.settings(described, where), read(folder), where)


def _tokenizer(folder: Path, model: Published) -> Tokenizer | PublishedTokenizer:
    """Ours where the workbench exported the model, so that its bytes and sentinels are known."""
    size = model.settings.vocab_size
    if (folder / native.SENTENCEPIECE).is_file():
        ours = Tokenizer.load(folder / native.SENTENCEPIECE)
        if ours.vocab.size != size:
            raise BadInput(f"{folder}: the model embeds {size} pieces, {native.SENTENCEPIECE} has {ours.vocab.size}")
        return ours
    return load_published(folder, size)


def _folder(path: str, revision: str | None) -> Path:
    """A folder as it is; a hub id by way of huggingface_hub: safetensors and JSON, never code or pickles.

    Raises: BadInput where it is neither; Unavailable where the hub cannot be reached.
    """
    if Path(path).is_dir():
        return Path(path)
    if not HUB_ID.fullmatch(path) or path.startswith("."):
        raise BadInput(f"{path}: no such folder, and no hub id (OWNER/NAME)")
    import huggingface_hub
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(huggingface_hub.snapshot_download(path, revision=revision, allow_patterns=WANTED))
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise BadInput(f"{path}: not on the hub, or not public ({str(error).splitlines()[0]})") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise Unavailable(f"{path}: no such folder, and the hub could not be reached ({first})") from error
