"""The measure `inflection`: what a model that writes learnt of inflecting, asked as the task's lines ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.evaluation.prompted import asker
from workbench.files import write_jsonl
from workbench.models import Model
from workbench.records import Lang
from workbench.stages.corpora import targets
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.rows import Rows
from workbench.stages.source import Resources
from workbench.synth import inflection_lines, inflection_tasks
from workbench.synth.inflection_tasks import Question
from workbench.tokenizer.processor import TextTokenizer

LEMMAS = 200  # of a language, none of which stands in any line
LONGEST = 32  # tokens of a form


def written(stage: Stage, data: Resources, model: Model, tokenizer: TextTokenizer, rows: Rows, report: Report) -> None:
    """Exact match of what is greedily written behind `lemma, FEATURES:`, of lemmas beyond those in the lines.

    A form that the paradigm also has in the cell is right too.

    Random: the lemmas, from (seed, language).
    """
    ask = asker(model, tokenizer, stage.config.objective)
    for number, (lang, asked) in enumerate(_asked(stage, data)):
        report(Progress(number, len(stage.config.data.targets), note=f"inflection {lang.tag}"))
        prompts = tokenizer.encode_all([inflection_lines.inflect(one.cell).prompt for one in asked])
        said = [tokenizer.decode(ids).strip() for ids in ask.write(prompts, LONGEST)]
        _keep(stage, rows, stage.variant, lang, asked, said)


def floor(stage: Stage, data: Resources, rows: Rows) -> None:
    """The lemma as it is."""
    for lang, asked in _asked(stage, data):
        _keep(stage, rows, "floor:copy", lang, asked, [one.cell.lemma for one in asked])


def _asked(stage: Stage, data: Resources) -> Iterator[tuple[Lang, list[Question]]]:
    """Of each target whose paradigms are of more lemmas than stand in its lines."""
    for lang in targets(stage.config):
        if asked := inflection_tasks.unread(data.inflections(lang), stage.seed, lemmas=LEMMAS):
            yield lang, asked


def _keep(stage: Stage, rows: Rows, variant: str, lang: Lang, asked: Sequence[Question], said: Sequence[str]) -> None:
    kept = (
        {
            "lemma": one.cell.lemma,
            "features": list(one.cell.features),
            "gold": sorted(one.forms),
            "predicted": form,
        }
        for one, form in zip(asked, said, strict=True)
    )
    write_jsonl(stage.folder / "inflection" / f"{variant.replace(':', '-')}_{lang.tag}.jsonl", kept)
    rows.inflection(variant, lang, np.array([form in one.forms for one, form in zip(asked, said, strict=True)]))
