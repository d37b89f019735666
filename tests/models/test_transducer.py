"""The transducer: what it may see, how copying adds up, and that searching by a cache changes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.models import transduce
from workbench.models.search import FIRST_ROOM, Beams, Decoded, Greedy, Way
from workbench.models.transduce import beam, greedy
from workbench.models.transducer import Written, log_probabilities
from workbench.objectives.batch import Batch, Tokens

VOCAB_SIZE, BOS, EOS, S, NEW = 19, 1, 2, 7, 6
SMALL = {"width": 16, "num_layers": 1, "num_decoder_layers": 2, "num_heads": 2, "feed_forward": 24, "local_heads": 1}


def built(seed: int = 0, **changes: object) -> models.Transducer:
    model = models.build_transducer(config.Transducer(**{**SMALL, **changes}), VOCAB_SIZE, seed)
    rng = np.random.default_rng(seed)
    model.embedding[...] = model.embedding[...] * jnp.asarray(rng.uniform(0.5, 3.0, (VOCAB_SIZE, 1)), jnp.float32)
    return model


def source(lengths: tuple[int, ...] = (7, 5, 3), features: int = 2, seed: int = 0) -> Tokens:
    real = np.arange(S) < np.array(lengths)[:, None]
    ids = np.where(real, np.random.default_rng(seed).integers(4, VOCAB_SIZE, real.shape), 0)
    return Tokens(ids, real.astype(np.int32), np.where(real, np.maximum(np.arange(S) - features + 1, 0), 0))


def read(ids: np.ndarray) -> Tokens:
    ones = np.ones_like(ids)
    return Tokens(ids, ones, np.cumsum(ones, axis=1))


@jax.jit
def whole(model: models.Transducer, given: Tokens, decoder: Tokens) -> jax.Array:
    return log_probabilities(model(given, decoder), given.ids)


KINDS = [{"pointer": p, "cross_rope": r} for p, r in itertools.product([True, False], repeat=2)]
MONOTONIC = {"monotonic_pointer": True}
KINDS.append(MONOTONIC)


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_search_by_a_cache_takes_what_the_whole_forward_finds_likeliest(kind: dict[str, bool]) -> None:
    model, given = built(3, **kind), source()
    found = greedy([model], given, max_new=NEW, bos=BOS, eos=EOS)
    ids = np.asarray(found.ids)
    decoder = read(np.concatenate([np.full((3, 1), BOS), ids[:, :-1]], axis=1))
    way = Greedy(NEW, EOS, 0)
    _, batch = transduce._started((model,), given, np.arange(3), way, BOS, 3)
    state = transduce._make_room(batch.state, way, NEW)
    go_on = partial(transduce._go_on, (model,), batch.source, batch.memories, state, NEW, way, NEW)
    cached = str(jax.make_jaxpr(lambda: go_on()[1].ids)())
    assert "while" in cached
    assert "while" not in str(jax.make_jaxpr(whole)(model, given, decoder))  # two programs
    written = np.cumsum(ids == EOS, axis=1) - (ids == EOS) == 0
    likely = np.asarray(whole(model, given, decoder))
    assert (likely.argmax(axis=-1) == ids)[written].all()
    scores = np.where(written, likely.max(axis=-1), 0.0).sum(axis=1)
    np.testing.assert_allclose(np.asarray(found.scores), scores, rtol=1e-4, atol=1e-5)
    assert len(np.unique(ids)) > 2  # not one character again and again


@pytest.mark.parametrize(("new", "kind"), [(NEW, {}), (FIRST_ROOM + 2, {}), (FIRST_ROOM + 2, MONOTONIC)], ids=str)
def test_one_beam_is_greedy_and_more_beams_find_no_worse_forms(new: int, kind: dict[str, bool]) -> None:
    model, given = built(**kind), source()
    alone = greedy([model], given, max_new=new, bos=BOS, eos=EOS)
    one = beam([model], given, max_new=new, bos=BOS, eos=EOS, num_beams=1, length_penalty=0.0)
    four = beam([model], given, max_new=new, bos=BOS, eos=EOS, num_beams=4, length_penalty=0.0)
    np.testing.assert_array_equal(np.asarray(one.ids[:, 0]), np.asarray(alone.ids))
    np.testing.assert_allclose(np.asarray(one.scores[:, 0]), np.asarray(alone.scores), rtol=1e-4)
    assert (np.diff(np.asarray(four.scores), axis=1) <= 1e-6).all()
    for number in range(4):  # each hypothesis has read its own past
        ids = np.asarray(four.ids[:, number])
        found = np.asarray(whole(model, given, read(np.concatenate([np.full((3, 1), BOS), ids[:, :-1]], axis=1))))
        written = np.cumsum(ids == EOS, axis=1) - (ids == EOS) == 0
        of_form = np.where(written, np.take_along_axis(found, ids[:, :, None], axis=2)[:, :, 0], 0.0).sum(axis=1)
        exists = np.isfinite(np.asarray(four.scores[:, number]))
        np.testing.assert_allclose(np.asarray(four.scores[:, number])[exists], of_form[exists], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_the_best_form_is_the_same_where_nothing_else_is_asked_for_and_found_sooner(length_penalty: float) -> None:
    num_found = {1: 0, 5: 0}
    for seed in range(4):
        model, given, best = built(seed), source(seed=seed), {}
        model.embedding[...] = model.embedding[...].at[EOS].mul(6.0)  # so that forms end
        for num_best in num_found:
            found = transduce._search([model], given, Beams(24, EOS, 0, 5, num_best, length_penalty), BOS, 3)
            best[num_best] = np.asarray(found.ids[:, 0]), np.asarray(found.scores[:, 0])
            num_found[num_best] += int(np.isfinite(np.asarray(found.scores)).sum())
        np.testing.assert_array_equal(best[1][0], best[5][0])
        np.testing.assert_allclose(best[1][1], best[5][1], rtol=1e-5)
    assert num_found[1] < num_found[5]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_the_best_form_is_the_same_where_greedy_search_settles_it(
    length_penalty: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[tuple[type, int]] = []  # the way and the rows of each search
    search = transduce._search

    def recorded(models: Sequence[models.Transducer], given: Tokens, way: Way, *rest: int) -> Decoded:
        searched.append((type(way), len(given.ids)))
        return search(models, given, way, *rest)

    for seed in range(4):
        model, given = built(seed), source((7, 5, 7, 3, 6, 4), seed=seed)
        model.embedding[...] = (3.0 * model.embedding[...]).at[EOS].mul(2.0)  # so that forms end, some of them surely
        options = {"max_new": 24, "bos": BOS, "eos": EOS, "length_penalty": length_penalty}
        whole = beam([model], given, **options)
        monkeypatch.setattr(transduce, "_search", recorded)
        best = beam([model], given, num_best=1, **options)
        monkeypatch.setattr(transduce, "_search", search)
        np.testing.assert_array_equal(best.ids[:, 0], whole.ids[:, 0])
        # probabilities of nearly 1: their logarithms are what rounding leaves
        np.testing.assert_allclose(best.scores[:, 0], whole.scores[:, 0], rtol=1e-4, atol=1e-6)
    assert [rows for way, rows in searched if way is Greedy] == [6] * 4
    assert 0 < sum(rows for way, rows in searched if way is Beams) < 24  # greedy search settles some rows, and not all


def test_settled_is_a_form_that_nothing_left_can_beat_however_long() -> None:
    ends = {1: [EOS, 0, 0, 0], 2: [7, EOS, 0, 0], 4: [7, 7, 7, EOS], None: [7, 7, 7, 7]}
    rows = [(4, 0.51), (4, 0.49), (2, 0.6), (2, 0.9), (None, 0.99), (1, 1.0)]
    first = Decoded(np.array([ends[end] for end, _ in rows]), np.log(np.array([p for _, p in rows], np.float32)))
    scores, settled = transduce._settled(first, EOS, 0.0)
    np.testing.assert_allclose(scores, first.scores)
    assert settled.tolist() == [True, False, True, True, False, True]
    scores, settled = transduce._settled(first, EOS, 1.0)
    np.testing.assert_allclose(scores, first.scores / np.array([4, 4, 2, 2, 4, 1]))
    # log(.6) / 2 is less than log(.4) / 4, which a form of four characters may have
    assert settled.tolist() == [True, False, False, True, False, True]


@pytest.mark.parametrize(
    ("num_beams", "kind"), [(None, {}), (3, {}), (None, {"pointer": False}), (3, {"pointer": False}), (3, MONOTONIC)]
)
def test_rows_searched_in_small_batches_that_close_up_are_written_as_all_at_once(
    num_beams: int | None, kind: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, rng = built(4, **kind), np.random.default_rng(5)
    model.embedding[...] = model.embedding[...].at[EOS].mul(6.0)  # so that most forms end, early and late
    lengths = rng.integers(3, S + 1, 40)
    given = source(tuple(lengths), seed=7)

    def found(size: int) -> Decoded:
        if num_beams is None:
            return greedy([model], given, max_new=24, bos=BOS, eos=EOS, batch_size=size)
        return beam([model], given, max_new=24, bos=BOS, eos=EOS, num_beams=num_beams, batch_size=size * num_beams)

    def best(found: Decoded) -> np.ndarray:
        """Where the best form ends. Shapes: -> [B, N] bool"""
        return np.asarray(found.ids if num_beams is None else found.ids[:, 0]) == EOS

    ended = best(found(40)).argmax(axis=1)
    first = np.where(ended > 0, ended, 99).argmin()  # whole batches of it come first, and are over before all others
    chosen = np.array([first] * 8 + [row for row in range(40) if lengths[row] >= lengths[first]])
    given = Tokens(*(leaf[chosen] for leaf in given))
    at_once = found(len(chosen))
    monkeypatch.setattr(transduce, "STEP", 2)  # sources of several encoded lengths
    monkeypatch.setattr(transduce, "WAVE", 5)
    closed = []
    close_up = transduce._closed_up
    monkeypatch.setattr(transduce, "_closed_up", lambda *given: closed.append(given) or close_up(*given))
    in_turns = found(4)
    np.testing.assert_array_equal(in_turns.ids, at_once.ids)
    np.testing.assert_allclose(in_turns.scores, at_once.scores, rtol=1e-4, atol=1e-5)
    assert len(set(best(at_once).argmax(axis=1).tolist())) > 4
    numbers = [len(batches) for batches, _ in closed]
    assert any(later < earlier for earlier, later in itertools.pairwise(numbers))


def test_several_models_vote_by_the_mean_of_their_probabilities() -> None:
    voters, given = [built(0), built(1)], source()
    first = read(np.full((3, 1), BOS))
    mean = np.mean([np.exp(np.asarray(whole(model, given, first)))[:, 0] for model in voters], axis=0)
    found = greedy(voters, given, max_new=1, bos=BOS, eos=EOS)
    np.testing.assert_array_equal(np.asarray(found.ids)[:, 0], mean.argmax(axis=-1))
    np.testing.assert_allclose(np.exp(np.asarray(found.scores)), mean.max(axis=-1), rtol=1e-4)
    twice = greedy([voters[0]] * 2, given, max_new=NEW, bos=BOS, eos=EOS)
    assert (np.asarray(twice.ids) == np.asarray(greedy(voters[:1], given, max_new=NEW, bos=BOS, eos=EOS).ids)).all()


def test_a_character_sees_no_later_one_and_every_place_of_its_source_but_padding() -> None:
    model = built()

    def reads(ids: np.ndarray, given: Tokens) -> np.ndarray:
        return np.asarray(whole(model, given, read(ids)))

    ids, given = np.array([[BOS, 5, 6, 7]] * 3), source()
    before = reads(ids, given)
    changed = ids.copy()
    changed[:, 2] = 9
    after = reads(changed, given)
    np.testing.assert_allclose(before[:, :2], after[:, :2], rtol=1e-5)
    assert not np.allclose(before[:, 2:], after[:, 2:])
    for place in range(S):
        other = Tokens(given.ids.copy(), *given[1:])
        other.ids[1, place] = 4 if given.ids[1, place] != 4 else 5
        differs = not np.allclose(reads(ids, other)[1], before[1], rtol=1e-4)
        assert differs == (place < 5), place


def test_features_may_come_in_any_order_where_no_head_is_local() -> None:
    model, given = built(local_heads=0), source(features=3)
    order = [2, 0, 1, 3, 4, 5, 6]
    turned = Tokens(given.ids[:, order], given.segments[:, order], given.positions[:, order])
    assert (turned.ids != given.ids).any()
    decoder = read(np.array([[BOS, 5, 6]] * 3))
    rows = slice(0, 2)  # the third has no character left once features are three
    np.testing.assert_allclose(whole(model, given, decoder)[rows], whole(model, turned, decoder)[rows], atol=1e-4)


def test_copying_and_writing_add_up() -> None:
    # of 4 characters, places 0 and 2 of the source hold character 3, place 1 is a feature
    source_ids = np.array([[3, 2, 3]])
    written = Written(jnp.log(jnp.array([[[1.0, 2.0, 3.0, 4.0]]])), jnp.log(jnp.array([[[5.0, 1e-30, 1.0]]])))
    found = np.exp(np.asarray(log_probabilities(written, source_ids)))
    np.testing.assert_allclose(found[0, 0], np.array([1, 2, 3, 4 + 5 + 1]) / 16, rtol=1e-5)


@jax.jit
def token_losses(model: models.Transducer, batch: Batch) -> jax.Array:
    return model.token_losses(batch)


def test_the_loss_is_the_log_probability_of_the_target_however_it_is_written() -> None:
    for kind in KINDS:
        model, given = built(**kind), source()
        ids = np.array([[BOS, 5, 6, 7]] * 3)
        targets = np.array([given.ids[:, 3], given.ids[:, 2], [5, 6, 7], [EOS] * 3]).T
        batch = Batch(*given, predict=None, targets=targets, weights=np.ones((3, 4)), decoder=read(ids))
        expected = -np.take_along_axis(np.asarray(whole(model, given, read(ids))), targets[:, :, None], 2)[:, :, 0]
        np.testing.assert_allclose(np.asarray(token_losses(model, batch)), expected, rtol=1e-4, atol=1e-5)
