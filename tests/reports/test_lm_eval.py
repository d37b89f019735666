"""Results in the layout of lm-evaluation-harness."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from workbench.records import Result
from workbench.reports.lm_eval import layout

ROW = Result(
    run="decoder-s1-ab", study="icl", variant="decoder", seed=1, step=9, task="sib200", lang="cym-Latn", split="test",
    metric="accuracy", value=0.25, n=17, unit="share", higher_is_better=True, setting="in-context k=4 calibrated",
    low=0.1, high=0.4, data_revision="d", code="c",
)  # fmt: skip
SIGNATURE = "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.0"


def test_every_task_language_and_setting_is_a_task_with_its_shots_and_standard_error() -> None:
    chrf = replace(
        ROW, task="translation", metric="chrF++", value=12.5, unit="points", setting=f"k=1 eng>cym {SIGNATURE}"
    )
    found = layout([ROW, replace(ROW, metric="macro_f1", value=0.2), chrf])
    name, other = "sib200_cym-Latn_in-context_k=4_calibrated", "translation_cym-Latn_k=1_eng>cym"
    assert found["results"][name] == {
        "name": name,
        "alias": name,
        "sample_len": 17,
        "acc,none": 0.25,
        "acc_stderr,none": pytest.approx((0.25 * 0.75 / 16) ** 0.5),
        "macro_f1,none": 0.2,
        "macro_f1_stderr,none": "N/A",
    }
    assert found["results"][other]["chrF++,none"] == 12.5
    assert found["configs"][other]["description"].endswith(SIGNATURE)
    assert found["n-shot"] == {name: 4, other: 1}
    assert found["higher_is_better"][name] == {"acc": True, "macro_f1": True}
    assert found["n-samples"][name] == {"original": 17, "effective": 17}
    assert found["group_subtasks"] == {"sib200": [name], "translation": [other]}
    assert found["config"]["model_args"] == "icl/decoder-s1-ab"
    json.dumps(found)


def test_masking_groups_are_no_shots() -> None:
    (shots,) = layout([replace(ROW, task="lm", metric="masked_bits_per_byte", setting="K=7 k=7")])["n-shot"].values()
    assert shots == 0
