"""What the catalogue says of a language, in words: what there is, what can be done with it today, what cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from workbench import languages
from workbench.errors import BadInput
from workbench.licences import Terms
from workbench.records import Lang
from workbench.sources import linguameta
from workbench.sources.catalogue import Catalogue, Entry
from workbench.sources.catalogue_kinds import LexiconFormat, Resource
from workbench.sources.lines import Report
from workbench.sources.published import DATASETS, LEXICONS

TASKS: tuple[Resource, ...] = (
    "intents", "slots", "topics", "sentiment", "parts of speech", "named entities", "inflection task",
)  # fmt: skip
FEW_SENTENCES = 2000  # running text below this is `few-text`: more is worth a base of its own
# Languages that the base model of experiments/quickstart reads: there they cannot be targets.
QUICKSTART_BASE = frozenset(
    {"eng", "deu", "fra", "spa", "ita", "rus", "ell", "glg", "fin", "swa", "swh", "hau", "yor"}
)  # fmt: skip
UNLABELLED = frozenset({"hau", "nya", "yor"})  # embedded without requests, which the quickstart's tables show


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a language has, by what it is good for. `embedded`: counts of the embedded default, None without it."""

    lang: Lang
    entries: tuple[Entry, ...]
    embedded: dict[str, int] | None

    def named(self, *wanted: Resource) -> list[str]:
        """The data sets that have one of these resources."""
        return list(
            dict.fromkeys(each.dataset.name for each in self.entries if set(wanted) & set(each.dataset.resources))
        )

    def entries_of(self, name: str) -> list[Entry]:
        return [each for each in self.entries if each.dataset.name == name]

    @property
    def published(self) -> bool:
        """Whether a study of `data.source` 'published' may have it as a target, with more than the embedded default."""
        own = {self.lang, *languages.counterparts(self.lang)}
        names = {each.dataset.name for each in self.entries if each.lang in own}
        return bool(names & set(DATASETS if self.embedded is not None else LEXICONS)) and (
            self.embedded is not None or "ntrex" in names
        )

    @property
    def texts(self) -> list[Entry]:
        """What language models may be trained on."""
        kinds = {"text", "parallel"}
        return [each for each in self.entries if kinds & set(each.dataset.resources) and not each.dataset.held_out]


def holdings(catalogue: Catalogue, lang: Lang, embedded: dict[Lang, dict[str, int]] | None = None) -> Holdings:
    """`embedded` has the languages of the embedded default, with counts where it is built."""
    counts = embedded or {}
    mine = next((counts[each] for each in (lang, *languages.counterparts(lang)) if each in counts), None)
    return Holdings(lang, catalogue.of_language(lang), mine)


def recipe(found: Holdings) -> tuple[list[str], str]:
    """(the `adapt.resources` of a study, why): what continued training can use of what is catalogued."""
    num_rows = sum(entry.rows for entry in found.texts)
    return _recipe(bool(found.named("lexicon")), bool(found.named("paradigms")), bool(found.texts), num_rows)


def embedded_recipe(counts: dict[str, int]) -> tuple[list[str], str]:
    """The same of the embedded default alone, whose languages all have text and a lexicon."""
    return _recipe(True, bool(counts.get("inflections")), True, counts.get("train strings", 0))


def _recipe(lexicon: bool, paradigms: bool, has_text: bool, num_rows: int) -> tuple[list[str], str]:
    resources, why = [], []
    if lexicon:
        resources.append("pseudo")
        why.append("a lexicon turns English sentences into pseudo text (Wang, Ruder and Neubig 2022)")
    if paradigms:
        resources.append("inflection")
        why.append("paradigms become inflection tasks beside it")
    if num_rows >= FEW_SENTENCES:
        resources.append("all-text")
        why.append(f"there are {num_rows:,} pieces of text to train on: compare with and without the lexicon")
    elif has_text:
        resources.append("few-text")
        beside = "together with the pseudo text" if lexicon else "alone, for there is no lexicon"
        why.append(f"there is a little running text: train on it {beside}")
    elif resources:
        why.append("no running text of it is known here: this is the no-text setting")
    return resources, "; ".join(why)


