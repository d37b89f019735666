"""The measure `tasks` of a run: fine-tuned in one language, tested in all; every prediction kept beside the scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

from workbench import config
from workbench.evaluation import predictions
from workbench.evaluation.fine_tune import FineTuned, fine_tune
from workbench.evaluation.predictions import Predicted
from workbench.evaluation.scores import Prediction
from workbench.files import write_json
from workbench.models import Model
from workbench.records import Lang
from workbench.stages import task_data
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.rows import Rows
from workbench.stages.source import Text
from workbench.stages.task_data import TaskData
from workbench.tasks.task import Example
from workbench.tokenizer.processor import TextTokenizer


def measure(stage: Stage, text: Text, model: Model, tokenizer: TextTokenizer, rows: Rows, report: Report) -> None:
    """Every task, on every training, in every language."""
    found = task_data.of(stage.config, stage.seed)
    described = []
    done, total = 0, sum(len(data.settings.train) * data.settings.fine_tune.steps for data in found)
    for data in found:
        report(Progress(done, total, note=f"{data.settings.told}: reading"))
        held_out = {lang: data.held_out(lang) for lang in data.langs}
        held_out = {lang: examples for lang, examples in held_out.items() if examples}
        if numbers := [number for number in data.settings.few_shot if not isinstance(number, str)]:
            for lang in held_out:
                if lang != data.source:
                    data.few(lang, max(numbers))  # it is known before training whether there are so many
        leaks = data.leakage()
        for line in leaks.lines:
            print(f"{data.settings.told} {line}")
        described.append({"task": data.settings.told, **asdict(leaks), "labels": _counts(data)})
        for training in data.settings.train:
            told = partial(_tell, report, done, total, f"{data.settings.told} train={training}")
            told(0)
            pseudo = _pseudo(data, text, stage.config.synth) if training == "en+pseudo" else []
            settings, share = data.settings.fine_tune, data.settings.pseudo_share
            tuned = fine_tune(
                model, tokenizer, data.task, data.train, pseudo, data.dev, settings, stage.seed, share, told
            )
            done += settings.steps
            report(Progress(done, total, note=f"{data.settings.told} train={training}: testing"))
            num_cut = tuned.num_cut([one for examples in held_out.values() for one in examples])
            if num_cut:
                print(f"{data.settings.told}: {num_cut:,} test examples have more pieces than the model takes: cut")
            for lang, setting, said in _everything(data, tuned, held_out, f"train={training}", stage.seed):
                head = predictions.head(
                    data.task, data.settings.told, stage.variant, lang.tag, stage.config.evaluate.split, setting
                )
                whole = Predicted(head, said)
                predictions.write(stage.folder, whole)
                rows.predicted(whole, lang)
    write_json(stage.folder / "tasks.json", described)


def _tell(report: Report, before: int, total: int, note: str, step: int) -> None:
    report(Progress(before + step, total, note=note))


def _everything(
    data: TaskData, tuned: FineTuned, held_out: dict[Lang, list[Example]], setting: str, seed: int
) -> Iterator[tuple[Lang, str, list[Prediction]]]:
    """(language, setting, predictions), zero-shot first, then with each number of the language's own examples."""
    if data.settings.selection == "english-dev":
        everything = [one for examples in held_out.values() for one in examples]
        said = iter(tuned.predict(everything))  # all languages in one pass
        for lang, examples in held_out.items():
            yield lang, setting, [next(said) for _ in examples]
    else:
        for lang, examples in held_out.items():
            chosen = tuned.chosen_on(data.own_dev(lang))
            yield lang, f"{setting} selected=target-dev", tuned.predict(examples, chosen)
    for number in data.settings.few_shot:
        for lang, examples in held_out.items():
            own = data.few(lang, number) if lang != data.source else []
            if own:
                yield lang, f"{setting} k={number}", tuned.predict(examples, tuned.go_on(own, seed))


def _pseudo(data: TaskData, text: Text, synth: config.Synth) -> list[Example]:
    lexicons = task_data.lexicons(text, data.langs, data.source)
    return [one for lexicon in lexicons.values() for one in data.translated(lexicon, synth)]


def _counts(data: TaskData) -> dict[str, int]:
    return {"train": len(data.train), "dev": len(data.dev), "languages": len(data.langs)}
