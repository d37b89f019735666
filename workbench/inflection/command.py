"""`workbench inflect`: split tables of inflections, train on them, write the forms of others, score what was written.

Importing this loads no jax.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from workbench import bars, config, load
from workbench.arguments import at_least, share
from workbench.errors import BadInput
from workbench.inflection import remarks, rows
from workbench.inflection.floors import TITLES, floors, mean_scores
from workbench.inflection.presets import preset
from workbench.inflection.rows import Row, Table
from workbench.inflection.score import Score, by_group, forms_of, macro_average, misspelt, score
from workbench.inflection.split import cells, split
from workbench.runs import memory
from workbench.sources.lines import unpacked
from workbench.sources.sigmorphon import name_in

SAID_BY_FILES = ("data.folder", "data.languages", "data.multilingual", "split")


def add_parser(verbs: argparse._SubParsersAction) -> None:
    """The verb `inflect` and its four verbs."""
    about = "inflect words by a character model: any file in the layout of the SIGMORPHON shared tasks, or of UniMorph"
    parser: argparse.ArgumentParser = verbs.add_parser("inflect", help=about, description=about)
    inner = parser.add_subparsers(required=True, metavar="VERB")

    parts = inner.add_parser("split", help="cut tables into training, dev and test files that share no lemma")
    parts.add_argument("files", nargs="+", type=Path, help="tables; those of one language are taken together")
    parts.add_argument("--out", type=Path, required=True, help="folder for LANGUAGE.trn, .dev and .tst")
    parts.add_argument("--seed", type=at_least(0), default=0)
    for part, what in {"dev": "to choose weights", "test": "to be scored"}.items():
        parts.add_argument(f"--{part}", type=share, default=0.1, metavar="SHARE", help=f"of the rows, {what} (0.1)")
    parts.set_defaults(func=_split)

    train = inner.add_parser("train", help="train one model on the files given, of one language or of several")
    train.add_argument("files", nargs="+", type=Path, help="training files; the name says the language: tur.trn")
    train.add_argument(
        "--dev", nargs="+", type=Path, required=True, help="files that choose the weights to keep; split makes some"
    )
    train.add_argument("--out", type=Path, required=True, help="folder to make; a run that was stopped goes on there")
    train.add_argument(
        "--preset",
        choices=["cpu", "gpu"],
        default="cpu",
        help="cpu: some seven minutes of one core; gpu: 20,000 large batches",
    )
    train.add_argument("--seed", type=at_least(0), default=0)
    train.add_argument(
        "--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE", help="e.g. train.steps=4000"
    )
    train.set_defaults(func=_train)

    predict = inner.add_parser("predict", help="write the forms of covered or gold files, as a submission has them")
    predict.add_argument("files", nargs="+", type=Path, help="lemma and features; forms, where there are, are not read")
    predict.add_argument(
        "--model", nargs="+", type=Path, required=True, help="folders of trained models; several vote on each character"
    )
    predict.add_argument("--out", type=Path, required=True, help="folder for a file of the same name each, unpacked")
    predict.add_argument(
        "--beams", type=at_least(1), help="1: greedy search (default: as the model was trained to search)"
    )
    predict.set_defaults(func=_predict)

    evaluate = inner.add_parser("evaluate", help="score written files against gold ones, beside the floors")
    evaluate.add_argument("files", nargs="+", type=Path, help="gold files")
    evaluate.add_argument("--given", type=Path, required=True, help="the written file, or the folder of files")
    evaluate.add_argument(
        "--train", nargs="+", type=Path, default=[], help="training files, for the floors that read them"
    )
    evaluate.add_argument("--groups", action="store_true", help="also by part of speech and feature")
    evaluate.set_defaults(func=_evaluate)


def _split(options: argparse.Namespace) -> int:
    _can_be_folder(options.out)
    if options.dev + options.test >= 1.0:
        raise BadInput(f"--dev {options.dev} and --test {options.test}: wanted shares that leave some rows to train on")
    by_lang: dict[str, list[Row]] = {}
    for table in _read(options.files):
        if table.covered:
            raise BadInput(f"{table.path}: a covered file (lemma, features); what is split must have forms")
        by_lang.setdefault(table.lang, []).extend(table.rows)
    unique = {lang: cells(found) for lang, found in by_lang.items()}
    made = {
        lang: split(own.rows, dev=options.dev, test=options.test, seed=options.seed) for lang, own in unique.items()
    }
    for place in (options.out / f"{lang}.{part}" for lang, parts in made.items() for part in parts):
        if place.exists():
            raise BadInput(f"--out: {place} is there already; give another folder, or remove it")
    for lang, parts in made.items():
        own = unique[lang]
        left = f"left out {own.repeated:,} repeated and {own.other_forms:,} with a second form for a cell"
        print(f"{lang}: {len(own.rows):,} rows; {left}")
        for part, found in parts.items():
            place = options.out / f"{lang}.{part}"
            rows.write_rows(place, found, rows.NEWEST)
            print(f"  {place}: {len(found):,} rows, {len({row.lemma for row in found}):,} lemmas")
    return 0


def _can_be_folder(out: Path) -> None:
    """Raises: BadInput where `out`, or what it is to lie in, is a file."""
    there = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not there.is_dir():
        raise BadInput(f"--out: {there} is a file; wanted a folder, which is made where there is none")


def _train(options: argparse.Namespace) -> int:
    _can_be_folder(options.out)
    training, dev = _read(options.files), _read(options.dev)
    if ignored := [one for one in options.overrides if one.split("=")[0].strip() in SAID_BY_FILES]:
        raise BadInput(f"--set {ignored[0]}: the training files say that; name others, or leave it out")
    langs = tuple(dict.fromkeys(row.lang for table in training for row in table.rows))
    data = config.InflectionData(folder=str(options.files[0].parent), languages=langs, multilingual=len(langs) > 1)
    settings = load.override(preset(options.preset, data), options.overrides)
    others = sorted({row.lang for table in dev for row in table.rows} - set(langs))
    if others:
        raise BadInput(f"--dev: {others} have no training file; the languages are {list(langs)}")
    _say(remarks.of_dev(_rows(training), _rows(dev)))
    memory.keep_freed()
    from workbench.inflection.train import fit, looks, sample
    from workbench.training.loop import StepLog

    @cache
    def last_look(number: int) -> str:
        return "".join(f" · dev {100 * (1 - error):.1f} %" for error in list(looks(options.out).values())[-1:])

    def note(log: StepLog) -> str:
        said = f"loss {log.loss_nats_per_token:.3f} · {log.tokens_per_second:,.0f} characters and features/s"
        return said + last_look((log.step - 1) // settings.train.look_every)  # a look comes after its step's log

    with bars.shown() as display:
        task = display.task("training", settings.train.steps)
        fit(
            settings,
            _rows(training),
            _rows(dev),
            folder=options.out,
            seed=options.seed,
            on_step=lambda log: display.reach(task, log.step, note(log)),
        )
    found = looks(options.out)
    step, error = min(found.items(), key=lambda look: (look[1], -look[0]))  # the last of equals is kept
    of_dev = mean_scores(sample(_rows(training), settings.data.train_size, options.seed), _rows(dev))
    told = (f"{TITLES[name]} {100 * floor.exact_match:.1f} %" for name, floor in of_dev.items())
    print(f"floors   {', '.join(told)} exact on dev")
    print(f"dev      {100 * (1 - error):.1f} % exact after {step:,} steps, the best of {len(found)} looks; kept")
    print(f"model    {options.out}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    _can_be_folder(options.out)
    tables = _read(options.files)
    places = [options.out / unpacked(table.path.name) for table in tables]
    for table, place in zip(tables, places, strict=True):
        if place.resolve() == table.path.with_name(place.name).resolve():
            raise BadInput(f"--out: {place} is the file that is read; give another folder")
        if places.count(place) > 1:
            raise BadInput(f"{table.path}: another file is also written to {place}; give each an --out of its own")
    memory.keep_freed()
    from workbench.inflection.train import load as load_inflector
    from workbench.inflection.train import write

    voters = [load_inflector(folder) for folder in options.model]
    first = voters[0]
    for folder, other in zip(options.model, voters, strict=True):
        if other.alphabet != first.alphabet or other.languages != first.languages:
            raise BadInput(
                f"{folder}: its languages, characters, features or directions differ from those of {options.model[0]}; "
                "only models of the same training rows can vote"
            )
    for table in tables:
        _say(remarks.of_question(table, first.languages, first.alphabet))
    search = first.search if options.beams is None else load.override(first.search, [f"beams={options.beams}"])
    with bars.shown() as display:
        task = display.task("writing", sum(len(table.rows) for table in tables))
        for table, place in zip(tables, places, strict=True):
            roomy = first.search_for(table.rows, search)
            forms = write(voters, table.rows, roomy)
            if cut := sum(len(form) >= roomy.max_length for form in forms):
                say = f"{cut} of {len(forms)} forms have no end: they were cut off at {roomy.max_length} characters"
                print(f"{table.path}: {say}", file=sys.stderr)
            rows.write(place, table, forms)
            display.advance(task, len(table.rows), str(place))
            print(place)
            memory.forget_programs()
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    gold = _read(options.files)
    training: dict[str, list[Row]] = {}
    for table in _read(options.train):
        if table.covered:
            raise BadInput(f"--train: {table.path} is a covered file (lemma, features); floors learn from forms")
        training.setdefault(table.lang, []).extend(table.rows)
    scores: dict[str, list[Score]] = {}
    for table in gold:
        given = rows.read(_written(options.given, table), table.lang, submission=True)
        written = forms_of(given, table)
        answers = [row.form or "" for row in table.rows]
        print(table.path)
        beside = floors(training.get(table.lang, []), table.rows)
        found = {"given": written, **{TITLES[name]: forms for name, forms in beside.items()}}
        for name, forms in found.items():
            one = score(answers, forms)
            scores.setdefault(name, []).append(one)
            print(_line(name, one))
            if name == "given" and (more := misspelt(answers, forms)):
                print(f"  {'':24} {more} more would be right in NFC, without spaces around")
        for name, members in by_group(table.rows).items() if options.groups else ():
            of_group = score([answers[number] for number in members], [written[number] for number in members])
            print(_line(f"  {name}", of_group))
    if len(gold) > 1:
        print(f"macro-average of {len(gold)} files")
        for name, several in scores.items():
            if len(several) == len(gold):
                print(_line(name, macro_average(several)))
    if without := dict.fromkeys(table.lang for table in gold if table.lang not in training):
        floor = f"{TITLES['rules']} and {TITLES['nonneural']}"
        print(f"{', '.join(without)}: without {floor}; give training files of the language by --train")
    return 0


def _written(given: Path, gold: Table) -> Path:
    """The file to score: the one given, or in a folder that of the gold file's name (with its packing or without it),
    or else the one of its language.

    Raises: BadInput where a folder has none or several.
    """
    if not given.is_dir():
        return given
    for name in (gold.path.name, unpacked(gold.path.name)):
        if (given / name).is_file():
            return given / name
    lang = name_in(gold.path)
    own = sorted(path for path in given.iterdir() if path.is_file() and name_in(path) == lang)
    if len(own) != 1:
        found = ", ".join(path.name for path in own) or "none"
        raise BadInput(
            f"--given: {given} has no {gold.path.name}, and of its files one alone must be of {lang}; found {found}; "
            "name the file itself"
        )
    return own[0]


def _line(name: str, found: Score) -> str:
    right = f"exact match {100 * found.exact_match:6.2f} %"
    return f"  {name:24} {right}   edit distance {found.edit_distance:.3f}   n {found.n}"


def _read(paths: Sequence[Path]) -> list[Table]:
    tables = [rows.read(path) for path in paths]
    for table in tables:
        _say([f"{table.path}: {table.lang}, {len(table.rows)} rows, {_columns(table)}", *remarks.of_columns(table)])
    return tables


def _rows(tables: Iterable[Table]) -> list[Row]:
    return [row for table in tables for row in table.rows]


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def _columns(table: Table) -> str:
    return "covered" if table.covered else rows.ORDERS[table.order]
