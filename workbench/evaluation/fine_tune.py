"""Fine-tuning on a labelled task in one language, choosing a checkpoint by dev, predicting in all.

Source: Hu et al. 2020, XTREME, section 3 (arXiv 2003.11080): the protocol; selection on the training language's dev
alone. FitzGerald et al. 2023, MASSIVE, appendix (arXiv 2204.08582): intent from pooled states, a slot at each word's
first piece, one loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from workbench.config import FineTune, Freeze, Heads
from workbench.errors import BadInput
from workbench.evaluation.scores import Prediction, score
from workbench.evaluation.task_batches import (
    ROUND,
    UNREAD,
    Batch,
    Encoded,
    Names,
    encode,
    reading_batches,
    reading_length,
    training_lengths,
    training_order,
)
from workbench.models import EncoderDecoder, Model
from workbench.models.leaves import leaf_name
from workbench.models.parts import Array, dropout
from workbench.models.published import longest_row
from workbench.models.task_heads import TaskHeads, pooled
from workbench.seeds import derive, stream
from workbench.tasks.task import Example, Task, label_names, tag_names, usual_tag
from workbench.tokenizer.processor import TextTokenizer
from workbench.training.optim import Rule, learning_rate, optimizer, rule

TOLD_EVERY = 10  # updates


class Weights(NamedTuple):
    model: Model
    heads: TaskHeads


class Program(NamedTuple):
    """What is compiled: everything of the settings that is no number of steps and no learning rate."""

    rule: Rule
    heads: Heads
    freeze: Freeze
    tag_weight: float


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights after `step` updates; `dev` is the task's main figure on the training language's dev set."""

    step: int
    weights: Weights
    dev: float