def describe(catalogue: Catalogue, found: Holdings, facts: linguameta.LanguageFacts | None = None) -> Group:
    """The answer to `workbench data show`, ready to print."""
    lang = found.lang
    parts: list[Text | Padding] = [Text(f"{languages.name(lang)}  {lang.tag}", style="bold")]
    if others := languages.counterparts(lang):
        named = ", ".join(f"{other.tag} ({languages.name(other)})" for other in others)
        parts.append(Text(f"Also filed under {named}: listed with it, by its own tag."))
    if facts is not None:
        parts.append(Text(_facts(facts)))
        if members := _members_with_data(catalogue, facts, {lang.code, *(other.code for other in others)}):
            parts.append(Text(f"Members with data of their own: {', '.join(members)}."))
    if found.entries or found.embedded is not None:
        parts.append(Padding(_table(found), (1, 0)))
    for line in _advice(found):
        is_command = line.startswith("  workbench ")  # to be copied: never broken
        parts.append(Text(line, no_wrap=is_command, overflow="ignore" if is_command else None))
    return Group(*parts)


def _facts(facts: linguameta.LanguageFacts) -> str:
    speakers = "number of speakers not given" if facts.speakers is None else f"{facts.speakers:,} speakers"
    danger = facts.endangerment.lower() or "endangerment not given"
    return f"{speakers}, {danger}, written in {', '.join(facts.scripts) or 'a script not given'} (LinguaMeta)"


def _members_with_data(catalogue: Catalogue, facts: linguameta.LanguageFacts, shown: set[str]) -> list[str]:
    there = {entry.lang.code: entry.lang for entry in catalogue.entries}
    return [
        f"{there[code].tag} ({languages.name(code)})" for code in facts.members if code in there and code not in shown
    ]


def _table(found: Holdings) -> Table:
    columns = ("data set", "what", "filed as", "size", "licence", "home")
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    if found.embedded is not None:
        amount = ", ".join(f"{number:,} {what.replace('_', ' ')}" for what, number in found.embedded.items() if number)
        table.add_row("embedded", "ready to run", found.lang.tag, amount or "not built yet", "per source", "fetch")
    for entry in sorted(found.entries, key=_by_use):
        size = f"{entry.rows:,} rows" if entry.rows else _amount(entry)
        what = ", ".join(entry.dataset.resources) + (" (for tests)" if entry.dataset.held_out else "")
        licence = entry.licence + (" (say yes)" if entry.dataset.needs_yes else "")
        home = "fetch" if entry.is_fetchable else "by hand"
        table.add_row(entry.dataset.name, what, _filed(entry, found.lang), Text(size), Text(licence), home)
    return table


def _amount(entry: Entry) -> str:
    """The source's own list says which treebanks, or the tasks of which years."""
    said = {"conllu": "treebanks ", "sigmorphon2023": "of "}.get(entry.dataset.format, "") if entry.amount else ""
    return said + entry.amount if entry.amount else "not counted"


def _by_use(entry: Entry) -> tuple[bool, int, str]:
    kinds = get_args(Resource)
    return entry.dataset.held_out, min(kinds.index(kind) for kind in entry.dataset.resources), entry.dataset.name


def _filed(entry: Entry, lang: Lang) -> str:
    return entry.lang.tag + ("" if entry.lang == lang or entry.code == entry.lang.code else f" ({entry.code})")


