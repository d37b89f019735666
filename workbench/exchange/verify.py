"""What must hold of an exported folder before anyone sees it: its tensors, its numbers, its tokenizer."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tokenizers

from workbench import seeds
from workbench.errors import WorkbenchError
from workbench.exchange import native, published, reference, tokenizer_json
from workbench.exchange.layouts import Layout, Written
from workbench.exchange.tensors import CONFIG, Tensors, read, read_config
from workbench.models import EncoderDecoder, Model, Output
from workbench.models.published import Published
from workbench.objectives.batch import Tokens
from workbench.tokenizer.processor import TextTokenizer, Tokenizer
from workbench.tokenizer.published import load as load_published

TOLERANCE = 1e-4  # of the largest value, or of 1
ROUNDING = 2.0**-24  # of one addition in float32
SAMPLE = 48  # tokens of each text that hidden states are compared on
HARD = (
    *(
        "",
        " ",
        "\t",
        "\0",
        "a\0b",
        "a\tb\n c\r\n",
        "\u2581 a\u2581b",
        "\u3000\u00a0x\u2009y\u200b",
        "\ufeffx",
        "\x1cq\x85",
    ),
    *("\U0001f600 \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1f3\U0001f1ee", "e\u0301n\u0303o\u0323\u0302"),
    *("\ufb01 \u210c \u00bd \u1e9b\u0323", "0123456789 3.14 1,000", "!?\u2026\u00ab\u00bb\u201c\u201d", "a" * 200),
    *("\u0e44\u0e17\u0e22 \u4e2d\u6587", "\u05e9\u05dc\u05d5\u05dd", "\u0915\u093c \u0b95\u0bcb"),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """Texts that both tokenizers cut; `num_tied` of them into other pieces, which are as probable."""

    num_texts: int
    num_tied: int


def check(
    layout: Layout,
    folder: Path,
    written: Written,
    model: Model | Published,
    tokenizer: TextTokenizer,
    lines: Sequence[str],
) -> Compared:
    """Check the files in `folder` against the model and tokenizer they were made of.

    Raises: WorkbenchError naming the first thing that is not as it should be.
    """
    found, config = read(folder), read_config(folder / CONFIG)
    _same_tensors(folder, written.tensors, found)
    _same_numbers(layout, folder, found, config, model, tokenizer, lines)
    if isinstance(tokenizer, Tokenizer):
        return _same_pieces(folder, tokenizer, [*lines, *_made_of_pieces(tokenizer)])
    again = load_published(folder, tokenizer.vocab.size)
    if again.vocab != tokenizer.vocab or again.around != tokenizer.around:
        raise WorkbenchError(f"{folder}: the tokenizer's special pieces differ after reading it back; please report it")
    texts = [*lines, *HARD]
    for text, ours, theirs in zip(texts, tokenizer.encode_all(texts), again.encode_all(texts), strict=True):
        if not np.array_equal(ours, theirs):
            raise WorkbenchError(f"{folder}: {text[:60]!r} is cut otherwise after reading the tokenizer back")
    return Compared(len(texts), 0)


def _same_tensors(folder: Path, wanted: Mapping[str, np.ndarray], found: Tensors) -> None:
    for name in sorted(set(wanted) | set(found)):
        if name not in wanted or name not in found or not np.array_equal(wanted[name], found[name]):
            raise WorkbenchError(f"{folder}: {name} was not written as it is; is the disk sound?")


def _same_numbers(
    layout: Layout,
    folder: Path,
    found: Tensors,
    config: Mapping[str, Any],
    model: Model | Published,
    tokenizer: TextTokenizer,
    lines: Sequence[str],
) -> None:
    ids = _sample(tokenizer, lines)
    ours = forward(model, ids)
    match layout:
        case "modernbert" | "published":
            imported = published.fill(published.settings(config, str(folder)), found, str(folder))
            theirs = forward(imported.model, ids)
        case "llama":
            _known(folder, reference.llama_shapes(config), found)
            states, logits = reference.llama(found, config, ids)
            theirs = {"hidden": np.stack(states), "logits": logits}
        case "t5":
            _known(folder, reference.t5_shapes(config), found)
            encoder, decoder, logits = reference.t5(found, config, ids, ids)
            theirs = {"encoder": np.stack(encoder), "hidden": np.stack(decoder), "logits": logits}
        case "workbench":
            theirs = forward(native.load(folder)[0], ids)
    for name, values in ours.items():
        allowed = TOLERANCE * max(1.0, float(np.abs(values).max()))
        if values.shape != theirs[name].shape or not (off := float(np.abs(values - theirs[name]).max())) <= allowed:
            raise WorkbenchError(
                f"{folder}: {name} computed from the written files differ from the model's by {off:.2g} "
                f"(allowed {allowed:.2g}); this is a fault of the workbench, please report it"
            )


def forward(model: Model | Published, ids: np.ndarray) -> dict[str, np.ndarray]:
    """What a model makes of whole texts, as the published layouts number it: the last hidden state is the normed one.

    An encoder-decoder reads `ids` with both stacks.

    Shapes: ids [B, T] -> hidden (and encoder) [L+1, B, T, D], logits [B, T, V]
    """
    segments = np.ones_like(ids)
    row = Tokens(ids, segments, np.broadcast_to(np.arange(ids.shape[1], dtype=np.int32), ids.shape))
    computed: dict[str, jax.Array] = _forward(model, row)
    return {name: np.asarray(values) for name, values in computed.items()}


@jax.jit
def _forward(model: Model | Published, row: Tokens) -> dict[str, jax.Array]:
    result = {}
    if isinstance(model, EncoderDecoder):
        result["encoder"] = _numbered(model.encode(*row, hidden=True))
        out = model(*row, row, hidden=True)
    else:
        out = model(*row, hidden=True)
    result["hidden"] = _numbered(out)
    headless = isinstance(model, Published) and model.head is None
    return result if headless else result | {"logits": model.logits(out.final)}


def _numbered(out: Output) -> jax.Array:
    assert out.hidden is not None
    return jnp.concatenate([out.hidden[:-1], out.final[None]])


def _known(folder: Path, shapes: Mapping[str, tuple[int, ...]], found: Tensors) -> None:
    for name in sorted(set(shapes) | set(found)):
        want, got = shapes.get(name), found[name].shape if name in found else None
        if want != got:
            raise WorkbenchError(f"{folder}: {name}: the layout has {want or 'none'}, the file {got or 'none'}")


def _sample(tokenizer: TextTokenizer, lines: Sequence[str]) -> np.ndarray:  # [2, T]
    """Text of the run where there is enough of it, and random pieces."""
    vocab = tokenizer.vocab
    drawn = seeds.stream(0, "export", "sample").integers(vocab.first_byte, vocab.size, SAMPLE).astype(np.int32)
    text = np.concatenate([*tokenizer.encode_all(lines[:SAMPLE]), drawn])[:SAMPLE]
    return np.stack([text, drawn])


def _made_of_pieces(tokenizer: Tokenizer) -> list[str]:
    """Texts that between them hold every piece, in random order, and texts that are known to be hard."""
    order = seeds.stream(0, "export", "pieces").permutation(
        np.arange(tokenizer.vocab.first_piece, tokenizer.vocab.size)
    )
    pieces = [tokenizer.decode(order[start : start + 16]) for start in range(0, len(order), 16)]
    literals = [literal for literal, place in tokenizer_json.cuts(tokenizer).items() if place]
    spelt = [text for literal in literals for text in (literal, f"a{literal}b {literal[:-1]}")]
    return [*pieces, *HARD, *spelt]


def _same_pieces(folder: Path, tokenizer: Tokenizer, texts: Sequence[str]) -> Compared:
    read_back = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    read_back.encode_special_tokens = True
    everything = [*texts, *(unicodedata.normalize("NFD", text) for text in texts)]
    encoded = read_back.encode_batch(everything, add_special_tokens=False)
    scores, num_tied = tokenizer.scores(), 0
    for text, ours, theirs in zip(everything, tokenizer.encode_all(everything), encoded, strict=True):
        if ours.tolist() == theirs.ids:
            continue
        if not tied(scores, ours, theirs.ids) or tokenizer.decode(theirs.ids) != tokenizer.decode(ours):
            raise WorkbenchError(
                f"{folder}: tokenizer.json cuts {text[:80]!r} into {theirs.tokens[:20]}, the run's tokenizer into "
                f"{[tokenizer.pieces[i] for i in ours][:20]}; nothing was exported"
            )
        num_tied += 1
    return Compared(len(everything), num_tied)


def tied(scores: np.ndarray, ours: Sequence[int] | np.ndarray, theirs: Sequence[int]) -> bool:
    """Whether two cuts are equally probable, as `k an ana n` and `k ana n an` are: rounding decides between them.

    SentencePiece adds up log-probabilities in float32 along a whole text, the `tokenizers` library in float64 along a
    word; what differs by less than the former's largest error is a tie.
    """
    sums = [float(scores[list(ids)].sum()) for ids in (ours, theirs)]
    return abs(sums[0] - sums[1]) <= ROUNDING * abs(sums[0]) * max(len(ours), 1)
