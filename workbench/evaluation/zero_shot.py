"""Zero-shot intent classification: labels in the pivot language, tests in the targets.

A sentence is the mean of its tokens' states, scaled to unit root-mean-square, then one linear layer. Two views of the
model: `embeddings` trains the layer below all blocks, a bag of subwords; `encoder` trains the whole model. At the size
of a quickstart the bag is the better and the cheaper of the two (dev accuracy over 7 targets, English and
pseudo-labelled training: bag .32 in 1 CPU-second, encoder .21 in 7), so it is the default; both lose to
`floors.IntentFloor` (.43) there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple, TypeVar, assert_never

import jax
import jax.numpy as jnp
import numpy as np
import optax

from workbench.config import Evaluate, Optim
from workbench.errors import BadInput
from workbench.evaluation.embed import bags_of_subwords, hidden_states, sentence_embeddings
from workbench.models import Model
from workbench.records import Pair
from workbench.seeds import stream
from workbench.tokenizer.processor import TextTokenizer
from workbench.training.optim import Rule, learning_rate, optimizer, rule

View = Literal["embeddings", "encoder"]
Array = TypeVar("Array", jax.Array, np.ndarray)
LENGTH_STEP = 16  # rows are as long as the longest training sentence, rounded up to this: few compiled shapes
MAX_LENGTH = 64  # training sentences are cut here; tests never are
CHECKS = 6  # times that the pivot's dev accuracy is looked at, evenly spaced


class Weights(NamedTuple):
    """Shapes: linear [D, C], label_bias [C]"""

    model: Model
    linear: jax.Array
    label_bias: jax.Array


@dataclass(frozen=True, slots=True)
class Classifier:
    """The checkpoint with the best pivot dev accuracy, reached at `step`."""

    weights: Weights
    labels: tuple[str, ...]
    tokenizer: TextTokenizer
    view: View
    step: int
    dev_accuracy: float

    def correct(self, pairs: Sequence[Pair]) -> np.ndarray:
        """1 for every pair whose label is predicted, else 0; a label unseen in training is never predicted.

        Shapes: -> [N] float64
        """
        texts = [pair.source for pair in pairs]
        match self.view:
            case "embeddings":
                states = bags_of_subwords(self.weights.model, self.tokenizer, texts)
            case "encoder":
                states = sentence_embeddings(self.weights.model, self.tokenizer, texts)[-1]
            case _:
                assert_never(self.view)
        scores = _unit(np.asarray(states)) @ np.asarray(self.weights.linear) + np.asarray(self.weights.label_bias)
        predicted = np.asarray(self.labels)[np.argmax(scores, axis=1)]
        return (predicted == np.array([pair.target for pair in pairs])).astype(np.float64)

    def accuracy(self, pairs: Sequence[Pair]) -> float:
        return float(self.correct(pairs).mean())


def fine_tune(
    model: Model,
    tokenizer: TextTokenizer,
    english: Sequence[Pair],
    pseudo: Sequence[Pair],
    dev: Sequence[Pair],
    evaluate: Evaluate,
    seed: int,
    view: View = "embeddings",
) -> Classifier:
    """Train on `english`, and where there is `pseudo` give it `evaluate.pseudo_share` of every batch.

    `dev` must be in the pivot language: choosing a checkpoint on target sentences would not be zero-shot.

    Random: the examples' order, from (seed, "intents").
    Raises: BadInput for fewer than two labels, or dev sentences of another language than the training's.
    Source: Hu et al. 2020, XTREME, section 3 (the protocol); selection on English dev alone.
    """
    labels = tuple(sorted({pair.target for pair in english}))
    if len(labels) < 2:
        raise BadInput(f"intents: wanted training sentences of at least two intents, got {list(labels)}")
    if strangers := {pair.lang.tag for pair in dev} - {pair.lang.tag for pair in english}:
        raise BadInput(f"intents: checkpoints are chosen on the training language's dev set alone, got {strangers}")
    settings = Optim(learning_rate=evaluate.intent_learning_rate, warmup_steps=min(20, evaluate.intent_steps - 1))
    examples = _Examples(tokenizer, labels, english, pseudo, evaluate, seed)
    width = model.settings.width
    weights = Weights(model, jnp.zeros((width, len(labels))), jnp.zeros(len(labels)))
    opt_state = optimizer(rule(settings)).init(weights)
    checks = {evaluate.intent_steps * (check + 1) // CHECKS for check in range(CHECKS)}
    best: Classifier | None = None
    for step in range(evaluate.intent_steps):
        rate = learning_rate(settings, step, evaluate.intent_steps)
        weights, opt_state = _step(weights, opt_state, examples.batch(step), rate, rule=rule(settings), view=view)
        if step + 1 in checks:
            now = Classifier(weights, labels, tokenizer, view, step + 1, 0.0)
            accuracy = now.accuracy(dev)
            if best is None or accuracy > best.dev_accuracy:
                best = Classifier(weights, labels, tokenizer, view, step + 1, accuracy)
    assert best is not None
    return best


class _Examples:
    """Padded sentences of both kinds, drawn epoch by epoch."""

    def __init__(
        self,
        tokenizer: TextTokenizer,
        labels: tuple[str, ...],
        english: Sequence[Pair],
        pseudo: Sequence[Pair],
        evaluate: Evaluate,
        seed: int,
    ) -> None:
        num_pseudo = round(evaluate.intent_batch_size * evaluate.pseudo_share) if pseudo else 0
        sizes = [evaluate.intent_batch_size - num_pseudo, num_pseudo]
        encoded = [tokenizer.encode_all([pair.source for pair in pairs]) for pairs in (english, pseudo)]
        longest = max(len(ids) for kind in encoded for ids in kind)
        length = min(MAX_LENGTH, -(-longest // LENGTH_STEP) * LENGTH_STEP)
        number = {label: place for place, label in enumerate(labels)}
        self.ids = np.zeros((len(english) + len(pseudo), length), np.int32)
        self.lengths = np.zeros(len(self.ids), np.int32)
        for place, ids in enumerate([*encoded[0], *encoded[1]]):
            self.lengths[place] = min(len(ids), length)
            self.ids[place, : self.lengths[place]] = ids[:length]
        self.labels = np.array([number[pair.target] for pair in [*english, *pseudo]], np.int32)
        orders, offset = [], 0
        for name, pairs, size in zip(("english", "pseudo"), (english, pseudo), sizes, strict=True):
            wanted = evaluate.intent_steps * size
            rng = stream(seed, "intents", name)
            num_epochs = -(-wanted // len(pairs)) if pairs else 0
            epochs = [np.zeros(0, np.int64), *(rng.permutation(len(pairs)) for _ in range(num_epochs))]
            orders.append(np.concatenate(epochs)[:wanted].reshape(evaluate.intent_steps, size) + offset)
            offset += len(pairs)
        self.order = np.concatenate(orders, axis=1)  # [steps, B]

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shapes: ids [B, T], lengths [B], labels [B] int32"""
        chosen = self.order[step]
        return self.ids[chosen], self.lengths[chosen], self.labels[chosen]


