"""The model card: what the model is, what it was made from, what was measured, how to load it, what it cannot do."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any, assert_never

from workbench import languages, licences
from workbench.exchange.layouts import Layout
from workbench.exchange.trained import Trained, sibling_results
from workbench.exchange.verify import Compared
from workbench.files import read_json
from workbench.models import Model, num_parameters
from workbench.models.published import XLMR, Published
from workbench.tokenizer.published import PublishedTokenizer

Row = Mapping[str, Any]
Around = tuple[Sequence[int], Sequence[int]]  # special ids before and behind a text
_SAME_MEASURE = ("task", "lang", "split", "metric", "setting", "unit")


def write(
    trained: Trained,
    model: Model | Published,
    layout: Layout,
    around: Around,
    compared: Compared,
    inexact: Sequence[str],
) -> str:
    """README.md of an export; the literals `inexact` were left out when tokenizers were compared."""
    sections = [
        _header(trained, model, layout),
        f"# {_title(trained)}",
        _summary(trained, model),
        "## How to load\n\n" + _loading(trained, model, layout, around),
        "## Languages and resources\n\n" + _languages(trained),
        "## Licences of the data\n\n" + _licences(trained),
        "## Results\n\n" + _results(trained),
        "## Tokenizer\n\n" + _tokenizer(trained, compared, inexact),
        "## Limits\n\n" + _limits(trained, model),
        "## How to cite\n\n" + _citation(trained),
    ]
    return "\n\n".join(sections) + "\n"


def _title(trained: Trained) -> str:
    identity = trained.stages[0].identity
    names = [identity.get("study"), identity.get("variant", identity["kind"]), f"seed {identity.get('seed', '-')}"]
    return " / ".join(str(name) for name in names if name)


def _tags(trained: Trained) -> list[str]:
    data = trained.part("data")
    return [*data.get("targets", ()), *data.get("pretrain", ())]


def _header(trained: Trained, model: Model | Published, layout: Layout) -> str:
    """The machine-readable part; `license: other`, for the data's terms differ and are listed below."""
    match layout:
        case "modernbert" | "published":
            library, pipeline = "transformers", "fill-mask" if _has_head(model) else "feature-extraction"
        case "llama":
            library, pipeline = "transformers", "text-generation"
        case "t5":
            library, pipeline = "transformers", "text2text-generation"
        case "workbench":
            library, pipeline = "workbench", ""
        case _:
            assert_never(layout)
    codes = list(dict.fromkeys(tag.partition("-")[0] for tag in _tags(trained)))
    lines = ["---", "language:", *(f"- {code}" for code in codes), "license: other", f"library_name: {library}"]
    lines += [f"pipeline_tag: {pipeline}"] if pipeline else []
    return "\n".join([*lines, "tags:", "- low-resource-languages", "---"])


def _has_head(model: Model | Published) -> bool:
    return not isinstance(model, Published) or model.head is not None


def _summary(trained: Trained, model: Model | Published) -> str:
    settings = model.settings if isinstance(model, Published) else trained.settings
    parts = [
        f"{settings.kind}, {num_parameters(model):,} parameters",
        f"{settings.num_layers} layers, width {settings.width}, {settings.num_heads} heads",
        f"{trained.tokenizer.vocab.size:,} pieces",
        f"trained with the objective {trained.objective.kind} on rows of {trained.length} tokens",
    ]
    made = [f"`{stage.folder.name}`" for stage in trained.stages]
    code = (trained.manifest or {}).get("code")
    return (
        "; ".join(parts)
        + f".\n\nMade by the low-resource language expansion workbench{f' (revision {code})' if code else ''} from "
        + ", ".join(made)
        + "."
    )


def _loading(trained: Trained, model: Model | Published, layout: Layout, around: Around) -> str:
    if layout == "workbench":
        return (
            "```python\nfrom pathlib import Path\n\nfrom workbench import exchange\n\n"
            'model, tokenizer = exchange.load(Path("PATH"))\n```\n\nThis is the workbench\'s own layout; transformers '
            "does not read it."
        )
    auto = {"modernbert": "AutoModelForMaskedLM", "llama": "AutoModelForCausalLM", "t5": "AutoModelForSeq2SeqLM"}
    auto["published"] = "AutoModelForMaskedLM" if _has_head(model) else "AutoModel"
    text = (
        f"```python\nfrom transformers import AutoTokenizer, {auto[layout]}\n\n"
        f'tokenizer = AutoTokenizer.from_pretrained("PATH")\nmodel = {auto[layout]}.from_pretrained("PATH")\n```'
    )
    before, behind = ([f"`{trained.tokenizer.pieces[i]}`" for i in ids] for ids in around)
    put = [f"{' '.join(ids)} {where}" for ids, where in ((before, "before"), (behind, "behind")) if ids]
    text += f"\n\nAs in training, the tokenizer puts {' and '.join(put) or 'nothing around'} a text."
    if layout == "modernbert":
        text += " Sentence vectors are means over tokens (`classifier_pooling` is `mean`)."
    if layout == "t5":
        text += " The decoder starts with `<s>` (`decoder_start_token_id`)."
    return text


