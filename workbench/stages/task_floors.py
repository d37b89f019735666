"""Stage `task-floors`: what needs no model, on the same test examples and from the same training examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from workbench import config
from workbench.evaluation import predictions, task_floors
from workbench.evaluation.predictions import Predicted
from workbench.evaluation.scores import Prediction
from workbench.evaluation.task_floors import Classify, Method
from workbench.files import write_jsonl
from workbench.records import Lexicon
from workbench.reports.table import RESULTS_FILE
from workbench.runs.manifest import code_revision
from workbench.stages import task_data
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.rows import Rows
from workbench.stages.source import open_text
from workbench.stages.task_data import TaskData
from workbench.tasks.task import Example

METHODS: tuple[Method, ...] = ("naive-bayes", "char-ngram-svm")


def run(stage: Stage, report: Report) -> None:
    settings = stage.config
    text = open_text(settings.data.source, stage.identity["data_revision"])
    rows = Rows(stage, code_revision())
    for data in task_data.of(settings, stage.seed):
        if data.settings.told != stage.identity["named"]:
            continue
        lexicons = task_data.lexicons(text, data.langs, data.source)
        english: dict[Method, Classify] = {}
        if data.task.kind != "tag":
            english = {method: task_floors.classifier(method, data.train) for method in METHODS}
        for number, lang in enumerate(data.langs):
            report(Progress(number, len(data.langs), note=f"{data.settings.told} {lang.tag}"))
            if not (test := data.held_out(lang)):
                continue
            for name, setting, said in _floors(data, english, lexicons.get(lang), test):
                head = predictions.head(
                    data.task, data.settings.told, f"floor:{name}", lang.tag, settings.evaluate.split, setting
                )
                whole = Predicted(head, said)
                predictions.write(stage.folder, whole)
                rows.predicted(whole, lang)
    write_jsonl(stage.folder / RESULTS_FILE, (asdict(row) for row in rows.found))


def _floors(
    data: TaskData,
    english: dict[Method, Classify],
    lexicon: Lexicon | None,
    test: list[Example],
) -> Iterator[tuple[str, str, list[Prediction]]]:
    """(floor, setting, predictions); what needs a lexicon, only where there is one."""
    task, train = data.task, data.train
    yield "majority", "train=en", task_floors.majority(task, train, test)
    if task.kind == "tag":
        yield "dictionary", "train=en", task_floors.trained(task, "naive-bayes", train, test)
    for method, classify in english.items():
        yield method, "train=en", task_floors.read_by(task, classify, train, test)
    if lexicon is None:
        return
    pseudo = [*train, *data.translated(lexicon, config.Synth())]  # no arm's own rule: they share these floors
    for method in METHODS if task.kind != "tag" else ():
        yield method, "train=en+pseudo", task_floors.trained(task, method, pseudo, test)
    if task.kind == "tag":
        yield "dictionary", "train=en+pseudo", task_floors.trained(task, "naive-bayes", pseudo, test)
    classify = english["char-ngram-svm"] if english else task_floors.no_label
    yield "translate-test", "train=en", task_floors.translate_test(task, classify, train, test, lexicon)
