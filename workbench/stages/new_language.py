"""`workbench adapt`: a language that a model has never read, from a lexicon and what else there is, in one command.

It gathers what it was given into one folder, writes a study of it (before, adapted, and where asked a control; several
seeds), and runs that: so it continues where it stopped, shows how long it will take, and ends with a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console

from workbench import files, languages, load
from workbench.config import Config, Study
from workbench.config.adapt import Initialise
from workbench.errors import BadInput
from workbench.exchange import trained
from workbench.exchange.trained import Trained
from workbench.models import Model
from workbench.models.published import Published
from workbench.records import Lang, Lexicon
from workbench.reports.spec import SPEC_FILE
from workbench.seeds import stream
from workbench.sources import embedded, lexicon, own_language, text
from workbench.sources.catalogue_kinds import LexiconFormat
from workbench.sources.own_language import LEXICON, MORPHOLOGY, PIVOT
from workbench.stages import source, start, study
from workbench.stages.plan import stages
from workbench.stages.study_file import toml
from workbench.tokenizer.processor import TextTokenizer, Tokenizer, normalize

STUDY_FILE = "study.toml"
BYTES_RATE = 0.2  # of the lexicon's pieces, from which on new pieces are worth learning
MIN_TO_SPLIT = 40  # sentences of real text: with fewer, none is held out
HELD_OUT = {"test": 0.25, "dev": 0.1}
MAX_HELD_OUT = 300
MAX_ENGLISH_BYTES = 4_000_000
REPLAY_BYTES = 400_000  # of each base language


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said."""

    language: str
    lexicon: Path
    format: LexiconFormat = "tsv"
    text: Path | None = None
    dev: Path | None = None
    test: Path | None = None
    paradigms: Path | None = None
    segmentations: Path | None = None
    derivations: Path | None = None
    english: Path | None = None
    vocabulary: Literal["auto", "keep", "extend", "replace"] = "auto"
    pieces: int = 1000
    initialise: Initialise = "lexicon-aligned"
    method: Literal["full", "lora", "madx"] = "full"
    control: bool = False
    seeds: int = 3


def adapt(model: Path, asked: Asked, out: Path, overrides: list[str]) -> int:
    """Make or continue the study under `out` and print its before/after table.

    Raises: BadInput where the language was read in pretraining, the lexicon is in another script than the language,
        a file holds nothing of use, `out` was made by another command, or a setting is wrong; then nothing is written.
    """
    for name, number in (("--seeds", asked.seeds), ("--pieces", asked.pieces)):
        if number < 1:
            raise BadInput(f"{name} {number}: wanted 1 or more")
    if asked.segmentations and not asked.paradigms:
        raise BadInput(f"--segmentations {asked.segmentations}: of forms in a UniMorph table; give --paradigms too")
    say = Console(highlight=False, soft_wrap=True).print
    lang = languages.parse(asked.language)
    start.revision(str(model))  # is there a model at all?
    run = trained.read(model) if start.is_run(model) else None
    opened, tokenizer = start.opened(model)
    _refuse_known(model, run, lang)
    words = lexicon.read(asked.lexicon, asked.format, PIVOT, lang)
    _refuse_script(asked.lexicon, words)
    split = _texts(asked, lang)
    counts = ", ".join(f"{len(texts)} {name}" for name, texts in split.items())
    say(f"{languages.name(lang)} ({lang.tag}): {len(words.entries)} lexicon entries; sentences of real text: {counts}")
    if not split["test"]:
        say(
            f"[yellow]No held-out text of {lang.tag}: how well the model predicts it, and how finely its text is cut, "
            "cannot be measured.[/] Only what is forgotten of English can; give --test, or more --text."
        )
    if isinstance(opened, Published) and asked.method == "madx":
        raise BadInput(f"--method madx: {start.ONLY_OURS}")
    vocabulary = _vocabulary(asked, words, tokenizer)
    say(f"vocabulary: {vocabulary['kind']}; trained: {asked.method}")
    base_texts = _base_texts(asked, run)
    described = _study(model, asked, lang, split, vocabulary, out, opened, run, list(base_texts))
    adapted = _checked(described, overrides).variants["adapted"]
    _refuse_taken(out, toml(described))
    _gather(out / "data", asked, lang, words, split, base_texts)
    files.write_text(out / STUDY_FILE, toml(described))
    tables = _tables(described["name"], lang, bool(split["test"]), asked, adapted)
    files.write_text(out / SPEC_FILE, toml(tables))
    code = study.run(out, overrides, retry_failed=True, dry_run=False)
    study.freeze(out, overrides)
    finished = _adapted(out, overrides)
    say(f"\nresults  {out / 'results.jsonl'}\nmodel    {finished}\nexport   workbench export {finished}")
    return code