@dataclass(frozen=True, slots=True)
class FineTuned:
    """Every checkpoint that was looked at. `best` has the highest dev figure; of equal ones the first.

    `shapes` are the lengths of the batches it was trained on: to go on in another language takes the same programs.
    """

    task: Task
    names: Names
    tokenizer: TextTokenizer
    settings: FineTune
    checkpoints: tuple[Checkpoint, ...]
    shapes: tuple[int, ...]

    @property
    def best(self) -> Checkpoint:
        return max(self.checkpoints, key=lambda one: (one.dev, -one.step))

    def predict(self, examples: Sequence[Example], checkpoint: Checkpoint | None = None) -> list[Prediction]:
        """In the order of `examples`, by the best checkpoint unless another is given; all languages in one pass."""
        weights = (checkpoint or self.best).weights
        return predict(weights, self.tokenizer, self.names, examples, self.settings)

    def num_cut(self, examples: Sequence[Example]) -> int:
        """How many have more pieces than the model takes, and are read up to there."""
        most = longest_row(self.best.weights.model)
        return 0 if most is None else encode(examples, self.tokenizer, self.names, most).cut

    def chosen_on(self, dev: Sequence[Example]) -> Checkpoint:
        """The checkpoint that is best on these dev examples: of a target language, this is not zero-shot.

        Raises: BadInput for no examples.
        """
        if not dev:
            raise BadInput(
                f"{self.task.name}: selection = 'target-dev', but a language has no dev examples to select on"
            )
        return max(self.checkpoints, key=lambda one: (_figure(self.task, self.predict(dev, one)), -one.step))

    def go_on(self, examples: Sequence[Example], seed: int) -> Checkpoint:
        """The best checkpoint after `few_shot_steps` more, on these examples alone; nothing is selected.

        Random: (seed, "few-shot").
        """
        settings = self.settings
        optim = settings.optim.model_copy(
            update={"warmup_steps": min(settings.optim.warmup_steps, settings.few_shot_steps // 10)}
        )
        few = settings.model_copy(update={"steps": settings.few_shot_steps, "checks": 1, "optim": optim})
        encoded = encode(examples, self.tokenizer, self.names, longest_row(self.best.weights.model))
        order = training_order([encoded.lengths], [1.0], few.steps, few.batch_size, stream(seed, "few-shot"))
        weights = jax.tree.map(jnp.copy, self.best.weights)
        key = _key(seed, "few-shot")
        longest = reading_length(min(int(encoded.lengths.max()), settings.max_length), encoded.most)
        shapes = self.shapes if longest <= self.shapes[-1] else (*self.shapes, longest)
        *_, (_, trained) = updates(weights, encoded, order, few, key, shapes)
        return Checkpoint(self.best.step + few.steps, trained, float("nan"))


def fine_tune(
    model: Model,
    tokenizer: TextTokenizer,
    task: Task,
    train: Sequence[Example],
    pseudo: Sequence[Example],
    dev: Sequence[Example],
    settings: FineTune,
    seed: int,
    pseudo_share: float = 0.5,
    told: Callable[[int], None] | None = None,
) -> FineTuned:
    """Train on `train`, and where there is `pseudo` give it `pseudo_share` of the examples read.

    `told` hears the number of updates done, now and then.

    Random: (seed, "fine-tune", task): heads, order, dropout.
    Raises: BadInput for no training or dev examples, dev of another language than the training's, or a layer that the
        model has not.
    """
    _want(task, train, dev, settings, model)
    names, most = Names(label_names(train), tag_names(train), usual_tag(train)), longest_row(model)
    width = model.settings.width
    rng = stream(seed, "fine-tune", task.name)
    heads = TaskHeads(width, len(names.labels), len(names.tags), settings.heads.width, rng)
    sets = [train, pseudo] if pseudo else [train]
    shares = [1.0 - pseudo_share, pseudo_share] if pseudo else [1.0]
    encoded = encode([one for some in sets for one in some], tokenizer, names, most)
    lengths = np.split(encoded.lengths, [len(train)])[: len(sets)]
    order = training_order(lengths, shares, settings.steps, settings.batch_size, rng)
    start = Weights(jax.tree.map(jnp.copy, model), heads)
    held_out = encode(dev, tokenizer, names, most)
    shapes = training_lengths(encoded.lengths, min(settings.max_length, (most or settings.max_length) // ROUND * ROUND))
    found = []
    for step, weights in updates(start, encoded, order, settings, _key(seed, "fine-tune"), shapes, told):
        now = jax.tree.map(jnp.copy, weights)  # training overwrites its own
        figure = _figure(task, read(now, names, dev, held_out, settings))
        found.append(Checkpoint(step, now, figure))
    return FineTuned(task, names, tokenizer, settings, tuple(found), shapes)


def predict(
    weights: Weights, tokenizer: TextTokenizer, names: Names, examples: Sequence[Example], settings: FineTune
) -> list[Prediction]:
    """Encode and read, in the order of `examples`."""
    return read(weights, names, examples, encode(examples, tokenizer, names, longest_row(weights.model)), settings)


def read(
    weights: Weights, names: Names, examples: Sequence[Example], encoded: Encoded, settings: FineTune
) -> list[Prediction]:
    """The likeliest label and tags of every example, in order; of a word that is not read, the usual tag."""
    program = _program(settings)
    found: list[Prediction | None] = [None] * len(examples)
    for chosen, batch in reading_batches(encoded):
        labels, tags = (np.asarray(part) for part in _likeliest(weights, batch.ids, batch.lengths, program=program))
        for row, number in enumerate(chosen):
            one = examples[number]
            label = names.labels[labels[row]] if names.labels else ""
            said: tuple[str, ...] = ()
            if names.tags:
                numbers, firsts = tags[row].tolist(), encoded.firsts[number].tolist()
                said = tuple(names.usual_tag if at == UNREAD else names.tags[numbers[at]] for at in firsts)
            found[number] = Prediction(one.id, one.label, label, one.tags, said, one.variety)
    return [one for one in found if one is not None]


def _figure(task: Task, predictions: Sequence[Prediction]) -> float:
    return score(task.metrics[0], predictions, task.scheme).interval.value


def updates(
    weights: Weights,
    encoded: Encoded,
    order: np.ndarray,
    settings: FineTune,
    key: jax.Array,
    shapes: tuple[int, ...],
    told: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, Weights]]:
    """Yield (step, weights) at every check, the last step among them; what is yielded is overwritten afterwards."""
    program, steps = _program(settings), len(order)
    lengths = np.minimum(encoded.lengths, shapes[-1])
    opt_state = optimizer(program.rule).init(_free(weights, program.freeze))
    leaves, structure = jax.tree.flatten((weights, opt_state))
    step_of = _stepper(structure, program)
    checks = {steps * (check + 1) // settings.checks for check in range(settings.checks)}
    for step in range(steps):
        chosen = order[step]
        longest = next(shape for shape in shapes if shape >= lengths[chosen].max())
        batch = encoded.batch(chosen, len(chosen), longest)
        rate = learning_rate(settings.optim, step, steps)
        leaves = step_of(leaves, batch, rate, key, step)
        if told is not None and step % TOLD_EVERY == 0:
            told(step)
        if step + 1 in checks:
            yield step + 1, jax.tree.unflatten(structure, leaves)[0]


def _program(settings: FineTune) -> Program:
    return Program(rule(settings.optim), settings.heads, settings.freeze, settings.tag_weight)


def _key(seed: int, name: str) -> jax.Array:
    return jax.random.key(derive(seed, name, "dropout") % 2**32)


def _logits(
    weights: Weights, ids: Array, lengths: Array, program: Program, key: jax.Array | None
) -> tuple[jax.Array | None, jax.Array | None]:
    """Shapes: ids [B, T], lengths [B] -> labels [B, C], tags [B, T, C]"""
    real = (jnp.arange(ids.shape[1])[None, :] < lengths[:, None]).astype(jnp.int32)  # [B, T]
    positions = jnp.broadcast_to(jnp.arange(ids.shape[1]), ids.shape)
    keys = [None] * 3 if key is None else [*jax.random.split(key, 3)]
    model, heads = weights
    read = [program.heads.layer] * (heads.label is not None) + [program.heads.tag_layer] * (heads.tag is not None)
    out = None
    if any(layer != 0 for layer in read):
        encoder = model.encode if isinstance(model, EncoderDecoder) else model
        out = encoder(ids, real, positions, key=keys[0], hidden=any(read))

    def states(layer: int | None) -> jax.Array:
        if out is None or layer == 0:
            return model.embedding[...][ids]
        return out.final if layer is None or out.hidden is None else out.hidden[layer]

    labels = tags = None
    if heads.label is not None:
        sentences = pooled(states(program.heads.layer), real, program.heads.pooling)
        labels = heads.label(dropout(sentences, program.heads.dropout, keys[1]))
    if heads.tag is not None:
        tags = heads.tag(dropout(states(program.heads.tag_layer), program.heads.dropout, keys[2]))
    return labels, tags


def _loss(weights: Weights, batch: Batch, program: Program, key: jax.Array) -> jax.Array:
    labels, tags = _logits(weights, batch.ids, batch.lengths, program, key)
    loss = jnp.zeros(())
    if labels is not None:
        loss += _cross_entropy(labels, batch.labels)
    if tags is not None:
        loss += (program.tag_weight if labels is not None else 1.0) * _cross_entropy(tags, batch.tags)
    return loss


def _cross_entropy(scores: jax.Array, wanted: Array) -> jax.Array:
    """Mean over the places where something is wanted."""
    each = optax.softmax_cross_entropy_with_integer_labels(scores, jnp.maximum(wanted, 0))
    counts = (wanted >= 0).astype(each.dtype)
    return jnp.sum(each * counts) / jnp.maximum(counts.sum(), 1.0)


def _free(weights: Weights, freeze: Freeze) -> Weights:
    """The weights that are trained, None in place of each that stays as it was: no optimizer keeps anything of it."""
    first = {"nothing": None, "embeddings": "model.embedding", "encoder": "model."}[freeze]
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: None if first is not None and leaf_name(path).lstrip(".").startswith(first) else leaf,
        weights,
    )


def _whole(free: Weights, weights: Weights) -> Weights:
    """`weights` with those of `free` in their places."""
    return jax.tree.map(lambda new, old: old if new is None else new, free, weights, is_leaf=lambda one: one is None)


@lru_cache(maxsize=16)
def _stepper(structure: jax.tree_util.PyTreeDef, program: Program) -> Callable[..., list[jax.Array]]:
    """One update of the leaves of (weights, optimizer's state): to take a module apart at every step costs as much as
    the arithmetic of a small one."""

    @partial(jax.jit, donate_argnums=0)
    def step_of(leaves: list[jax.Array], batch: Batch, rate: float, key: jax.Array, step: int) -> list[jax.Array]:
        weights, opt_state = jax.tree.unflatten(structure, leaves)
        free = _free(weights, program.freeze)
        key = jax.random.fold_in(key, step)
        grads = jax.grad(lambda free: _loss(_whole(free, weights), batch, program, key))(free)
        moves, opt_state = optimizer(program.rule).update(grads, opt_state, free)
        moved = _whole(optax.apply_updates(free, optax.tree.scale(rate, moves)), weights)
        return jax.tree.leaves((moved, opt_state))

    return step_of


@partial(jax.jit, static_argnames="program")
def _likeliest(weights: Weights, ids: Array, lengths: Array, *, program: Program) -> tuple[jax.Array, jax.Array]:
    """Numbers of the likeliest label of each row and tag of each token; zeros where there is no such head."""
    labels, tags = _logits(weights, ids, lengths, program, None)
    none = jnp.zeros(ids.shape, jnp.int32)
    return (
        none[:, 0] if labels is None else jnp.argmax(labels, axis=-1),
        none if tags is None else jnp.argmax(tags, axis=-1),
    )


def _want(task: Task, train: Sequence[Example], dev: Sequence[Example], settings: FineTune, model: Model) -> None:
    if not train or not dev:
        raise BadInput(f"{task.name}: wanted training and dev examples, got {len(train)} and {len(dev)}")
    if strangers := {one.lang.tag for one in dev} - {one.lang.tag for one in train}:
        raise BadInput(f"{task.name}: checkpoints are looked at on the training language's dev set, got {strangers}")
    if task.kind != "tag" and len(label_names(train)) < 2:
        raise BadInput(f"{task.name}: wanted training examples of at least two labels, got {label_names(train)}")
    layers = model.settings.num_layers
    for name in ("layer", "tag_layer"):
        if (getattr(settings.heads, name) or 0) > layers:
            raise BadInput(
                f"fine_tune.heads.{name}: {getattr(settings.heads, name)} is more than the model's {layers} layers"
            )
