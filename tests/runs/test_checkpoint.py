"""Checkpoints: whole or absent, and never another run's."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench.errors import BadInput
from workbench.runs.checkpoint import Checkpoints

OWNER = {"config": "c1", "tokenizer": "t1"}
ITEMS = {"model": {"blocks.0.out": jnp.arange(6.0).reshape(2, 3)}, "rest": {"key": jax.random.key(3)}}


def saved(folder: Path) -> None:
    checkpoints = Checkpoints(folder, OWNER)
    assert checkpoints.restore(ITEMS) is None
    checkpoints.save(4, ITEMS, {"num_tokens": 17})
    checkpoints.close()


def test_what_is_saved_comes_back_with_its_record_and_only_the_newest_is_kept(tmp_path: Path) -> None:
    saved(tmp_path)
    checkpoints = Checkpoints(tmp_path, OWNER)
    checkpoints.save(9, ITEMS, {"num_tokens": 40})
    found = checkpoints.restore(ITEMS)
    checkpoints.close()
    assert found is not None
    assert (found.step, found.meta["num_tokens"]) == (9, 40)
    np.testing.assert_array_equal(found.items["model"]["blocks.0.out"], ITEMS["model"]["blocks.0.out"])
    assert jnp.array_equal(jax.random.key_data(found.items["rest"]["key"]), jax.random.key_data(jax.random.key(3)))
    assert [path.name for path in tmp_path.iterdir()] == ["9"]


def test_one_item_can_be_read_alone(tmp_path: Path) -> None:
    saved(tmp_path)
    found = Checkpoints(tmp_path, {}, read_only=True).restore({"model": ITEMS["model"]})
    assert found is not None
    assert list(found.items) == ["model"]


def test_a_checkpoint_of_another_config_or_tokenizer_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(BadInput, match="wanted a checkpoint of tokenizer t2, got one of t1"):
        Checkpoints(tmp_path, {**OWNER, "tokenizer": "t2"}).restore(ITEMS)
    assert (tmp_path / "4").is_dir()


def test_other_names_or_shapes_are_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    checkpoints = Checkpoints(tmp_path, OWNER)
    with pytest.raises(BadInput, match=r"blocks\.1\.out: this config builds float32\[2\], the checkpoint holds none"):
        checkpoints.restore({"model": {**ITEMS["model"], "blocks.1.out": jnp.zeros(2)}})
    with pytest.raises(BadInput, match=r"builds float32\[2, 4\], the checkpoint holds float32\[2, 3\]"):
        checkpoints.restore({"model": {"blocks.0.out": jnp.zeros((2, 4))}})


def test_a_save_cut_short_is_cleared_away_and_the_last_whole_one_is_found(tmp_path: Path) -> None:
    saved(tmp_path)
    torn = tmp_path / "8.orbax-checkpoint-tmp"
    torn.mkdir()
    (torn / "half").write_bytes(b"x")
    found = Checkpoints(tmp_path, OWNER).restore(ITEMS)
    assert found is not None
    assert found.step == 4
    assert not torn.exists()


def test_the_last_ones_those_at_multiples_and_the_best_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, OWNER, keep_last=2, keep_every=4)
    for step in range(1, 11):
        checkpoints.save(step, ITEMS, {"best": 3 if step >= 3 else 1}, best=3 if step >= 3 else 1)
    checkpoints.close()
    assert sorted(int(path.name) for path in tmp_path.iterdir()) == [3, 4, 8, 9, 10]
    read = Checkpoints(tmp_path, {}, read_only=True)
    assert (read.record() or {})["best"] == 3
    found = read.restore({"model": ITEMS["model"]}, step=8)
    assert found is not None
    assert found.step == 8
    assert Checkpoints(tmp_path / "none", {}).record() is None
