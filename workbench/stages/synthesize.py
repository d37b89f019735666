"""Stage `synth`: pseudo text, labelled sentences, word lists and inflection tasks of every target, as JSON lines."""

from __future__ import annotations

from dataclasses import asdict

from workbench import languages
from workbench.files import write_json
from workbench.records import Document
from workbench.seeds import stream
from workbench.stages.corpora import labelled_file, synthetic_file, targets, write_documents, write_labelled
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.source import licences, open_resources
from workbench.synth import inflection_tasks, pseudo_labels
from workbench.synth.lexicon import synthesise, word_list_documents
from workbench.synth.made_from import made_from


def run(stage: Stage, report: Report) -> None:
    config = stage.config
    data = open_resources(config.data.source, stage.identity["data_revision"])
    pivot = languages.parse(config.data.pivot)
    labelled = data.intents(pivot, "train")
    requests = (Document(pair.id, pair.source, pivot, "intents") for pair in labelled)
    sentences = [*data.documents(pivot, "train"), *requests]
    langs = targets(config)
    licence_of = {one.source: one.licence for one in licences(config.data.source)}
    rows = []
    for number, lang in enumerate(langs):
        report(Progress(number, len(langs), note=lang.tag))
        lexicon = data.lexicon(lang)
        made = synthesise(sentences, lexicon, config.synth, stage.seed)
        words = word_list_documents(lexicon, stage.seed, made.coverage.num_kept_words)
        order = stream(stage.seed, "labelled", lang.tag).permutation(len(labelled))
        chosen = [labelled[i] for i in order[: config.synth.labelled]]
        write_labelled(
            labelled_file(stage.folder, lang), pseudo_labels.translate(chosen, lexicon, config.synth, stage.seed)
        )
        tasks = inflection_tasks.documents(data.inflections(lang), stage.seed)
        write_documents(synthetic_file(stage.folder, "pseudo", lang), made.documents)
        write_documents(synthetic_file(stage.folder, "word-list", lang), words)
        write_documents(synthetic_file(stage.folder, "inflection", lang), tasks)
        origin = made_from(made.documents, sentences, lexicon, licence_of)
        coverage = asdict(made.coverage) | {
            "token_coverage": made.coverage.token_coverage,
            "type_coverage": made.coverage.type_coverage,
            "replaced_rate": made.coverage.replaced_rate,
        }
        rows.append(
            {
                "lang": lang.tag,
                "lexicon": lexicon.origin,
                "licence": origin.licence,
                "made_from": {"lexicon": lexicon.licence, "texts": origin.texts},
                "permuted": config.synth.permute_lexicon,
                "seed": stage.seed,
                **coverage,
                "inflection_lines": len(tasks),
            }
        )
    write_json(stage.folder / "report.json", rows)
