"""Stage `synth`: what is made of every target's lexicon and paradigms, as JSON lines.

Pseudo text, labelled sentences, word lists and inflection tasks are always made, code-switched text and lexical pairs
where an arm reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from workbench import languages
from workbench import licences as terms
from workbench.config import Config
from workbench.files import write_json
from workbench.records import Document, Lang, Lexicon
from workbench.seeds import stream
from workbench.stages import paradigms
from workbench.stages.corpora import labelled_file, synthetic_file, targets, write_documents, write_labelled
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.source import Resources, licences, open_resources
from workbench.synth import bilex, induce, inflected, pseudo_labels, senses, vectors
from workbench.synth.inflected import Routes
from workbench.synth.lexicon import synthesise, word_list_documents
from workbench.synth.made_from import made_from

# Whose paradigms the embedded data ship; of other languages they are UniMorph's.
_PARADIGMS = {"hye": "armenian", "isl": "icelandic"}


def run(stage: Stage, report: Report) -> None:
    config, synth = stage.config, stage.config.synth
    data = open_resources(config.data.source, stage.identity["data_revision"])
    pivot = languages.parse(config.data.pivot)
    labelled = data.intents(pivot, "train")
    requests = (Document(pair.id, pair.source, pivot, "intents") for pair in labelled)
    sentences = [*data.documents(pivot, "train"), *requests]
    langs = targets(config)
    licence_of = {one.source: one.licence for one in licences(config.data.source)}
    seen = Counter(w for one in sentences for w in languages.words(one.text)) if synth.morphology != "none" else {}
    space = vectors.train(one.text for one in sentences) if synth.senses == "context" else None
    also: Sequence[str] = stage.identity.get("also", ())
    rows = []
    for number, lang in enumerate(langs):
        report(Progress(number, len(langs), note=lang.tag))
        listed = _listed(config, data, lang, licence_of)
        lexicon, routes = inflected.extended(listed, seen, data.inflections(lang), synth.morphology)
        context = senses.ByContext(lexicon, space) if space is not None else None
        made = synthesise(sentences, lexicon, synth, stage.seed, context)
        words = word_list_documents(listed, stage.seed, made.coverage.num_kept_words)
        order = stream(stage.seed, "labelled", lang.tag).permutation(len(labelled))
        chosen = [labelled[i] for i in order[: synth.labelled]]
        write_labelled(
            labelled_file(stage.folder, lang), pseudo_labels.translate(chosen, lexicon, synth, stage.seed, context)
        )
        tasks = paradigms.lines(data, lang, synth, stage.seed)
        write_documents(synthetic_file(stage.folder, "pseudo", lang), made.documents)
        write_documents(synthetic_file(stage.folder, "word-list", lang), words)
        write_documents(synthetic_file(stage.folder, "inflection", lang), chain.from_iterable(tasks.values()))
        row: dict[str, Any] = {}
        if "code-switched" in also:
            switched = bilex.code_switched(sentences, lexicon, synth, stage.seed, context)
            write_documents(synthetic_file(stage.folder, "code-switched", lang), switched.documents)
            row["switched_rate"] = switched.coverage.replaced_rate
        if "lexical-pairs" in also:
            pairs = bilex.pair_documents(listed, synth, stage.seed, made.coverage.num_kept_words)
            write_documents(synthetic_file(stage.folder, "lexical-pairs", lang), pairs)
        cells = licence_of.get(_PARADIGMS.get(lang.code, "unimorph"), "") if routes.words.get("listed") else None
        origin = made_from(made.documents, sentences, lexicon, licence_of, cells)
        coverage = asdict(made.coverage) | {
            "token_coverage": made.coverage.token_coverage,
            "type_coverage": made.coverage.type_coverage,
            "replaced_rate": made.coverage.replaced_rate,
        }
        row |= {
            "lang": lang.tag,
            "lexicon": lexicon.origin,
            "licence": origin.licence,
            "made_from": {"lexicon": lexicon.licence, "texts": origin.texts},
            "permuted": synth.permute_lexicon,
            "paradigms_permuted": synth.permute_paradigms,
            "rule": synth.rule,
            "senses": synth.senses,
            "seed": stage.seed,
            **coverage,
            "inflection_lines": sum(map(len, tasks.values())),
            "inflection_tasks": {task: len(documents) for task, documents in tasks.items()},
        }
        rows.append(row | _routes(routes))
    write_json(stage.folder / "report.json", rows)


def _listed(config: Config, data: Resources, lang: Lang, licence_of: Mapping[str, str]) -> Lexicon:
    """The target's lexicon, with what is induced from its first translated sentences where the study says so."""
    lexicon = data.lexicon(lang)
    if not config.synth.induced:
        return lexicon
    pairs = data.pairs(lang, "train")[: config.synth.induced]
    sources = sorted({document.source for document in data.documents(lang, "train")})
    licence = terms.joined(licence_of.get(source, "") for source in sources)
    return induce.with_induced(lexicon, induce.induce(pairs, languages.parse(config.data.pivot), licence=licence))


def _routes(routes: Routes) -> dict[str, Any]:
    """How the pivot's forms came by a translation: types and running words of each route, where any was asked."""
    return {"routes": asdict(routes)} if routes.words else {}