def _adapted(out: Path, overrides: list[str]) -> Path:
    """The run of the first seed, of these settings: the folder may hold those of others."""
    made = load.study(out, overrides)
    planned = stages(made, source.revision(made))
    return next(one.folder for one in planned if (one.kind, one.variant) == ("run", "adapted"))


def _refuse_known(model: Path, run: Trained | None, lang: Lang) -> None:
    data = run.part("data") if run else {}
    if lang.tag in data.get("pretrain", ()):
        raise BadInput(
            f"--language {lang.tag}: {model} was pretrained on it, so there is nothing to add; it read "
            f"{', '.join(data['pretrain'])}"
        )
    if run and run.part("adapt").get("resources") and lang.tag in data.get("targets", ()):
        raise BadInput(
            f"--language {lang.tag}: {model} was adapted to it already; take the run of the same study that was not"
        )
    if (pivot := data.get("pivot", PIVOT.tag)) != PIVOT.tag:
        raise BadInput(f"{model}: its pivot is {pivot}; lexicons are read from {PIVOT.tag}")


def _refuse_script(path: Path, words: Lexicon) -> None:
    wanted = languages.scripts_of_writing(words.target.script)
    listed = [one.word for translations in words.entries.values() for one in translations]
    found = languages.script_counts(" ".join(listed))
    if found and sum(found[script] for script in wanted) < 0.5 * sum(found.values()):
        raise BadInput(
            f"{path}: its translations are written in {found.most_common(1)[0][0]}, {words.target.tag} in "
            f"{words.target.script}; is it turned round or of another language? (the tag may also be "
            f"{words.target.code}-{found.most_common(1)[0][0]})"
        )


def _texts(asked: Asked, lang: Lang) -> dict[str, list[str]]:
    """Split -> distinct sentences of real text; no sentence is in two.

    Random: what of --text is held out, from the language.
    """
    given = {"train": asked.text, "dev": asked.dev, "test": asked.test}
    found = {name: _read(path, lang) if path else [] for name, path in given.items()}
    held = {sentence for name in HELD_OUT for sentence in found[name]}
    found["dev"] = [sentence for sentence in found["dev"] if sentence not in set(found["test"])]
    found["train"] = [sentence for sentence in found["train"] if sentence not in held]
    if len(found["train"]) >= MIN_TO_SPLIT:
        order = [found["train"][i] for i in stream(0, "held-out", lang.tag).permutation(len(found["train"]))]
        for name, share in HELD_OUT.items():
            if given[name] is None:
                size = min(MAX_HELD_OUT, int(share * len(order)))
                found[name], order = order[:size], order[size:]
        found["train"] = order
    return found


def _read(path: Path, lang: Lang) -> list[str]:
    sentences = [normalize(document.text) for document in text.documents(path, lang)]
    distinct = list(dict.fromkeys(sentence for sentence in sentences if languages.words(sentence)))
    if not distinct:
        raise BadInput(f"{path}: no sentence of {lang.tag} in it")
    return distinct


def _vocabulary(asked: Asked, words: Lexicon, tokenizer: TextTokenizer) -> dict[str, Any]:
    kind: str = asked.vocabulary
    if not isinstance(tokenizer, Tokenizer):
        if kind == "extend":
            raise BadInput(
                "--vocabulary extend adds pieces to a SentencePiece model of the workbench, and this model's tokenizer "
                "is a published one; take 'keep' or 'replace'"
            )
        kind = "keep" if kind == "auto" else kind
    if kind == "auto":
        listed = [one.word for translations in words.entries.values() for one in translations]
        ids = np.concatenate(tokenizer.encode_all(listed))
        in_bytes = np.mean((ids >= tokenizer.vocab.first_byte) & (ids < tokenizer.vocab.first_piece))
        kind = "extend" if in_bytes >= BYTES_RATE else "keep"
    if kind == "keep":
        return {"kind": "keep"}
    return {"kind": kind, "pieces": asked.pieces, "initialise": asked.initialise}


