"""Trains a few steps on the devices and in the processes that it is told of, and prints what came out.

    python mesh_program.py FOLDER SETTINGS    settings: JSON, see `Settings`

A process of its own, because jax counts its devices once, at its first use.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

DEFAULTS: dict[str, Any] = {
    "devices": 1,  # of this process
    "processes": 1,
    "process": 0,
    "port": 0,
    "mesh": [1, 1, 1],
    "steps": 4,
    "ask": 0,  # be asked to stop when batch number so many is read
    "kind": "encoder",
    "layers": "unrolled",
    "optim": "adamw",
    "accumulate": 1,
}


def main(folder: Path, given: dict[str, Any]) -> None:
    settings = DEFAULTS | given
    jax.config.update("jax_num_cpu_devices", settings["devices"])
    if settings["processes"] > 1:
        jax.distributed.initialize(
            f"127.0.0.1:{settings['port']}", settings["processes"], settings["process"], initialization_timeout=60
        )
    from workbench import config, models
    from workbench.errors import Preempted
    from workbench.mixture.stream import Stream
    from workbench.objectives.batch import Rows
    from workbench.objectives.build import build
    from workbench.training import mesh
    from workbench.training.loop import train
    from workbench.vocab import Vocab

    rng = np.random.default_rng(0)
    length, num_rows = 16, 64
    ids = rng.integers(261, 320, (num_rows, length)).astype(np.int32)
    segments = np.ones((num_rows, length), np.int32)
    segments[:, 10:] = 2
    segments[::3, 14:] = 0
    positions = np.tile(np.r_[np.arange(10), np.arange(6)].astype(np.int32), (num_rows, 1))
    rows = {"eng-Latn": Rows(np.where(segments > 0, ids, 0), segments, positions)}
    objectives: dict[str, Any] = {
        "encoder": config.MaskedLM(mask_rate=0.3),
        "decoder": config.Causal(),
        "encoder-decoder": config.Deshuffle(),
    }
    compute = config.Compute(layers=settings["layers"])
    model = config.Model(
        kind=settings["kind"], width=32, num_layers=2, num_heads=4, feed_forward=64, dropout=0.1, compute=compute
    )
    kind = settings["kind"]
    objective = build(
        objectives[kind], Vocab(size=320), np.ones(320, bool), np.zeros(320, np.int8), model=model, length=length
    )
    stream = Stream(rows, {"eng-Latn": 1.0}, objective, steps=settings["steps"], batch_size=16, seed=0)
    data, fsdp, tensor = settings["mesh"]
    losses: list[float] = []
    devices = mesh.build(config.Mesh(data=data, fsdp=fsdp, tensor=tensor))
    if settings["ask"]:
        ask_to_stop(settings["ask"], stream)
    try:
        trained = train(
            model=models.build(model, 320, seed=0),
            stream=stream,
            optim=config.Optim(kind=settings["optim"], warmup_steps=1),
            checkpoint_every=100,
            folder=folder,
            seed=0,
            identity="mesh",
            tokenizer_sha256="none",
            on_step=lambda log: losses.append(log.loss_nats_per_token),
            accumulate=settings["accumulate"],
            devices=devices,
        )
    except Preempted as error:
        print(json.dumps({"stopped": str(error)}))
        return
    from jax.experimental import multihost_utils

    leaves = jax.tree.leaves(trained)
    spread = sum(not leaf.sharding.is_fully_replicated for leaf in leaves)
    if settings["processes"] > 1:
        leaves = jax.tree.leaves(multihost_utils.process_allgather(trained, tiled=True))
    print(
        json.dumps(
            {
                "losses": losses,
                "spread": spread,
                "devices": jax.device_count(),
                "norms": [float(np.linalg.norm(np.asarray(leaf).ravel())) for leaf in leaves],
            }
        )
    )


def ask_to_stop(number: int, stream: Any) -> None:
    """Send this process SIGTERM when batch `number` is read."""
    read = stream.batch

    def batch(step: int) -> Any:
        if step == number:
            os.kill(os.getpid(), signal.SIGTERM)
        return read(step)

    stream.batch = batch


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
