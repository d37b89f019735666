"""A run's results in the layout of lm-evaluation-harness's result files, for the tools that read those.

Every task, language and setting is a task of its own there; a metric's filter is always `none`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import regex

from workbench.records import Result

FILE = "lm_eval.json"
METRICS = {"accuracy": "acc"}  # where the harness has another name


def layout(results: Iterable[Result]) -> dict[str, Any]:
    """The keys of `EvalResults` that results can fill; `config` says which run they are of.

    A standard error stands beside accuracies alone, as the harness computes it, (p (1 - p) / (n - 1)) ** 0.5; of other
    figures it is "N/A", as there: their intervals are in results.jsonl.

    Source: EleutherAI/lm-evaluation-harness, lm_eval/result_schema.py; lm_eval/api/metrics.py, mean_stderr.
    """
    found: dict[str, Any] = {
        key: {} for key in ("results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better")
    }
    found["n-samples"] = {}
    for one in results:
        name = task_name(one)
        metric = METRICS.get(one.metric, one.metric)
        scores = found["results"].setdefault(name, {"name": name, "alias": name, "sample_len": one.n})
        scores[f"{metric},none"], scores[f"{metric}_stderr,none"] = one.value, _standard_error(one)
        subtasks = found["group_subtasks"].setdefault(one.task, [])
        if name not in subtasks:
            subtasks.append(name)
        shots = regex.search(r"\bk=(\d+)\b", one.setting) if one.task != "lm" else None
        found["configs"][name] = {"task": name, "lang": one.lang, "test_split": one.split, "description": one.setting}
        found["versions"][name] = one.data_revision
        found["n-shot"][name] = int(shots[1]) if shots else 0
        found["higher_is_better"].setdefault(name, {})[metric] = one.higher_is_better
        found["n-samples"][name] = {"original": one.n, "effective": one.n}
        found["config"] = {"model": "workbench", "model_args": f"{one.study}/{one.run}", "random_seed": one.seed}
        found["git_hash"], found["model_name"] = one.code, f"{one.study}/{one.variant}"
    return found


def task_name(one: Result) -> str:
    """`sib200_cym-Latn_in-context_k=4_calibrated`; sacreBLEU's signatures are in the task's description alone."""
    words = [one.task, one.lang, *(word for word in one.setting.split() if "|" not in word)]
    return "_".join(word for word in words if word)


def _standard_error(one: Result) -> float | str:
    if one.metric not in ("accuracy", "intent_accuracy", "exact_match") or one.n < 2:
        return "N/A"
    return math.sqrt(one.value * (1 - one.value) / (one.n - 1))
