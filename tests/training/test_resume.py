"""A run that dies and goes on ends bit for bit where an undisturbed one ends, whatever it keeps between steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from workbench import config, models
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.mixture.stream import Stream
from workbench.models.leaves import named_leaves
from workbench.objectives.mlm import MaskedLM
from workbench.runs.checkpoint import Checkpoints
from workbench.training import checkpoint, optim
from workbench.training.checkpoint import Progress
from workbench.training.held_out import HeldOut, Text
from workbench.training.loop import load_model, train
from workbench.training.state import start
from workbench.training.step import train_step

VOCAB_SIZE, LENGTH = 32, 8
MODEL = config.Model(width=8, num_layers=1, num_heads=2, feed_forward=16, local_heads=0)
OBJECTIVE = MaskedLM(config.MaskedLM(), VOCAB_SIZE, mask=4, first_id=5)


def rows_of(pieces: range) -> Any:
    return pack([np.full(LENGTH, piece) for piece in pieces], LENGTH)


def stream(steps: int) -> Stream:
    return Stream({"one": rows_of(range(5, 10))}, {"one": 1.0}, OBJECTIVE, steps=steps, batch_size=4, seed=0)


def run(folder: Path, steps: int = 4, **settings: Any) -> models.Model:
    """Rows of pieces 5 to 9; held-out rows of the others, which such a training makes ever less likely."""
    texts = {"seen": Text(rows_of(range(5, 10)), 40), "unseen": Text(rows_of(range(20, 31)), 88)}
    return train(
        model=models.build(MODEL, VOCAB_SIZE, seed=0),
        stream=stream(steps),
        optim=settings.pop("optim", config.Optim(learning_rate=0.03, warmup_steps=1, schedule="constant")),
        checkpoint_every=settings.pop("checkpoint_every", 2),
        folder=folder,
        seed=0,
        identity="c",
        tokenizer_sha256="t",
        on_step=lambda log: None,
        held_out=HeldOut(texts, OBJECTIVE, "loss_nats_per_token", batch_size=8) if "validation" in settings else None,
        **settings,
    )


def digest(tree: Any) -> bytes:
    return b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree))


def lines(folder: Path, key: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    timed = ("seconds", "bytes", "per_second")
    return [{name: one[name] for name in one if not any(part in name for part in timed)} for one in found if key in one]


class KilledError(Exception):
    """Stands for a process that dies between two steps."""


def killed_at(step: int, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    batch = Stream.batch

    def dies(self: Stream, number: int) -> object:
        if number == step:
            raise KilledError
        return batch(self, number)

    with monkeypatch.context() as patched:
        patched.setattr(Stream, "batch", dies)
        with pytest.raises(KilledError):
            run(folder, **settings)


LION = config.Optim(kind="lion", warmup_steps=0, learning_rate=1e-3, ema_decay=0.5)


@pytest.mark.parametrize(
    "settings",
    [
        {"optim": config.Optim(kind="adafactor", warmup_steps=1), "accumulate": 2},
        {"optim": LION},
        {"optim": config.Optim(kind="muon", warmup_steps=1, schedule="inverse-sqrt")},
    ],
    ids=["adafactor-in-parts", "lion-averaged", "muon"],
)
def test_two_and_two_steps_are_four_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    whole = run(tmp_path / "whole", **settings)
    killed_at(3, tmp_path / "cut", monkeypatch, **settings)
    assert digest(run(tmp_path / "cut", **settings)) == digest(whole)
    assert lines(tmp_path / "cut", "loss_nats_per_token") == lines(tmp_path / "whole", "loss_nats_per_token")
    assert digest(load_model(tmp_path / "cut", MODEL, VOCAB_SIZE)) == digest(whole)


VALIDATION = config.Validation(every=1, patience=3, metric="unseen")


def test_patience_ends_the_run_with_the_best_weights_and_a_killed_run_remembers_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"steps": 12, "checkpoint_every": 2, "validation": VALIDATION}
    whole = run(tmp_path / "whole", **settings)
    looks = lines(tmp_path / "whole", "held_out_loss_nats_per_token")
    values = [look["held_out_loss_nats_per_token_by_lang"]["unseen"] for look in looks]
    best = int(np.argmin(values)) + 1
    assert (best, len(values)) == (1, 4), f"what is learnt here must hurt the unseen at once: {values}"
    assert looks[0]["held_out_loss_nats_per_token"] == pytest.approx(
        np.mean(list(looks[0]["held_out_loss_nats_per_token_by_lang"].values()))
    )
    kept = sorted(path.name for path in (tmp_path / "whole" / "checkpoints").iterdir())
    assert kept == ["1", "4"], "the best and the last"
    first = run(tmp_path / "first", steps=12, checkpoint_every=1, keep=config.Keep(every=1))
    like = {"model": named_leaves(models.abstract(MODEL, VOCAB_SIZE))}
    after_one = Checkpoints(tmp_path / "first" / "checkpoints", {}, read_only=True).restore(like, step=1)
    assert after_one is not None
    assert digest(whole) == digest(list(after_one.items["model"].values())) != digest(first)
    assert digest(load_model(tmp_path / "whole", MODEL, VOCAB_SIZE)) == digest(whole)

    killed_at(3, tmp_path / "cut", monkeypatch, **settings)
    assert digest(run(tmp_path / "cut", **settings)) == digest(whole)
    for key in ("held_out_loss_nats_per_token", "loss_nats_per_token"):
        assert lines(tmp_path / "cut", key) == lines(tmp_path / "whole", key)
    assert digest(run(tmp_path / "cut", **settings)) == digest(whole)  # finished: nothing left to do
    assert len(lines(tmp_path / "cut", "held_out_loss_nats_per_token")) == 4


def test_looking_changes_nothing_and_without_patience_nothing_stops(tmp_path: Path) -> None:
    plain = run(tmp_path / "plain")
    watched = run(tmp_path / "watched", validation=config.Validation(every=3))
    assert digest(watched) == digest(plain)
    looks = lines(tmp_path / "watched", "held_out_loss_nats_per_token")
    assert [look["step"] for look in looks] == [3, 4], "every third step, and at the end"
    assert [path.name for path in (tmp_path / "watched" / "checkpoints").iterdir()] == ["4"]


def test_the_average_is_by_hand_what_is_returned_and_saved_beside_the_weights(tmp_path: Path) -> None:
    settings = LION
    rule, batches = optim.rule(settings), stream(2)
    state = start(models.build(MODEL, VOCAB_SIZE, seed=0), rule, seed=0)
    expected = [np.asarray(leaf) for leaf in jax.tree.leaves(state.model)]
    for step in range(2):
        rate = optim.learning_rate(settings, step, 2)
        state, _ = train_step(state, batches.batch(step), rate, rule=rule, parts=1, devices=None)
        weights = [np.asarray(leaf) for leaf in jax.tree.leaves(state.model)]
        expected = [0.5 * old + 0.5 * new for old, new in zip(expected, weights, strict=True)]
    returned = run(tmp_path, steps=2, optim=settings)
    like = start(models.build(MODEL, VOCAB_SIZE, seed=0), rule, seed=0)
    saved = checkpoint.restore(Checkpoints(tmp_path / checkpoint.FOLDER, {}, read_only=True), like)
    assert saved is not None
    for average in (returned, saved[0].average, load_model(tmp_path, MODEL, VOCAB_SIZE)):
        for leaf, wanted in zip(jax.tree.leaves(average), expected, strict=True):
            np.testing.assert_allclose(leaf, wanted, atol=1e-6)
    assert digest(saved[0].model) == digest(state.model) != digest(returned)


def test_the_last_of_equals_is_kept_and_each_look_without_a_lower_one_counts() -> None:
    progress = Progress(num_tokens=7)
    for step, value in ((10, 3.0), (20, 2.5), (30, 2.5), (40, float("inf"))):
        progress = progress.after(step, value)
    assert progress == Progress(num_tokens=7, best=2.5, best_step=30, looks_since=2)
    assert progress.after(50, 2.4) == Progress(num_tokens=7, best=2.4, best_step=50, looks_since=0)


def test_a_validation_without_text_or_with_an_unknown_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"validation\.metric: 'wol' has no held-out text; \['seen', 'unseen'\] have"):
        run(tmp_path, validation=config.Validation(patience=1, metric="wol"))
    with pytest.raises(ValueError, match="metric: only patience reads it"):
        config.Validation(metric="seen")
    with pytest.raises(BadInput, match=r"accumulate: a batch of 4 rows does not divide into 3 parts"):
        run(tmp_path, accumulate=3)
    with pytest.raises(ValueError, match="accumulate: 3 parts do not divide batch_size 16"):
        config.Train(accumulate=3)
