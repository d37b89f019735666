"""`workbench export`: a finished run as a folder that others can load, checked before it appears."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from workbench.errors import BadInput
from workbench.exchange import card, layouts, native, tensors, tokenizer_json, trained, verify
from workbench.exchange.layouts import Layout
from workbench.exchange.published_tokenizer import TOKENIZER, TOKENIZER_CONFIG
from workbench.exchange.trained import Trained
from workbench.files import write_json, write_text
from workbench.objectives.build import document_end

Choice = Literal["auto", "workbench"]


def export(run: Path, out: Path | None = None, layout: Choice = "auto") -> Path:
    """Write the run's model, tokenizer and card under `out` (default: `export` in the run's folder); return where.

    `auto` takes the published layout that computes the same, `workbench` our own, which every model has.

    Raises: BadInput where there is no such layout or `out` is taken; WorkbenchError where a check fails. Nothing is
        left behind then.
    """
    out = out or run / "export"
    refuse_taken(out)
    read = trained.read(run)
    chosen: Layout = layouts.layout_of(read.settings, read.objective.kind) if layout == "auto" else "workbench"
    with whole_folder(out) as folder:
        _fill(read, chosen, folder)
    return out


def _fill(read: Trained, layout: Layout, folder: Path) -> None:
    model, tokenizer, vocab = trained.load_model(read), read.tokenizer, read.tokenizer.vocab
    if layout == "workbench":
        written = native.write(model, read.settings)
    else:
        written = layouts.write(model, vocab, read.length, layout)
    tensors.write(folder, written.tensors)
    write_json(folder / tensors.CONFIG, written.config)
    tokenizer.save(folder / native.SENTENCEPIECE)
    prefix, suffix = around(read)
    tokenizer_json.build(tokenizer, prefix, suffix).save(str(folder / TOKENIZER))
    write_json(folder / TOKENIZER_CONFIG, _tokenizer_config(read))
    compared = verify.check(layout, folder, written, model, tokenizer, trained.lines(read))
    inexact = [literal for literal, place in tokenizer_json.cuts(tokenizer).items() if not place]
    write_text(folder / "README.md", card.write(read, model, layout, around(read), compared, inexact))


def around(read: Trained) -> tuple[list[int], list[int]]:
    """The special ids that the model has seen before and behind a text; a decoder's text is left open to go on."""
    if read.settings.kind == "decoder":
        return [read.tokenizer.vocab.bos], []
    end = document_end(read.objective, read.tokenizer.vocab)
    return [], [] if end is None else [end]


def _tokenizer_config(read: Trained) -> dict[str, Any]:
    vocab, pieces = read.tokenizer.vocab, read.tokenizer.pieces
    special = {"pad": vocab.pad, "unk": vocab.unk, "bos": vocab.bos, "eos": vocab.eos, "mask": vocab.mask}
    if read.settings.kind == "encoder":
        special |= {"cls": vocab.bos, "sep": vocab.eos}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": read.length,
        "clean_up_tokenization_spaces": False,
        **{f"{name}_token": pieces[id] for name, id in special.items()},
    }


def refuse_taken(out: Path) -> None:
    """Raises: BadInput where `out` is something already: nothing is ever overwritten."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out}: there is something already; give another --out, or move it away")


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder that appears under the name `out`, with all that was put into it, only if the block ends well."""
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.", suffix=".tmp"))
    try:
        yield scratch
        scratch.chmod(0o755)
        if out.is_dir():
            out.rmdir()  # it was empty; if by now it is not, this fails and nothing is lost
        os.replace(scratch, out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
