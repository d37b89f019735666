"""What needs no model, on what is asked in prompts; and translations on disk."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import languages, naming
from workbench.evaluation import predictions, task_floors
from workbench.evaluation.predictions import Predicted
from workbench.evaluation.translation_scores import gloss, score
from workbench.files import write_jsonl
from workbench.records import Lang, Pair
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.prompted_data import labelled, translated, translations
from workbench.stages.rows import Rows
from workbench.stages.source import Resources


def in_context(stage: Stage, rows: Rows, report: Report) -> None:
    """The commonest label of the pivot's training sentences, and a linear classifier of all of them."""
    for name in stage.config.evaluate.in_context.tasks:
        found = labelled(stage.config, name)
        report(Progress(0, 1, note=f"{name}: {len(found.pool)} sentences"))
        train, linear = list(found.pool), task_floors.classifier("char-ngram-svm", list(found.pool))
        for lang, asked in found.asked.items():
            test = list(asked)
            for floor, said in (
                ("majority", task_floors.majority(found.task, train, test)),
                ("char-ngram-svm", task_floors.read_by(found.task, linear, train, test)),
            ):
                split = stage.config.evaluate.split
                head = predictions.head(found.task, name, f"floor:{floor}", lang.tag, split, "in-context")
                made = Predicted(head.model_copy(update={"scheme": "none", "metrics": ("accuracy", "macro_f1")}), said)
                predictions.write(stage.folder, made)
                rows.predicted(made, lang)


def translation(stage: Stage, data: Resources, rows: Rows, report: Report) -> None:
    """The source as it is; and where there is a lexicon its words, one by one."""
    settings, pivot = stage.config.evaluate.translation, languages.parse(stage.config.data.pivot)
    found = translations(stage.config, data)
    for number, (lang, pairs) in enumerate(found.asked.items()):
        report(Progress(number, len(found.asked), note=f"translation {lang.tag}"))
        for into_pivot in (False, True):
            texts = [pair.target if into_pivot else pair.source for pair in pairs]
            way = direction(pivot, lang, into_pivot)
            said = {"floor:copy": texts}
            if data.has_lexicon(lang):
                lexicon = data.lexicon(lang)
                said["floor:gloss"] = gloss(texts, task_floors.inverted(lexicon) if into_pivot else lexicon)
            for floor, several in said.items():
                keep_translations(stage, rows, floor, lang, pairs, several, into_pivot, f"{settings.data} {way}")


def direction(pivot: Lang, lang: Lang, into_pivot: bool) -> str:
    """`eng>cym`; of one language in two scripts `srp-Cyrl>srp-Latn`."""
    ends = list(naming.codes([pivot.tag, lang.tag]).values())
    return ">".join(reversed(ends) if into_pivot else ends)


def keep_translations(
    stage: Stage,
    rows: Rows,
    variant: str,
    lang: Lang,
    pairs: Sequence[Pair],
    said: Sequence[str],
    into_pivot: bool,
    way: str,
) -> None:
    """Write the translations, and their scores into the rows."""
    references = [pair.source if into_pivot else pair.target for pair in pairs]
    kept = (
        {"id": pair.id, "lang": lang.tag, "gold": reference, "predicted": text}
        for pair, reference, text in zip(pairs, references, said, strict=True)
    )
    scripts = [one for one in translated(stage.config) if one.code == lang.code]
    name = f"{variant}_{way}".replace(":", "-").replace(">", "-").replace(" ", "_")
    name += f"_{lang.tag}" if len(scripts) > 1 else ""
    write_jsonl(stage.folder / "translations" / f"{name}.jsonl", kept)
    for found in score(said, references, stage.config.evaluate.translation.metrics):
        rows.translation(variant, lang, found, way)