def _unit(states: Array) -> Array:  # [.., D]; in numpy outside a compiled step: no program per number of sentences
    return states * ((states * states).mean(axis=-1, keepdims=True) + 1e-6) ** -0.5


def _loss(weights: Weights, ids: jax.Array, lengths: jax.Array, labels: jax.Array, view: View) -> jax.Array:
    real = (jnp.arange(ids.shape[1])[None, :] < lengths[:, None]).astype(jnp.int32)  # [B, T]
    match view:
        case "embeddings":
            states = weights.model.embedding[...][ids]
        case "encoder":
            positions = jnp.broadcast_to(jnp.arange(ids.shape[1]), ids.shape)
            states = hidden_states(weights.model, ids, real, positions)[-1]
        case _:
            assert_never(view)
    pooled = jnp.einsum("BTD,BT->BD", states, real.astype(states.dtype)) / lengths[:, None]
    scores = _unit(pooled) @ weights.linear + weights.label_bias
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(scores, labels))


@partial(jax.jit, static_argnames=("rule", "view"))
def _step(
    weights: Weights,
    opt_state: optax.OptState,
    batch: tuple[np.ndarray, np.ndarray, np.ndarray],
    rate: float,
    *,
    rule: Rule,
    view: View,
) -> tuple[Weights, optax.OptState]:
    grads = jax.grad(_loss)(weights, *batch, view)
    updates, opt_state = optimizer(rule).update(grads, opt_state, weights)
    return optax.apply_updates(weights, optax.tree.scale(rate, updates)), opt_state
