"""Every architecture learns to copy, to reverse, to put words in order, and to inflect Turkish verbs."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
import optax
import pytest

from workbench import config, models
from workbench.mixture.packing import pack_pairs
from workbench.models import decode
from workbench.objectives.batch import Batch, Rows, Tokens
from workbench.objectives.prefix_lm import PrefixLM
from workbench.training import losses
from workbench.vocab import Vocab

VOCAB, FIRST, NUM_SYMBOLS = Vocab(size=40), 5, 12
LENGTH, ROWS, LONGEST = 32, 16, 14
STEPS = {"copy": 350, "reverse": 300, "deshuffle": 150, "inflection": 200}
OPTIMIZER = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(b2=0.98), optax.scale(-1.0))

Pairs = list[tuple[np.ndarray, np.ndarray]]

# Turkish verbs in the definite past, UniMorph features V PST and person and number: facts of the language, written down
# for this test. The suffix is -di, -dı, -du or -dü by the stem's last vowel, and its d is t behind a voiceless sound.
PERSONS = ("1 SG", "2 SG", "3 SG", "1 PL", "2 PL", "3 PL")
TURKISH_PAST = """
gelmek geldim geldin geldi geldik geldiniz geldiler
bilmek bildim bildin bildi bildik bildiniz bildiler
gitmek gittim gittin gitti gittik gittiniz gittiler
yapmak yaptım yaptın yaptı yaptık yaptınız yaptılar
yazmak yazdım yazdın yazdı yazdık yazdınız yazdılar
almak aldım aldın aldı aldık aldınız aldılar
sormak sordum sordun sordu sorduk sordunuz sordular
koşmak koştum koştun koştu koştuk koştunuz koştular
okumak okudum okudun okudu okuduk okudunuz okudular
görmek gördüm gördün gördü gördük gördünüz gördüler
gülmek güldüm güldün güldü güldük güldünüz güldüler
"""


def words(rng: np.random.Generator, number: int) -> list[np.ndarray]:
    return [FIRST + rng.integers(NUM_SYMBOLS, size=rng.integers(3, 6)) for _ in range(number)]


def copy(rng: np.random.Generator, number: int) -> Pairs:
    return [(word, word) for word in words(rng, number)]


def reverse(rng: np.random.Generator, number: int) -> Pairs:
    return [(word, word[::-1]) for word in words(rng, number)]


def deshuffle(rng: np.random.Generator, number: int) -> Pairs:
    """Sentences of five word classes in a fixed order, three words in each class."""
    sentences = [FIRST + np.arange(5) * 3 + rng.integers(3, size=5) for _ in range(number)]
    return [(rng.permutation(sentence), sentence) for sentence in sentences]


def inflection(rng: np.random.Generator, number: int) -> Pairs:
    """Features and lemma to form: 66 triples, all of them whatever the number."""
    triples = [
        (lemma, ["V", "PST", *person.split()], form)
        for lemma, *forms in map(str.split, TURKISH_PAST.strip().splitlines())
        for person, form in zip(PERSONS, forms, strict=True)
    ]
    symbols = sorted({atom for lemma, features, form in triples for atom in (*lemma, *features, *form)})
    number_of = {symbol: FIRST + number for number, symbol in enumerate(symbols)}
    assert FIRST + len(symbols) <= VOCAB.size

    def ids(*atoms: str) -> np.ndarray:
        return np.array([number_of[atom] for atom in atoms])

    return [(ids(*features, *lemma), ids(*form)) for lemma, features, form in triples]


TASKS: dict[str, Callable[[np.random.Generator, int], Pairs]] = {
    "copy": copy,
    "reverse": reverse,
    "deshuffle": deshuffle,
    "inflection": inflection,
}


def masked_targets(rows: Rows, rng: np.random.Generator) -> Batch:
    """An encoder's part: it reads the source, and a mask for each token of the target."""
    assert rows.part is not None
    in_target = (rows.part == 1) & (rows.segments > 0)
    predict = np.sort(np.where(in_target, np.arange(LENGTH), LENGTH), axis=1)[:, :24]
    real = predict < LENGTH
    predict = np.where(real, predict, 0)
    return Batch(
        inputs=np.where(in_target, VOCAB.mask, rows.ids),
        segments=rows.segments,
        positions=np.broadcast_to(np.arange(LENGTH), rows.ids.shape),
        predict=predict,
        targets=np.where(real, np.take_along_axis(rows.ids, predict, axis=1), 0),
        weights=real.astype(np.float32),
    )