def _advice(found: Holdings) -> Iterable[str]:
    lang, name = found.lang, languages.name(found.lang)
    if not found.entries and found.embedded is None:
        yield "No resource of this language is in the catalogue, which is not to say that there is none."
        if lang.script == "Sgnw":
            yield "The workbench reads writing: of a signed language that is SignWriting, or glosses (say -Latn)."
            return
        yield (
            f"What helps most is a word list, one pair a line, English and {name}: "
            f"`workbench data add NAME FILE --format tsv --lang {lang} --resource lexicon ...` takes it in."
        )
        return
    if found.entries and all(entry.lang.script != lang.script for entry in found.entries):
        there = ", ".join(sorted({entry.lang.tag for entry in found.entries}))
        yield f"Mind: nothing here is written in {lang.script}; what there is, is {there}."
    resources, _ = recipe(found)
    if found.embedded is not None:
        yield from _today(found, resources)
    elif resources:
        yield from _fitting(found)
    else:
        yield "Nothing here to train on: what there is serves tests only. `workbench data add` takes your own."
    if found.entries:
        yield _how_to_fetch(found)
        yield from _how_to_read(found)
    yield _measures(found)
    if not found.named("lexicon") and found.embedded is None:
        yield "No bilingual lexicon is known here; PanLex and Wiktionary (kaikki.org) have small ones of many more."
    if asked := sorted({entry.dataset.name for entry in found.entries if entry.dataset.needs_yes}):
        yield f"Only with --accept-licence (non-commercial, or nothing stated): {', '.join(asked)}."
    for dataset, caveat in {entry.dataset.name: entry.dataset.caveat for entry in found.entries}.items():
        if caveat:
            yield f"Mind, {dataset}: {caveat}."


def _today(found: Holdings, resources: list[str]) -> Iterable[str]:
    """What a study of the embedded default can do with the language, as a command."""
    now, because = embedded_recipe(found.embedded or {})
    if found.lang.code == "eng":
        yield "English is what studies set out from (data.pivot): its text, its labelled requests, its lexicons."
        return
    study = "alignment_objectives" if found.lang.code in UNLABELLED else "quickstart"
    codes = {lang.code for lang in (found.lang, *languages.counterparts(found.lang))}
    is_read = not codes.isdisjoint(QUICKSTART_BASE - UNLABELLED)
    base = " --set 'data.pretrain=[\"eng-Latn\"]' --set pretrain.pivot_share=1.0" if is_read else ""
    yield "Runs today, with one download of 150 MB:"
    yield f"  workbench run experiments/{study} --set 'data.targets=[\"{found.lang}\"]'{base}"
    yield f"The recipe that fits: adapt.resources = {_toml(now)},"
    yield f"  since {because}."
    if more := [kind for kind in resources if kind not in now and f"all-{kind[4:]}" not in now]:
        yield f"What can be fetched adds to that: {_toml(more)}."


def _fitting(found: Holdings) -> Iterable[str]:
    """What trains on the language's resources: a study where a source has them, else `workbench adapt`."""
    resources, why = recipe(found)
    if found.published:
        yield f'The recipe that fits: data.source = {{ kind = "published" }}, adapt.resources = {_toml(resources)},'
    elif lexicons := found.named("lexicon"):
        yield "The recipe that fits, of a model that has not read the language:"
        yield f"  {_adapt(found, lexicons[0])}"
    elif found.texts:
        text, why = _recipe(False, False, True, sum(entry.rows for entry in found.texts))
        yield f'The recipe that fits: data.source.kind = "files", adapt.resources = {_toml(text)},'
    else:
        yield "Paradigms alone train no language model; a word list beside them would (`workbench data add`)."
        return
    yield f"  since {why}."


def _adapt(found: Holdings, lexicon: str) -> str:
    style = found.entries_of(lexicon)[0].dataset.format
    written = f" --lexicon-format {style}" if style != "tsv" and style in get_args(LexiconFormat) else ""
    paradigms = " --paradigms FILE" if found.named("paradigms") else ""
    text = " --text FILE" if found.texts else ""
    return f"workbench adapt RUN --language {found.lang} --lexicon FILE{written}{paradigms}{text}"


