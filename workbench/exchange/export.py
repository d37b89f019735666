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
from workbench.exchange import card, layouts, native, published, tensors, tokenizer_json, trained, verify
from workbench.exchange.layouts import Layout
from workbench.exchange.trained import Trained
from workbench.files import write_bytes, write_json, write_text
from workbench.models import Model
from workbench.models.published import XLMR, Published
from workbench.objectives.build import document_end
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.published import TOKENIZER, TOKENIZER_CONFIG, PublishedTokenizer

Choice = Literal["auto", "workbench"]


def export(run: Path, out: Path | None = None, layout: Choice = "auto") -> Path:
    """Write the run's model, tokenizer and card under `out` (default: `export` in the run's folder); return where.

    `auto` takes the published layout that computes the same, `workbench` our own, which every model has that was
    trained from scratch.

    Raises: BadInput where there is no such layout or `out` is taken; WorkbenchError where a check fails. Nothing is
        left behind then.
    """
    out = out or run / "export"
    refuse_taken(out)
    read = trained.read(run)
    model = trained.load_model(read)
    if isinstance(model, Published):
        if layout != "auto":
            raise BadInput(f"--layout {layout}: the run began with a published encoder, which keeps its own layout")
        chosen: Layout = "published"
    else:
        chosen = layouts.layout_of(read.settings, read.objective.kind) if layout == "auto" else "workbench"
    with whole_folder(out) as folder:
        _fill(read, model, chosen, folder)
    return out


def _fill(read: Trained, model: Model | Published, layout: Layout, folder: Path) -> None:
    tokenizer, vocab = read.tokenizer, read.tokenizer.vocab
    if isinstance(model, Published):
        ids = {"pad": vocab.pad, "bos": vocab.bos, "eos": vocab.eos}
        described = {f"{name}_token_id": id for name, id in ids.items()} | published.config(model.settings)
        if not (isinstance(model, XLMR) and model.settings.first_position):  # positions are not counted from pad
            described["pad_token_id"] = vocab.pad  # whatever its first tokenizer's was
        written = layouts.Written(described, published.tensors_of(model))
    elif layout == "workbench":
        written = native.write(model, model.settings)
    else:
        written = layouts.write(model, vocab, read.length, layout)
    tensors.write(folder, written.tensors)
    write_json(folder / tensors.CONFIG, written.config)
    inexact: list[str] = []
    if isinstance(tokenizer, PublishedTokenizer):
        write_bytes(folder / TOKENIZER, tokenizer.definition)
    else:
        assert isinstance(tokenizer, Tokenizer)
        tokenizer.save(folder / native.SENTENCEPIECE)
        tokenizer_json.build(tokenizer, *around(read)).save(str(folder / TOKENIZER))
        inexact = [literal for literal, place in tokenizer_json.cuts(tokenizer).items() if not place]
    write_json(folder / TOKENIZER_CONFIG, _tokenizer_config(read))
    compared = verify.check(layout, folder, written, model, tokenizer, trained.lines(read))
    write_text(folder / "README.md", card.write(read, model, layout, around(read), compared, inexact))


def around(read: Trained) -> tuple[list[int], list[int]]:
    """The special ids that the model has seen before and behind a text; a decoder's text is left open to go on."""
    if any(read.tokenizer.around):
        before, behind = map(list, read.tokenizer.around)
        return before, behind
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
        "model_input_names": ["input_ids", "attention_mask"],  # else token types too, which most of these models refuse
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