def _base_texts(asked: Asked, run: Trained | None) -> dict[str, dict[str, list[str]]]:
    """Tag of each of the base's languages, whose text is replayed, the pivot first -> split -> its text."""
    found = {PIVOT.tag: _english(asked)}
    if run is not None:
        for tag in run.part("data").get("pretrain", ()):
            if tag != PIVOT.tag and (texts := _replay(run, tag)):
                found[tag] = {"train": texts}
    return found


def _gather(
    folder: Path,
    asked: Asked,
    lang: Lang,
    words: Lexicon,
    split: dict[str, list[str]],
    base_texts: dict[str, dict[str, list[str]]],
) -> None:
    """Write everything that the study reads, and remove what an earlier command was given and this one is not."""
    lines = {folder / lang.tag / f"{name}.txt": texts for name, texts in split.items() if texts}
    lines |= {folder / tag / f"{name}.txt": texts for tag, own in base_texts.items() for name, texts in own.items()}
    morphology = own_language.morphology(asked.paradigms, asked.segmentations, asked.derivations, lang)
    lines |= {folder / lang.tag / name: rows for name, rows in morphology.items()}
    for name in ("train.txt", "dev.txt", "test.txt", *MORPHOLOGY):
        for stale in set(folder.glob(f"*/{name}")) - set(lines):
            stale.unlink()
    for path, texts in lines.items():
        _write_lines(path, texts)
    lexicon.write(folder / lang.tag / LEXICON, words)