def _toml(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _how_to_fetch(found: Holdings) -> str:
    names = list(dict.fromkeys(entry.dataset.name for entry in found.entries if entry.is_fetchable))
    if not names:
        return "All of it is to be fetched by hand from its pages; `workbench data fetch NAME` says how."
    others = f" (so too {', '.join(names[1:])})" if names[1:] else ""
    yes = " --accept-licence" if found.entries_of(names[0])[0].dataset.needs_yes else ""
    return f"`workbench data fetch {names[0]} --lang {found.lang}{yes}` fetches it{others}."


def _how_to_read(found: Holdings) -> Iterable[str]:
    """Which commands and sources read what was fetched."""
    if found.published:
        yield (
            'A study with data.source = { kind = "published" } reads what was fetched of '
            f"{', '.join(DATASETS)} beside the embedded default; it wants gatitos and ntrex."
        )
    is_told = not found.published and found.embedded is None  # as the recipe that fits
    if (lexicons := found.named("lexicon")) and not is_told and found.lang.code != "eng":
        yield "A model that has not read the language takes it in from a lexicon, with text where there is any:"
        yield f"  {_adapt(found, lexicons[0])}"
    if found.texts:
        yield 'Any text is read from a folder by a study with data.source.kind = "files": text alone, no lexicons.'


def _measures(found: Holdings) -> str:
    tasks = [f"{task} ({', '.join(found.named(task))})" for task in TASKS if found.named(task)]
    if aligned := found.named("parallel"):
        tasks.insert(0, f"sentence retrieval and loss on aligned text ({', '.join(aligned)})")
    if found.embedded is not None:
        tasks.append("the embedded default's own held-out text")
    if tasks:
        return f"What can be measured: {'; '.join(tasks)}."
    return "What can be measured: nothing against human labels; only the loss on text that you hold out yourself."


def listing(
    catalogue: Catalogue,
    resource: Resource | None = None,
    num_embedded: int = 0,
    *,
    lang: Lang | None = None,
    terms: Terms | None = None,
) -> Table:
    """Every data set in one table, or those that have a resource, have a language, stand under some terms."""
    with_lang = None if lang is None else {entry.dataset.name for entry in catalogue.of_language(lang)}
    table = Table("data set", "what", "languages", "pinned files", "rows", "licence", box=None, header_style="bold")
    for dataset in catalogue.datasets.values():
        fits = with_lang is None or dataset.name in with_lang
        if fits and resource in (None, *dataset.resources) and terms in (None, dataset.terms):
            files = catalogue.files_of(dataset.name)
            is_embedded = dataset.format == "embedded"
            num_languages = num_embedded if is_embedded else len(catalogue.languages_of(dataset.name))
            table.add_row(
                dataset.name,
                Text(", ".join(dataset.resources)),
                str(num_languages or "-"),
                str(len(files) or "-"),
                f"{sum(file.rows for file in files):,}" if files else "-",
                Text(dataset.licence + (" (say yes)" if dataset.needs_yes else "")),
            )
    return table


def facts_of(root: Path, lang: Lang) -> linguameta.LanguageFacts | None:
    """LinguaMeta's row, where the user has fetched it."""
    path = root / "linguameta" / "linguameta.tsv"
    if not path.is_file():
        return None
    return next((row for row in linguameta.read(path, Report()) if row.code == lang.code), None)


def find(text: str) -> Lang:
    """The language that a user means: a tag, a code of two or three letters, or an English name.

    Raises: BadInput with the nearest.
    """
    try:
        return languages.parse(text)
    except BadInput as error:
        for convention in ("bcp47", "wechsel"):
            try:
                return languages.from_source(text if convention == "bcp47" else text.lower(), convention)
            except BadInput:
                continue
        raise error


def printed(part: Group | Table, width: int | None = None) -> str:
    """What a terminal would show, as text."""
    console = Console(width=width or 118, no_color=True, highlight=False, force_terminal=False)
    with console.capture() as capture:
        console.print(part, crop=False)
    return capture.get()
