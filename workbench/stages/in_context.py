"""The measures `in-context` and `translation`: what a model that was trained for neither makes of a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench import languages
from workbench.config import Config, PromptTask
from workbench.evaluation import in_context, predictions
from workbench.evaluation.in_context import Scores
from workbench.evaluation.predictions import Predicted
from workbench.evaluation.prompted import asker
from workbench.evaluation.prompts import Prompt, Template, draw, with_random_labels
from workbench.evaluation.scores import Prediction
from workbench.evaluation.translation import translate
from workbench.evaluation.translation_scores import scorer
from workbench.files import write_json, write_jsonl
from workbench.models import Model
from workbench.records import Lang, Pair
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.prompted_data import Labelled, labelled, translations
from workbench.stages.prompted_floors import direction, keep_translations
from workbench.stages.rows import Rows
from workbench.stages.source import Resources
from workbench.tasks.task import Example
from workbench.tokenizer.processor import TextTokenizer

TEMPLATES: dict[PromptTask, Template] = {
    "sib200": Template("Passage:", "Topic:"),
    "afrisenti": Template("Tweet:", "Sentiment:"),
    "massive": Template("Request:", "Intent:"),
    "xsid": Template("Request:", "Intent:"),
    "intents": Template("Request:", "Intent:"),
}


def classify(stage: Stage, model: Model, tokenizer: TextTokenizer, rows: Rows, report: Report) -> None:
    """Accuracy for every k, calibrated and not; with labels drawn by lot; and with no input to look at.

    Random: demonstrations from (seed, task), the same for all languages and variants.
    """
    config, settings = stage.config, stage.config.evaluate.in_context
    ask = asker(model, tokenizer, config.objective)
    length = settings.length or config.pretrain.length
    for name in settings.tasks:
        found = labelled(config, name)
        labels, shown = found.labels, _demonstrations(config, found, name, stage.seed)
        for number, (setting, demonstrations) in enumerate(shown.items()):
            report(Progress(number, len(shown), note=f"{name} {setting}"))
            everything = [one for several in found.asked.values() for one in several]
            scores = in_context.score_labels(
                ask, TEMPLATES[name], demonstrations, [one.text for one in everything], labels, length
            )
            kinds = {"": scores.given, " calibrated": scores.calibrated}
            if "random-labels" not in setting:
                kinds[" no-input"] = scores.nothing
            for kind, values in kinds.items():
                _write(stage, found, everything, scores, values, f"{setting}{kind}", rows)
            _keep(stage, name, setting, everything, scores)
            _kept(rows, name, [one.lang for one in everything], scores.prompts, setting)
        drawn = {setting: [[d.id, d.target] for d in several] for setting, several in shown.items()}
        write_json(stage.folder / "label_scores" / name / "demonstrations.json", drawn)


def _demonstrations(config: Config, found: Labelled, name: str, seed: int) -> dict[str, tuple[Pair, ...]]:
    """Setting -> the demonstrations that every prompt of it has."""
    settings = config.evaluate.in_context
    pool = [Pair(one.id, one.text, one.label, one.lang, name) for one in found.pool]
    shown = {}
    for shots in settings.shots:
        drawn = draw(pool, shots, seed, "in-context", name, balanced=settings.balanced)
        shown[f"in-context k={shots}"] = drawn
        if shots and settings.random_labels:
            shown[f"in-context k={shots} random-labels"] = with_random_labels(drawn, found.labels, seed, name)
    return shown


def _write(
    stage: Stage,
    found: Labelled,
    everything: Sequence[Example],
    scores: Scores,
    values: np.ndarray,
    setting: str,
    rows: Rows,
) -> None:
    said = [scores.labels[i] for i in np.argmax(values, axis=1)]
    split, name = stage.config.evaluate.split, found.task.name
    for lang in found.asked:
        of_lang = [
            Prediction(one.id, one.label, label)
            for one, label in zip(everything, said, strict=True)
            if one.lang == lang
        ]
        head = predictions.head(found.task, name, stage.variant, lang.tag, split, setting)
        made = Predicted(head.model_copy(update={"scheme": "none", "metrics": ("accuracy", "macro_f1")}), of_lang)
        predictions.write(stage.folder, made)
        rows.predicted(made, lang)


def _keep(stage: Stage, name: str, setting: str, everything: Sequence[Example], scores: Scores) -> None:
    """Each label's log-probabilities, of which the predictions can be made again."""
    kept = (
        {
            "id": one.id,
            "lang": one.lang.tag,
            "gold": one.label,
            "given": dict(zip(scores.labels, np.round(given, 5).tolist(), strict=True)),
            "nothing": dict(zip(scores.labels, np.round(nothing, 5).tolist(), strict=True)),
            "demonstrations": prompt.num_demonstrations,
            "cut": prompt.num_cut,
        }
        for one, given, nothing, prompt in zip(everything, scores.given, scores.nothing, scores.prompts, strict=True)
    )
    write_jsonl(stage.folder / "label_scores" / name / f"{setting.replace(' ', '_')}.jsonl", kept)


def _kept(rows: Rows, task: str, langs: Sequence[Lang], prompts: Sequence[Prompt], setting: str) -> None:
    """What the prompts' length left: demonstrations of a prompt on average, and the share of inputs that were cut."""
    for lang in dict.fromkeys(langs):
        own = [prompt for prompt, other in zip(prompts, langs, strict=True) if other == lang]
        kept = np.array([prompt.num_demonstrations for prompt in own], np.float64)
        rows.mean(task, lang, "demonstrations_kept", kept, "demonstrations", setting)
        cut = np.array([prompt.num_cut > 0 for prompt in own], np.float64)
        rows.mean(task, lang, "inputs_cut", cut, "share", setting)


def translated(
    stage: Stage, data: Resources, model: Model, tokenizer: TextTokenizer, rows: Rows, report: Report
) -> None:
    """From the pivot and into it, each language behind demonstrations of its own, by sacreBLEU's figures.

    Random: demonstrations from (seed, language), in both directions the same.
    """
    config, settings = stage.config, stage.config.evaluate.translation
    for metric in settings.metrics:
        scorer(metric)  # first: it is known at once whether what it needs is there
    ask = asker(model, tokenizer, config.objective)
    pivot = languages.parse(config.data.pivot)
    found = translations(config, data)
    search = "greedy" if settings.num_beams == 1 else f"beam={settings.num_beams}"
    for number, (lang, pairs) in enumerate(found.asked.items()):
        report(Progress(number, len(found.asked), note=f"translation {lang.tag}"))
        drawn = draw(found.pool[lang], settings.shots, stage.seed, "translation", lang.tag, balanced=False)
        for source, target in ((pivot, lang), (lang, pivot)):
            turn = source != pivot
            said = translate(
                ask,
                source,
                target,
                [turned(pair) for pair in drawn] if turn else drawn,
                [pair.target if turn else pair.source for pair in pairs],
                length=settings.length or config.pretrain.length,
                max_new=settings.max_new,
                num_beams=settings.num_beams,
                length_penalty=settings.length_penalty,
            )
            way = f"{settings.data} k={settings.shots} {search} {direction(pivot, lang, turn)}"
            keep_translations(stage, rows, stage.variant, lang, pairs, [one.text for one in said], turn, way)
            _kept(rows, "translation", [lang] * len(pairs), [one.prompt for one in said], way)


def turned(pair: Pair) -> Pair:
    return Pair(pair.id, pair.target, pair.source, pair.lang, pair.task)
