"""Settings that suit a machine."""

from __future__ import annotations

from typing import Literal, assert_never

from workbench import config

Preset = Literal["cpu", "gpu"]


def preset(name: Preset, data: config.InflectionData) -> config.InflectionConfig:
    """One recipe for every language.

    cpu: some seven minutes of one core for a language, as `experiments/sigmorphon2023` has it and says what it reaches.
    Few lemmas have many forms in the shared tasks' files: without dropout longer training makes new words worse.

    Source: gpu: sizes, batch and rates of Wu et al. 2021, section 4 (https://aclanthology.org/2021.eacl-main.163), with
        this project's model and hallucination. It was never run on an accelerator.
    """
    match name:
        case "cpu":
            return config.InflectionConfig(
                data=data,
                directions="both",
                model=config.Transducer(dropout=0.15),
                train=config.InflectionTrain(steps=6_000, look_every=1_500),
                search=config.Search(beams=5),
            )
        case "gpu":
            return config.InflectionConfig(
                data=data,
                directions="both",
                model=config.Transducer(
                    width=256,
                    num_layers=4,
                    num_decoder_layers=4,
                    feed_forward=1024,
                    dropout=0.3,
                ),
                train=config.InflectionTrain(
                    steps=20_000,
                    batch_size=400,
                    look_every=1_000,
                    optim=config.Optim(learning_rate=1e-3, warmup_steps=4_000, schedule="inverse-sqrt"),
                ),
                search=config.Search(beams=5, batch_size=1_280),
            )
        case _:
            assert_never(name)