OBJECTIVES: dict[str, Callable[[Rows, np.random.Generator], Batch]] = {
    "encoder": masked_targets,
    "decoder": PrefixLM(VOCAB, "decoder", target_length=24),
    "encoder-decoder": PrefixLM(VOCAB, "encoder-decoder", source_length=24, target_length=24),
}


@jax.jit
def step(
    model: models.Model, state: optax.OptState, batch: Batch, learning_rate: float
) -> tuple[models.Model, optax.OptState, jax.Array]:
    loss, gradient = jax.value_and_grad(losses.mean_loss)(model, batch)
    updates, state = OPTIMIZER.update(gradient, state, model)
    return optax.apply_updates(model, optax.tree.scale(learning_rate, updates)), state, loss


def learn(kind: str, task: str) -> tuple[models.Model, float]:
    """Train on 6,000 pairs; also the loss at the end."""
    rng = np.random.default_rng(0)
    rows = pack_pairs(TASKS[task](rng, 6000), LENGTH, eos=VOCAB.eos)
    model = models.build(
        config.Model(kind=kind, width=48, num_layers=2, num_heads=4, feed_forward=96), VOCAB.size, seed=0
    )
    state, last = jax.jit(OPTIMIZER.init)(model), []
    for number in range(STEPS[task]):
        batch = OBJECTIVES[kind](rows.take(rng.integers(len(rows), size=ROWS)), rng)
        rate = 6e-3 * min((number + 1) / 30, 1.0, 2 * (1 - number / STEPS[task]))
        model, state, loss = step(model, state, batch, rate)
        last = [*last[-9:], loss]
    return model, float(np.mean(last))


def padded(documents: list[np.ndarray], length: int) -> Tokens:
    ids = np.stack([np.pad(document, (0, length - len(document))) for document in documents])
    real = np.arange(length) < np.array([[len(document)] for document in documents])
    return Tokens(ids, real.astype(int), np.where(real, np.arange(length), 0))


@jax.jit
def likeliest(model: models.Model, batch: Batch) -> jax.Array:
    return losses.predicted(model, batch).argmax(axis=-1)


def answers(kind: str, model: models.Model, pairs: Pairs) -> list[list[int]]:
    """What the model writes for each source, up to `eos`."""
    if isinstance(model, models.Encoder):
        rows = [pack_pairs([pair], LENGTH, eos=VOCAB.eos) for pair in pairs]
        batch = masked_targets(Rows.concatenate(rows), np.random.default_rng(0))
        found = np.asarray(likeliest(model, batch))
    else:
        sources = [np.append(source, VOCAB.eos) for source, _ in pairs]
        bos = np.array([VOCAB.bos])
        if isinstance(model, models.Decoder):
            prompt = padded([np.concatenate([bos, source]) for source in sources], LONGEST)
            search = {"prompt": prompt, "prefix": prompt.segments > 0}
        else:
            search = {"prompt": padded([bos] * len(pairs), 1), "source": padded(sources, LONGEST)}
        found = np.asarray(decode.greedy(model, **search, max_new=LONGEST, eos=VOCAB.eos).ids)
    return [list(row[: list(row).index(VOCAB.eos)]) if VOCAB.eos in row else list(row) for row in found]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", OBJECTIVES)
def test_it_is_learnt(kind: str, task: str) -> None:
    model, loss = learn(kind, task)
    pairs = TASKS[task](np.random.default_rng(1), 66)  # for inflection those that it was shown, else new ones
    written = answers(kind, model, pairs)
    right = np.mean([found == list(target) for found, (_, target) in zip(written, pairs, strict=True)])
    assert loss < 0.02, (loss, right)
    assert right >= (1.0 if task == "inflection" else 0.95), (loss, right)