def _languages(trained: Trained) -> str:
    data, adapt = trained.part("data"), trained.part("adapt")
    rows = []
    for role, key in (("target", "targets"), ("read in pretraining", "pretrain")):
        rows += [[languages.name(tag), tag, role] for tag in data.get(key, ())]
    text = _table(["language", "tag", "role"], rows)
    resources = adapt.get("resources", ())
    text += "\n\nGiven to the targets: " + (", ".join(resources) if resources else "nothing (the base model)") + "."
    mixture = trained.model_stage.folder / "mixture.json"
    if mixture.is_file():
        read = [
            [row["lang"], f"{row['num_tokens']:,}", f"{row['share']:.4f}", f"{row['epochs']:.2f}"]
            for row in read_json(mixture)
        ]
        text += f"\n\nWhat `{trained.model_stage.folder.name}` read:\n\n"
        text += _table(["text", "tokens there are", "share", "epochs"], read)
    return text


def _licences(trained: Trained) -> str:
    if trained.manifest is None:
        return (
            "Not recorded in this stage: a run's manifest lists them. Nothing is known here of what may be done with "
            "the model."
        )
    data = trained.manifest.get("data", {})
    found = data.get("licences", [])
    if not found:
        return f"The manifest names none (data revision {data.get('revision', 'unknown')}): ask whoever gave the text."
    terms = licences.terms_of(licences.joined(licence for _, licence, _ in found))
    text = _table(["source", "licence", "credit"], [list(row) for row in found])
    return text + f"\n\nThe strictest of these terms: {terms}. They were recorded for the study's data as a whole."


def _results(trained: Trained) -> str:
    if not trained.results:
        return "None in this folder; a run's `results.jsonl` holds them."
    seeds = sibling_results(trained)
    values: dict[tuple[Any, ...], list[float]] = {}
    for found in seeds.values():
        for row in found:
            values.setdefault(_measure(row), []).append(row["value"])
    rows = []
    for row in trained.results:
        low, high = row.get("low"), row.get("high")
        interval = f"{low:.3f} to {high:.3f}" if low is not None and high is not None else "not computed"
        over = values.get(_measure(row), [])
        spread = f"{statistics.mean(over):.3f} ± {statistics.stdev(over):.3f} ({len(over)})" if len(over) > 1 else "-"
        better = "higher" if row["higher_is_better"] else "lower"
        what = f"{row['metric']} {row['setting']}".strip()
        rows.append([row["task"], row["lang"], what, f"{row['value']:.3f}", interval, spread, str(row["n"]), better])
    head = ["task", "language", "metric", "this model", "95 % interval over items", "mean ± sd (seeds)", "items"]
    split = ", ".join(sorted({row["split"] for row in trained.results}))
    note = f"Measured on: {split}. Seeds of this variant that are finished: {', '.join(map(str, sorted(seeds)))}."
    return _table([*head, "better"], rows) + f"\n\n{note} The folder's floors and controls are not repeated here."


def _measure(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in _SAME_MEASURE)


def _tokenizer(trained: Trained, compared: Compared, inexact: Sequence[str]) -> str:
    if isinstance(trained.tokenizer, PublishedTokenizer):
        return (
            "The published one that the model began with, unchanged; read back, it cut "
            f"{compared.num_texts:,} texts as in training. There a text that spells a special piece, such as `<s>`, "
            "got a space into it."
        )
    text = (
        "SentencePiece unigram with byte fallback over NFC text whose white space is collapsed (`spm.model`); "
        f"`tokenizer.json` is the same tokenizer, found to cut {compared.num_texts:,} texts alike at export "
        f"({compared.num_tied} of them into other pieces that are as probable, to float32's rounding). A text that "
        "spells a special piece, such as `<s>`, gets that piece, as is the custom in transformers; with "
        "`AutoTokenizer.from_pretrained(..., split_special_tokens=True)` it stays text, as in training."
    )
    if inexact:
        text += (
            f" Not compared, because pieces of this vocabulary overlap with them: {', '.join(map(repr, inexact))}; "
            "text that spells these may be cut finer."
        )
    return text


def _limits(trained: Trained, model: Model | Published) -> str:
    points = [
        "One seed of one configuration: differences smaller than the spread over seeds mean nothing.",
        f"Rows had {trained.length} tokens in training; longer texts are outside what the model has seen.",
        "Results hold for the kinds of text they were measured on; they say nothing of other registers.",
        "Weights are float32; hidden states computed from these files equalled the model's to 1e-4 at export.",
        "No speaker of these languages has reviewed the model's output; it may be wrong or offensive.",
    ]
    if isinstance(model, XLMR) and model.settings.first_position and model.settings.pad != trained.tokenizer.vocab.pad:
        points.append(
            f"`pad_token_id` in config.json is {model.settings.pad}: positions are counted from behind it. The "
            f"tokenizer pads with {trained.tokenizer.vocab.pad}, on the right and masked."
        )
    if not isinstance(model, Published) and (dtype := trained.settings.compute.dtype) != "float32":
        points.append(f"Trained with {dtype} activations; exported and compared in float32.")
    return "\n".join(f"* {point}" for point in points)


def _citation(trained: Trained) -> str:
    version = metadata.version("low-resource-workbench")
    text = f"The low-resource language expansion workbench, version {version} (its `CITATION.cff`)"
    return text + ", and every source credited under “Licences of the data”."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(head), ["---"] * len(head), *escaped])