def _english(asked: Asked) -> dict[str, list[str]]:
    if asked.english is None:
        data = embedded.prepare()
        found = {name: [normalize(d.text) for d in data.documents(PIVOT, name)] for name in ("train", "dev", "test")}
        return {name: list(dict.fromkeys(filter(None, texts))) for name, texts in found.items()}
    every = _read(asked.english, PIVOT)
    order = [every[i] for i in stream(0, "held-out", PIVOT.tag).permutation(len(every))]
    size = min(MAX_HELD_OUT, len(order) // 4)
    kept, used = [], 0
    for sentence in order[2 * size :]:
        used += len(sentence.encode())
        if used > MAX_ENGLISH_BYTES:
            break
        kept.append(sentence)
    return {"train": kept, "dev": order[:size], "test": order[size : 2 * size]}


def _replay(run: Trained, tag: str) -> list[str]:
    """Text of a base language as the run's corpus kept it; nothing where the corpus is gone."""
    corpus = run.stage("corpus")
    if corpus is None or not (corpus.folder / f"{tag}.ids.npy").is_file():
        return []
    ids, segments = (np.load(corpus.folder / f"{tag}.{part}.npy", mmap_mode="r") for part in ("ids", "segments"))
    found, used = [], 0
    for row, segment in zip(ids, segments, strict=True):
        for number in range(1, int(segment.max()) + 1):
            found.append(normalize(run.tokenizer.decode(row[segment == number])))
            used += len(found[-1].encode())
        if used > REPLAY_BYTES:
            break
    return [sentence for sentence in found if sentence]


def _write_lines(path: Path, lines: list[str]) -> None:
    files.write_text(path, "".join(f"{line}\n" for line in lines))


def _study(
    model: Path,
    asked: Asked,
    lang: Lang,
    split: dict[str, list[str]],
    vocabulary: dict[str, Any],
    out: Path,
    opened: Model | Published,
    run: Trained | None,
    base_langs: list[str],
) -> dict[str, Any]:
    resources = ["pseudo", "word-list"]
    given = {"paradigm": asked.paradigms, "segment": asked.segmentations, "derive": asked.derivations}
    tasks = [task for task, path in given.items() if path]
    resources += ["inflection"] if tasks else []
    resources += ["few-text"] if split["train"] else []
    method: dict[str, Any] = {"kind": asked.method}
    adapted = {"resources": resources, "vocabulary": vocabulary, "method": method}
    pretrain = run.part("pretrain") if run else {}
    kept = {name: value for name, value in pretrain.items() if name in ("length", "mixture", "pivot_share")}
    if len(base_langs) == 1:  # nothing is mixed
        kept = {name: value for name, value in kept.items() if name == "length"}
    elif kept.get("mixture", {}).get("kind") == "explicit":
        weights = {tag: weight for tag, weight in kept["mixture"]["weights"].items() if tag in base_langs}
        kept["mixture"] = {"kind": "explicit", "weights": weights}
    base: dict[str, Any] = {
        "data": {
            "source": {"kind": "new-language", "folder": str((out / "data").absolute())},
            "pretrain": base_langs,
            "targets": [lang.tag],
            "pivot": PIVOT.tag,
            "few_text": max(1, len(split["train"])),
        },
        "pretrain": {"start": str(model.absolute()), **kept},
        "objective": run.part("objective") if run else {"kind": "mlm"},
        "evaluate": {"measures": ["bits", "fertility"]},
    }
    if set(tasks) - {"paradigm"}:  # which is what a study does by itself
        base["synth"] = {"inflection_tasks": tasks}
    if not isinstance(opened, Published):
        base["model"] = opened.settings.identity()
    if run and run.part("tokenizer"):
        base["tokenizer"] = run.part("tokenizer")
    variants: dict[str, Any] = {"before": {}}
    if asked.control:
        variants["control"] = {"adapt": adapted, "synth": {"permute_lexicon": True}}
    variants["adapted"] = {"adapt": adapted}
    return {
        "name": f"adapt-{lang.tag.lower()}",
        "question": f"What does {languages.name(lang)} gain from its lexicon?",
        "seeds": list(range(asked.seeds)),
        "reference": "before",
        "where": {"runs": str((out / "runs").absolute())},
        "base": base,
        "variants": variants,
    }


def _checked(described: dict[str, Any], overrides: list[str]) -> Study:
    """The study as it will be read, before anything of it is kept.

    Raises: BadInput with every problem, as `load.study`.
    """
    found = load.described(described, overrides, "the study that this command makes")
    assert isinstance(found, Study)
    return found


def _bits(config: Config) -> dict[str, str]:
    """Which of the bits that `evaluation.bits.measure` finds are shown of such a model, and what they are."""
    kind = config.objective.kind
    title, how = {
        "encoder": ("Masked pseudo-likelihood", " when every piece is masked in turn"),
        "decoder": ("Prediction", ", each piece after those before it"),
        "encoder-decoder": ("Restoration", f" as it writes them from what its objective ({kind}) leaves"),
    }[config.model.kind]
    metric, setting = config.bits
    caption = f"Bits per byte that the model spends on held-out sentences{how}."
    return {"title": f"{title} of held-out text", "caption": caption, "metric": metric, "setting": setting}


def _tables(name: str, lang: Lang, has_test: bool, asked: Asked, config: Config) -> dict[str, Any]:
    rows = [{"variant": one} for one in ["before", *["control"] * asked.control, "adapted"]]
    columns = [lang.tag] if has_test else [PIVOT.tag]
    aside = [PIVOT.tag] if has_test else []
    shown = _bits(config)
    if config.adapt.vocabulary.kind != "keep":
        shown["caption"] += (
            f" The model before has other pieces, so its {lang.tag} cannot be compared with the rows below it"
            + ("; the control can." if asked.control else "; --control gives a row that can.")
        )
    if not has_test:
        shown["caption"] += f" No text of {lang.tag} was held out: English alone, which shows what was forgotten."
    bits = {
        "name": "bits",
        **shown,
        "task": "lm",
        "unit": "bits per byte",
        "digits": 3,
        "columns": columns,
        "aside": aside,
        "best": False,
        "rows": rows,
    }
    fertility = {
        "name": "fertility",
        "title": "How finely text is cut",
        "caption": "Pieces per word of the held-out sentences: fewer is cheaper, and more context in a row.",
        "task": "tokenizer",
        "metric": "pieces_per_word",
        "unit": "pieces per word",
        "columns": columns,
        "aside": aside,
        "best": False,
        "rows": rows,
    }
    return {"study": name, "table": [bits, fertility]}


def _refuse_taken(out: Path, study_text: str) -> None:
    file = out / STUDY_FILE
    if file.is_file() and file.read_text("utf-8") != study_text:
        raise BadInput(
            f"{file}: made by another command; give another --out, or change what you want with --set: nothing was "
            "overwritten"
        )
