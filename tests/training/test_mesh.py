"""The same run on one device, on eight, and in two processes: the same losses, and resumed from one on another."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

from workbench import config, models
from workbench.errors import BadInput
from workbench.models.leaves import named_leaves
from workbench.training import mesh, optim

PROGRAM = Path(__file__).with_name("mesh_program.py")
GRID = jax.sharding.Mesh(np.array(jax.devices() * 8).reshape(2, 2, 2), mesh.AXES)  # for its shape only
TOLERANCE = 2e-4  # relative, of float32 sums taken in another order, after a few steps of training


def start(folder: Path, **settings: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(PROGRAM.parents[2])}
    command = [sys.executable, str(PROGRAM), str(folder), json.dumps(settings)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def same(first: dict[str, Any], second: dict[str, Any]) -> None:
    np.testing.assert_allclose(first["losses"], second["losses"], rtol=TOLERANCE)
    np.testing.assert_allclose(first["norms"], second["norms"], rtol=TOLERANCE)


def test_eight_devices_train_as_one_does_whatever_the_architecture(tmp_path: Path) -> None:
    cases = [
        {"kind": "encoder", "mesh": [2, 2, 2]},
        {"kind": "decoder", "mesh": [1, 4, 2], "layers": "scanned", "optim": "adafactor"},
        {"kind": "encoder-decoder", "mesh": [2, 1, 4], "accumulate": 2},
    ]
    for number, case in enumerate(cases):
        alone = start(tmp_path / f"one-{number}", **{**case, "mesh": [1, 1, 1]})
        many = start(tmp_path / f"eight-{number}", devices=8, **case)
        one, eight = result(alone), result(many)
        assert (one["devices"], one["spread"]) == (1, 0)
        assert eight["devices"] == 8
        assert eight["spread"] > len(eight["norms"]) / 2  # else the same program was compared with itself
        same(one, eight)


def test_a_run_that_asks_for_one_device_takes_the_first_of_several(tmp_path: Path) -> None:
    alone, among = start(tmp_path / "alone"), start(tmp_path / "among", devices=4)
    one, four = result(alone), result(among)
    assert (four["devices"], four["spread"]) == (4, 0)
    assert (one["losses"], one["norms"]) == (four["losses"], four["norms"])


def test_two_processes_train_as_one_and_their_checkpoint_goes_on_elsewhere(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    whole = result(start(tmp_path / "whole", steps=20))
    both = {"devices": 2, "processes": 2, "port": port, "mesh": [2, 2, 1], "steps": 20}
    # only one is asked to stop, at its third step; both do so at the next step that they compare notes
    halves = [
        start(tmp_path / "moved", process=process, **both, **asked) for process, asked in enumerate([{"ask": 3}, {}])
    ]
    for half in halves:
        assert "stopped after step 10 of 20" in result(half)["stopped"]
    moved = result(start(tmp_path / "moved", devices=4, mesh=[1, 2, 2], steps=20))
    assert moved["devices"] == 4
    same({**whole, "losses": whole["losses"][-1:]}, moved)


def test_every_large_leaf_of_every_architecture_has_a_place_in_the_table() -> None:
    for kind in ("encoder", "decoder", "encoder-decoder"):
        for layers in ("unrolled", "scanned"):
            compute = config.Compute(layers=layers)  # type: ignore[arg-type]
            settings = config.Model(kind=kind, width=32, num_heads=4, compute=compute)  # type: ignore[arg-type]
            for name, leaf in named_leaves(models.abstract(settings, 64)).items():
                if leaf.size >= 1024:
                    assert mesh.spec(name, leaf.shape, GRID) != P(), name
                    assert len(mesh.spec(name, leaf.shape, GRID)) == leaf.ndim, name


@pytest.mark.parametrize("kind", ["adamw", "adafactor", "lion", "muon"])
def test_moments_live_with_their_weights(kind: str) -> None:
    model = models.abstract(config.Model(width=32, num_heads=4, compute=config.Compute(layers="scanned")), 64)
    rule = optim.rule(config.Optim(kind=kind))  # type: ignore[arg-type]
    state = jax.eval_shape(optim.optimizer(rule).init, model)
    weights = {(name, leaf.shape) for name, leaf in named_leaves(model).items()}
    placed = named_leaves(mesh.shardings(state, model, GRID))
    found = 0
    for name, leaf in named_leaves(state).items():
        twin = [weight for weight, shape in weights if name.endswith(weight) and shape == leaf.shape]
        wanted = mesh.spec(twin[0], leaf.shape, GRID) if twin else P()
        assert placed[name].spec == wanted, name
        found += bool(twin) and leaf.size >= 1024
    assert found or kind == "adafactor"


def test_what_does_not_divide_is_refused_by_name() -> None:
    thirds = jax.sharding.Mesh(np.array(jax.devices() * 3).reshape(1, 1, 3), mesh.AXES)
    with pytest.raises(BadInput, match=r"embedding has shape \[64, 32\], whose 64 cannot be dealt out over 3 tensor"):
        mesh.spec("embedding", (64, 32), thirds)
    with pytest.raises(BadInput, match=r"data 2 x fsdp 1 x tensor 1 is 2 devices, but this run sees 1 cpu device;"):
        mesh.build(config.Mesh(data=2))
