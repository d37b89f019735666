"""The catalogue: its facts, what it says of a language, checking files against it."""

import argparse
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from workbench import languages, load
from workbench.errors import BadInput
from workbench.files import sha256_file
from workbench.records import Lang
from workbench.reports import spec
from workbench.sources import catalogue, catalogue_cli, catalogue_read, catalogue_show, embedded, fetch, language_id
from workbench.sources.catalogue import Catalogue, Dataset, KnownFile
from workbench.sources.embedded import intents, locales, pins
from workbench.stages import new_language_cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return catalogue.load()


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    catalogue_cli.add_parser(parser.add_subparsers(required=True))
    return parser.parse_args(arguments)


def run(*arguments: str) -> int:
    options = parsed("data", *arguments)
    code: int = options.func(options)
    return code


def small(place: Path, rows: int = 2, sha256: str = "") -> Catalogue:
    """A catalogue of one data set with one stated file."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "cym.tsv").write_text("water\tdŵr\nbread\tbara\n", "utf-8")
    dataset = Dataset(
        name="mine", title="mine", resources=("lexicon",), licence="CC0-1.0", terms="open", citation="me",
        page="", convention="iso639_3", format="gatitos",
    )  # fmt: skip
    checksum = sha256 or sha256_file(place / "cym.tsv")
    file = KnownFile("mine", "cym.tsv", languages.parse("cym"), rows, 0, 24, checksum, catalogue.DERIVED)
    return Catalogue({"mine": dataset}, (file,), ())


def test_every_fact_names_a_data_set_and_a_language_and_stays_in_its_folder(known: Catalogue) -> None:
    assert len(known.files) == 758
    assert len({(file.dataset, file.path) for file in known.files}) == 758
    assert len({entry.lang.code for entry in known.entries}) > 600
    assert len({(entry.dataset.name, entry.lang) for entry in known.entries}) == len(known.entries)
    for dataset in known.datasets.values():
        assert dataset.homes, dataset.name
        assert dataset.page.startswith("https://")


def test_lexicons_are_stated_as_in_their_own_manifest(known: Catalogue) -> None:
    with (ROOT / "lexicons" / "MANIFEST.toml").open("rb") as file:
        manifest = tomllib.load(file)
    stated = {(file.dataset, file.path): file for file in known.files}
    num_files = 0
    for name, source in manifest.items():
        for path, wanted in source.get("files", {}).items():
            found = stated[name, path]
            assert (found.rows, found.dropped, found.sha256) == (
                wanted["rows"],
                wanted.get("dropped", 0),
                wanted["sha256"],
            ), path
            num_files += 1
    assert num_files == 245


def test_a_data_set_that_is_not_known_gets_the_nearest_names(known: Catalogue) -> None:
    with pytest.raises(BadInput, match=r"data set 'sib-200' is not in the catalogue; nearest: \['sib200'"):
        known.dataset("sib-200")
    with pytest.raises(BadInput, match=r"data set 'sigmorphon2023' is not in .*; it is the folder of sigmorphon;"):
        known.dataset("sigmorphon2023")
    with pytest.raises(BadInput, match=r"it is the folder of [a-z-]+ and [a-z-]+;"):
        known.dataset("lexicon_gpl")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", "", "a\\b", "c:x", "a\nb", "a\0b"])
def test_a_path_of_the_catalogue_never_leaves_its_folder(name: str) -> None:
    with pytest.raises(BadInput, match="below its data set's folder"):
        catalogue.safe(name)


def shown(known: Catalogue, text: str, embedded: dict[Lang, dict[str, int]] | None = None) -> str:
    found = catalogue_show.holdings(known, catalogue_show.find(text), embedded)
    return " ".join(catalogue_show.printed(catalogue_show.describe(known, found)).split())


TWENTY = (
    "eng", "deu", "swa", "cym", "mlt", "ady", "que", "twi", "kaz", "bam", "nso", "hat", "lug", "cop", "zho", "jpn",
    "srp-Cyrl", "lzh", "tok", "aao",
)  # fmt: skip


@pytest.mark.parametrize("text", TWENTY)
def test_languages_of_all_kinds_are_described(known: Catalogue, text: str) -> None:
    said = shown(known, text)
    assert said.startswith(languages.name(text.split("-")[0]))
    assert ("What can be measured" in said) != ("No resource of this language" in said)


def test_a_language_with_a_lexicon_and_no_text_is_the_no_text_setting(known: Catalogue) -> None:
    lang = languages.parse("cym")
    only = tuple(entry for entry in known.of_language(lang) if entry.dataset.name == "wechsel")
    found = catalogue_show.Holdings(lang, only, None)
    assert catalogue_show.recipe(found)[0] == ["pseudo"]
    assert "no-text setting" in catalogue_show.recipe(found)[1]


def test_recipes_follow_from_what_there_is(known: Catalogue) -> None:
    def recipe(text: str) -> list[str]:
        return catalogue_show.recipe(catalogue_show.holdings(known, languages.parse(text)))[0]

    assert recipe("zul") == ["pseudo", "inflection", "all-text"]  # 7,975 verses
    assert recipe("ady") == ["pseudo", "inflection", "few-text"]
    assert recipe("cop") == ["few-text"]
    assert recipe("tok") == []
    assert catalogue_show.embedded_recipe({"train strings": 201})[0] == ["pseudo", "few-text"]
    assert catalogue_show.embedded_recipe({"train strings": 9000, "inflections": 5})[0] == [
        "pseudo", "inflection", "all-text",
    ]  # fmt: skip


def test_text_that_is_for_tests_counts_as_no_training_text(known: Catalogue) -> None:
    lang = languages.parse("bam")
    only = tuple(entry for entry in known.of_language(lang) if entry.dataset.name in {"sib200", "ntrex", "flores"})
    said = catalogue_show.printed(catalogue_show.describe(known, catalogue_show.Holdings(lang, only, None)))
    assert "Nothing here to train on" in said
    assert "sentence retrieval" in said


def test_macrolanguages_scripts_and_licences_are_said(known: Catalogue) -> None:
    swahili = shown(known, "Swahili", {languages.parse("swa"): {"train strings": 500}})
    assert "Also filed under swc-Latn (Congo Swahili), swh-Latn" in swahili
    assert "workbench run experiments/quickstart --set 'data.targets=[\"swa-Latn\"]'" in swahili
    assert 'The recipe that fits: adapt.resources = ["pseudo", "few-text"]' in swahili
    assert "500 train strings" in swahili
    assert "Only with --accept-licence (non-commercial, or nothing stated): lafand, masakhaner" in swahili
    assert "nothing here is written in Latn; what there is, is kaz-Cyrl" in shown(known, "kaz-Latn")
    assert "`workbench data add NAME FILE --format tsv --lang tok-Latn" in shown(known, "tok")


def test_the_study_that_is_shown_takes_the_language_as_its_target(known: Catalogue) -> None:
    path = ROOT / "experiments" / "quickstart"
    read = load.study(path).variants["none"].data.pretrain
    assert {languages.parse(tag).code for tag in read} | {"swa"} == catalogue_show.QUICKSTART_BASE
    for code in ("cym", "afr", "rus", "hau", "swc"):  # the base reads Swahili as swh, which is the same text
        name = "alignment_objectives" if code == "hau" else "quickstart"
        said = catalogue_show.printed(
            catalogue_show.describe(known, catalogue_show.Holdings(languages.parse(code), (), {"train strings": 9}))
        )
        (command,) = [line for line in said.splitlines() if line.startswith("  workbench run ")]
        _, _, folder, *overrides = shlex.split(command)
        assert folder == f"experiments/{name}"
        study = load.study(ROOT / folder, [one for one in overrides if one != "--set"])
        config = study.variants[study.reference]
        assert config.data.targets == (languages.parse(code).tag,)
        assert (config.pretrain.pivot_share == 1.0) == (config.data.pretrain == ("eng-Latn",))
        shown = {one.task for one in spec.load(ROOT / folder).table}
        assert ("intents" in shown) == (code not in catalogue_show.UNLABELLED)


def test_what_is_advised_is_read_by_what_it_names(known: Catalogue) -> None:
    arguments = argparse.ArgumentParser()
    new_language_cli.add_arguments(arguments)

    def advice(text: str) -> tuple[str, list[str]]:
        found = catalogue_show.holdings(known, languages.parse(text))
        said = catalogue_show.printed(catalogue_show.describe(known, found))
        for line in said.splitlines():
            if line.startswith("  workbench adapt "):
                arguments.parse_args(shlex.split(line)[2:])
        assert "synthesise" not in said
        return " ".join(said.split()), re.findall(r"^  (workbench adapt .*)$", said, re.MULTILINE)

    fitting = "--lexicon FILE --lexicon-format wechsel --paradigms FILE --text FILE"
    said, commands = advice("zul")  # a lexicon, paradigms, the sentences of NTREX
    assert 'data.source = { kind = "published" }, adapt.resources = ["pseudo", "inflection", "all-text"]' in said
    assert commands == [f"workbench adapt RUN --language zul-Latn {fitting}"]
    said, commands = advice("ady")  # no sentences of NTREX
    assert "published" not in said
    assert commands[0].startswith("workbench adapt RUN --language ady-Cyrl --lexicon FILE --lexicon-format ")
    said, commands = advice("cop")  # no lexicon
    assert 'data.source.kind = "files", adapt.resources = ["few-text"]' in said
    assert not commands


@pytest.mark.network
def test_the_languages_said_to_have_no_requests_are_those_without_templates(tmp_path: Path) -> None:
    pin = pins.pins()["intents"]
    fetch.fetch([pin], tmp_path, lambda line: None)
    with fetch.open_archive(pin, tmp_path) as archive:
        files = locales.files_of(archive.namelist(), intents._FILE, embedded.wanted_languages())
    labelled = {lang.code for lang, _ in files}
    assert {lang.code for lang in embedded.wanted_languages()} - labelled == catalogue_show.UNLABELLED


def test_a_signed_language_is_told_what_can_be_read(known: Catalogue) -> None:
    assert "SignWriting" in shown(known, "ase")


def test_the_list_is_narrowed_by_resource_language_and_terms(known: Catalogue) -> None:
    def names(**wanted: Any) -> list[str]:
        said = catalogue_show.printed(catalogue_show.listing(known, **wanted))
        return [line.split()[0] for line in said.splitlines()[1:]]

    assert names() == list(known.datasets)
    assert names(lang=languages.parse("fij")) == ["gatitos", "ntrex", "sib200", "flores", "udhr"]
    assert names(resource="lexicon", terms="copyleft") == ["freedict", "apertium"]
    assert names(lang=languages.parse("fij"), resource="topics", terms="open") == []


def test_a_language_may_be_named_by_code_or_name(known: Catalogue) -> None:
    assert [catalogue_show.find(text).tag for text in ("cy", "cym", "Welsh", "sr-Latn")] == [
        "cym-Latn", "cym-Latn", "cym-Latn", "srp-Latn",
    ]  # fmt: skip
    with pytest.raises(BadInput, match="nearest"):
        catalogue_show.find("Welhs")


def test_linguameta_is_shown_where_it_was_fetched(known: Catalogue, tmp_path: Path) -> None:
    from workbench.sources import linguameta

    lang = languages.parse("que")
    assert catalogue_show.facts_of(tmp_path, lang) is None
    row = dict.fromkeys(linguameta._HEADER, "")
    row |= {"iso_639_3_code": "que", "writing_systems": "Latn", "is_macrolanguage": "True"}
    row |= {"individual_language_bcp_47_code": "quy, qxr"}
    (tmp_path / "linguameta").mkdir()
    (tmp_path / "linguameta" / "linguameta.tsv").write_text("\t".join(row) + "\n" + "\t".join(row.values()) + "\n")
    facts = catalogue_show.facts_of(tmp_path, lang)
    text = catalogue_show.printed(catalogue_show.describe(known, catalogue_show.holdings(known, lang), facts))
    assert "number of speakers not given, endangerment not given, written in Latn (LinguaMeta)" in text
    assert "Members with data of their own: quy-Latn (Ayacucho Quechua)." in text


# Checking


def test_a_file_as_stated_passes(tmp_path: Path) -> None:
    (one,) = catalogue_read.verify(small(tmp_path / "mine"), tmp_path)
    assert (one.fault, one.rows, one.stated) == ("", 2, True)


def test_other_counts_other_bytes_and_missing_files_are_faults(tmp_path: Path) -> None:
    (one,) = catalogue_read.verify(small(tmp_path / "mine", rows=3), tmp_path)
    assert one.fault == "2 rows and 0 left out, stated 3 and 0"
    (one,) = catalogue_read.verify(small(tmp_path / "mine", sha256="0" * 64), tmp_path)
    assert one.fault.startswith("sha256 ")
    known = small(tmp_path / "mine")
    (tmp_path / "mine" / "cym.tsv").unlink()
    assert list(catalogue_read.verify(known, tmp_path)) == []  # nothing of it is there
    (one,) = catalogue_read.verify(known, tmp_path, ("mine",))
    assert one.fault == "missing"
    (tmp_path / "mine").rmdir()
    (one,) = catalogue_read.verify(known, tmp_path, ("mine",))
    assert one.fault.startswith("not there")


def test_files_that_nobody_stated_are_read_too(tmp_path: Path) -> None:
    known = small(tmp_path / "mine")
    (tmp_path / "mine" / "deu.tsv").write_text("water\tWasser\nbad row\n")
    (tmp_path / "mine" / "zzzz.tsv").write_text("a\tb\n")
    (tmp_path / "mine" / "README.md").write_text("prose")
    found = {one.path: one for one in catalogue_read.verify(known, tmp_path)}
    assert sorted(found) == ["cym.tsv", "deu.tsv", "zzzz.tsv"]
    assert (found["deu.tsv"].stated, found["deu.tsv"].rows, found["deu.tsv"].fault) == (False, 1, "")
    assert sum(found["deu.tsv"].report.dropped.counts.values()) == 1
    assert "its name says no language" in found["zzzz.tsv"].fault


def test_the_verb_prints_the_drop_report_and_fails_on_a_fault(tmp_path, monkeypatch, capsys) -> None:
    known = small(tmp_path / "mine")
    (tmp_path / "mine" / "deu.tsv").write_text("water\tWasser\nbad row\n")
    assert catalogue_cli.verify(known, tmp_path, ()) == 0
    said = capsys.readouterr().out
    assert "mine: 1 files, 3 rows (1 more files read, which nobody stated): as stated" in said
    assert "left out 1 x wanted 2 tab-separated columns, not 1; first: " in said
    assert catalogue_cli.verify(small(tmp_path / "mine", rows=9), tmp_path, (), each_file=True) == 1
    said = capsys.readouterr().out
    assert "FAULT cym.tsv: 2 rows and 0 left out, stated 9 and 0" in said
    assert "mine/deu.tsv: 1 rows" in said


def test_list_and_show_print_and_an_empty_home_verifies_nothing(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    assert run("list", "--resource", "paradigms") == 0
    said = capsys.readouterr().out
    assert "unimorph" in said
    assert "ntrex" not in said
    assert run("show", "cym", "Maltese") == 0
    said = capsys.readouterr().out
    assert "Welsh  cym-Latn" in said
    assert "Maltese  mlt-Latn" in said
    (tmp_path / "cym.txt").write_text("bore da\nnos da i chi\n")
    (tmp_path / "eng.txt").write_text("good morning\ngood night to you\n")
    samples = [f"{code}={tmp_path / code}.txt" for code in ("cym", "eng")]
    assert run("profiles", *samples, "--out", str(tmp_path / "p.npz")) == 0
    assert "profiles of 2 languages, from so many texts: cym-Latn (2), eng-Latn (2)" in capsys.readouterr().out
    assert str(language_id.load(tmp_path / "p.npz").name("nos da")) == "cym-Latn"
    with pytest.raises(BadInput, match="wanted LANG=FILE"):
        run("profiles", "cym", "--out", str(tmp_path / "q.npz"))
    assert run("verify") == 0
    assert "no data set under" in capsys.readouterr().out


def test_ones_own_data_are_added_under_the_terms_of_their_licence(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "home"))
    (tmp_path / "words.tsv").write_text("water\twai\nbread\tmadrai\n")
    about = [
        str(tmp_path / "words.tsv"),
        "--format",
        "tsv",
        "--lang",
        "fij",
        "--resource",
        "lexicon",
        "--citation",
        "me",
    ]
    with pytest.raises(BadInput, match=r"'free': its licence CC-BY-NC-4.0 is non-commercial, not --terms open"):
        run("add", "free", *about, "--licence", "CC-BY-NC-4.0", "--terms", "open")
    for licence, terms in [("CC-BY-NC-4.0", []), ("none stated", []), ("Odd-1.0", ["--terms", "non-commercial"])]:
        with pytest.raises(BadInput, match=f"data set words: its licence is {licence}, .*--accept-licence"):
            run("add", "words", *about, "--licence", licence, *terms)
    assert not (tmp_path / "home").exists()
    assert run("add", "words", *about, "--licence", "Odd-1.0", "--accept-licence") == 0
    assert run("add", "more-words", *about, "--licence", "CC-BY-SA-4.0") == 0
    with pytest.raises(BadInput, match="'words' is in the catalogue already"):
        run("add", "words", *about, "--licence", "CC0-1.0")
    added = catalogue.load(tmp_path / "home").datasets
    assert (added["words"].terms, added["more-words"].terms) == ("unstated", "share-alike")
    capsys.readouterr()
    assert run("show", "fij") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "words lexicon fij-Latn 2 rows Odd-1.0 (say yes)" in said
    assert "Only with --accept-licence (non-commercial, or nothing stated): udhr, words." in said


@pytest.mark.data
def test_every_data_set_that_is_there_is_as_stated(data_root: Path, known: Catalogue) -> None:
    found = list(catalogue_read.verify(known, data_root))
    assert [f"{one.dataset}/{one.path}: {one.fault}" for one in found if one.fault] == []
    rows: dict[str, int] = {}
    for one in found:
        assert one.stated
        rows[one.dataset] = rows.get(one.dataset, 0) + one.rows
    assert rows == {
        "gatitos": 755325, "wechsel": 721677, "freedict": 48091, "apertium": 31114, "ntrex": 123943, "sib200": 72288,
        "massive": 312906, "xsid": 54005, "afrisenti": 81609, "ud": 27223, "unimorph": 198155, "sigmorphon": 95915,
        "bible": 58088, "storybook": 1747, "linguameta": 7511,
    }  # fmt: skip
