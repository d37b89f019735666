"""Another vocabulary for a trained model: the pieces that it keeps have their embeddings, the others get vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, assert_never

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sparse

from workbench import models, seeds
from workbench.adaptation import initialise
from workbench.adaptation.initialise import Cutter
from workbench.config.adapt import Initialise
from workbench.models import published
from workbench.models.leaves import named_leaves
from workbench.models.published import Published
from workbench.records import Lexicon

M = TypeVar("M", bound=models.Model | Published)


@dataclass(frozen=True, slots=True)
class Material:
    """What vectors may be made of: lexicons out of the pivot, text of the pivot, text that the targets have."""

    lexicons: Sequence[Lexicon] = ()
    pivot_texts: Sequence[str] = ()
    target_texts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """Pieces of the new vocabulary: kept with their vectors, initialised as asked, or (nothing known) by the mean.

    `num_dropped`: old pieces that the new vocabulary has not.
    """

    initialise: Initialise
    num_pieces: int
    num_kept: int
    num_initialised: int
    num_mean: int
    num_dropped: int


def operate(model: M, old: Cutter, new: Cutter, how: Initialise, material: Material, seed: int) -> tuple[M, Operation]:
    """The same model over the pieces of `new`; every weight but the embeddings and the biases of pieces is untouched.

    Random: `random` draws from (seed, "surgery"), with the spread that the old vectors have.
    """
    same = initialise.same_pieces(old, new)
    missing = np.flatnonzero(same < 0)
    leaves = named_leaves(model)
    table = np.asarray(leaves["embedding"], np.float32)  # [V, D]
    biases = [name for name in ("vocab_bias",) if name in leaves]
    columns = np.column_stack([table, *(np.asarray(leaves[name], np.float32) for name in biases)])
    rows = np.zeros((new.vocab.size, columns.shape[1]), np.float32)
    rows[same >= 0] = columns[same[same >= 0]]
    texts = initialise.is_text(old)
    rows[missing] = columns[texts].mean(axis=0)
    weights = _weights(old, new, missing, same, how, material)
    known = np.flatnonzero(np.asarray(weights.sum(axis=1)).ravel())
    rows[missing[known]] = weights[known] @ columns
    if how == "random":
        rng, width = seeds.stream(seed, "surgery"), table.shape[1]
        rows[missing, :width] = rng.standard_normal((len(missing), width)) * table[texts].std()
    changed = {"embedding": rows[:, : table.shape[1]]}
    changed |= {name: rows[:, table.shape[1] + place] for place, name in enumerate(biases)}
    by_method = len(missing) if how in ("random", "mean") else len(known)
    report = Operation(
        how,
        num_pieces=new.vocab.size,
        num_kept=int((same >= 0).sum()),
        num_initialised=by_method,
        num_mean=len(missing) - by_method,
        num_dropped=old.vocab.size - len(set(same[same >= 0].tolist())),
    )
    return _with(model, changed, new.vocab.size), report


def _weights(
    old: Cutter, new: Cutter, missing: np.ndarray, same: np.ndarray, how: Initialise, material: Material
) -> sparse.csr_matrix:
    match how:
        case "random" | "mean":
            return sparse.csr_matrix((len(missing), old.vocab.size))
        case "subword-average":
            return initialise.subword_average(old, new, missing)
        case "lexicon-aligned":
            return initialise.lexicon_aligned(old, new, missing, material.lexicons, material.pivot_texts)
        case "overlap":
            return initialise.overlap(old, new, missing, same, material.target_texts)
        case _:
            assert_never(how)


def _with(model: M, changed: dict[str, np.ndarray], vocab_size: int) -> M:
    leaves = [jnp.asarray(changed.get(name, leaf)) for name, leaf in named_leaves(model).items()]
    like = model
    if isinstance(model, Published):  # its settings know the size
        settings, headed = replace(model.settings, vocab_size=vocab_size), model.head is not None
        like = jax.eval_shape(lambda: published.empty(settings, head=headed))
    filled: M = jax.tree.unflatten(jax.tree.structure(like), leaves)
    return filled
