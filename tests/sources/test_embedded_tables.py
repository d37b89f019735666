from __future__ import annotations

import json
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.languages import parse
from workbench.sources.embedded import intents, splits
from workbench.sources.embedded.annotations import Annotation, Term
from workbench.sources.embedded.entries import Casing, English, HeldOut, build, tidy
from workbench.sources.embedded.tally import Tally

CYM, ENG, DEU, HYE = parse("cym"), parse("eng"), parse("deu"), parse("hye")


def test_strings_that_differ_in_case_numbers_punctuation_or_gaps_are_one_cluster() -> None:
    texts = ["Delete 3 pages now", "delete 17 pages now!", "Delete … pages now", "Choose another language here"]
    assert splits.clusters(texts) == [0, 0, 0, 3]


def test_clusters_chain_over_what_lies_between() -> None:
    texts = ["a b c d e f", "a b c d e g", "a b c h i g", "x y z u v w"]
    assert splits.clusters(texts) == [0, 0, 0, 3]
    assert splits.clusters([texts[0], texts[2]]) == [0, 1]
    assert splits.clusters([]) == []


def test_near_duplicates_share_two_fifths_of_all_their_word_pairs() -> None:
    # bigrams with edges: 5 each; "a b c d" and "a b c e" share ^a, ab, bc: 3 of 7; with "a b e f" only ^a, ab: 2 of 8
    assert splits.near_duplicates(["a b c e", "a b e f", "q r s t"], ["a b c d"]) == [True, False, False]
    assert splits.near_duplicates(["a b"], []) == [False]


@given(st.dictionaries(st.sampled_from(["cym", "eng", "deu"]), st.sets(st.integers(0, 400).map(str), max_size=300)))
def test_every_cluster_gets_one_split_and_every_language_its_share(members: dict[str, set[str]]) -> None:
    found = splits.assign(members)
    assert set(found) == set().union(*members.values())
    for names in members.values():
        tested = sum(found[name] == "test" for name in names)
        smallest = min(members.values(), key=len)
        if names == smallest:
            assert tested >= min(splits.MIN_TEST, splits.MAX_TEST_SHARE * len(names))
            assert tested <= splits.MAX_TEST_SHARE * len(names) + 1 or tested <= splits.TEST_SHARE * len(names) + 1


def test_a_small_language_gets_a_test_set_and_a_large_one_a_fifth() -> None:
    members = {"eng": [str(n) for n in range(2000)], "cym": [str(n) for n in range(200)]}
    found = splits.assign(members)
    by_lang = {lang: [found[name] for name in names] for lang, names in members.items()}
    assert by_lang["cym"].count("test") == 80
    assert by_lang["cym"].count("dev") == 24
    assert by_lang["eng"].count("test") == 400
    assert by_lang["eng"].count("dev") == 200


def test_chapters_not_verses_are_held_out() -> None:
    shares = [splits.chapter_split(book, chapter) for book in range(1, 67) for chapter in range(1, 51)]
    assert 0.02 < shares.count("test") / len(shares) < 0.04
    assert 0.01 < shares.count("dev") / len(shares) < 0.02


def test_labels_lose_the_punctuation_around_them() -> None:
    assert tidy(" “Loading…” ") == "Loading"
    assert tidy("Name :") == "Name"
    assert tidy("- Save as") == "Save as"
    assert tidy("Go to …") == "Go to …"


@given(st.text(max_size=30))
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    once = tidy(text)
    assert tidy(once) == once or once.endswith("…") or "…" in once


def test_capitals_at_the_start_of_labels_go_unless_text_writes_them() -> None:
    casing = Casing(["We turn on Bluetooth and the light", "See Bluetooth"], keep_unseen=False)
    assert casing.lowered("Turn on") == "turn on"
    assert casing.lowered("Bluetooth light") == "Bluetooth light"
    assert casing.lowered("Unseen thing") == "unseen thing"
    assert casing.lowered("Add Zigbee") == "add Zigbee"
    assert casing.lowered("USB") == "USB"
    assert Casing([], keep_unseen=True).lowered("Einstellung") == "Einstellung"


Found = dict[tuple[str, str], tuple[int, tuple[str, ...]]]


def lexicon(
    lang: str, terms: list[Term], held: tuple[str, ...] = (), commands: tuple[str, ...] = ()
) -> tuple[Found, Tally]:
    tally = Tally()
    english = English(Casing([], keep_unseen=False), HeldOut(["press the red button"]), frozenset({"May"}))
    casing, held_out = Casing([], keep_unseen=lang == "deu"), HeldOut(held, commands)
    rows = build(parse(lang), terms, english, casing, held_out, tally)
    return {(row.english, row.word): (row.weight, row.sources) for row in rows}, tally


def test_equal_entries_are_counted_and_name_their_sources() -> None:
    terms = [
        Term("Save", "Cadw", "wagtail"),
        Term("save:", "cadw", "django"),
        Term("key", "allwedd", "cldr-names"),
    ]
    found, _ = lexicon("cym", terms)
    assert found == {("save", "cadw"): (2, ("wagtail", "django")), ("key", "allwedd"): (1, ("cldr-names",))}


def test_nouns_keep_their_capital_in_german_and_names_in_english() -> None:
    found, _ = lexicon("deu", [Term("Settings", "Einstellungen", "kolibri"), Term("May", "Mai", "django")])
    assert set(found) == {("settings", "Einstellungen"), ("May", "Mai")}


@pytest.mark.parametrize(
    ("english", "word", "reason"),
    [
        ("Add …", "Ychwanegu …", "signs, digits or gaps"),
        ("3 pages", "3 tudalen", "signs, digits or gaps"),
        ("SSW", "DDO", "abbreviation"),
        ("mon", "llun", "abbreviation"),
        ("internet", "Internet", "same as English"),
        ("one two three four five", "un", "too long"),
        ("word", "слово", "wrong script"),
        ("?", "?", "empty side"),
        ("Press the red button", "gwasgwch", "is or contains a held-out string"),
        ("please leave", "ewch allan nawr os gwelwch yn", "is or contains a held-out string"),
        ("lights off", "goleuadau i ffwrdd", "is or contains a held-out string"),
    ],
)
def test_entries_of_no_use_or_held_out_are_dropped_and_counted(english: str, word: str, reason: str) -> None:
    found, tally = lexicon(
        "cym", [Term(english, word, "django")], ("ewch allan nawr",), ("Goleuadau i ffwrdd!", "ffwrdd")
    )
    assert found == {}
    assert tally.counts[f"lexicon: {reason}", "cym-Latn"] == 1


def test_only_the_best_attested_translations_stay() -> None:
    terms = [Term("go", word * 2, "django") for word in ("a", "b", "b", "c", "c", "d", "d")]
    found, tally = lexicon("cym", terms)
    assert [word for _, word in found] == ["bb", "cc", "dd"]
    assert tally.counts["lexicon: rarer translation", "cym-Latn"] == 1


def grammar(sentences: dict[str, list[str]], lists: dict[str, object] | None = None) -> intents.Grammar:
    data = {
        "intents": {name: {"data": [{"sentences": texts}]} for name, texts in sentences.items()},
        "lists": lists or {},
        "expansion_rules": {"the": "[the|a]", "turn": "(turn|switch)", "loop": "<loop>"},
    }
    symbols = {"💡": Annotation("light bulb"), "🏠": Annotation("house"), "🍎": Annotation("apple")}
    return intents.Grammar(ENG, data, symbols)


def test_samples_are_sentences_of_the_template_and_all_different() -> None:
    made = grammar({"On": ["<turn> on [<the>] {name}"], "Time": ["what time is it"]})
    requests = list(intents.sample(made, Tally()))
    on = {request.text for request in requests if request.intent == "On"}
    assert on <= {f"{verb} on {the}light bulb" for verb in ("turn", "switch") for the in ("", "the ", "a ")}
    assert len(on) == intents.PER_TEMPLATE
    assert [request.text for request in requests if request.intent == "Time"] == ["what time is it"]


def test_samples_do_not_depend_on_other_templates() -> None:
    alone = list(intents.sample(grammar({"On": ["<turn> on {name}"]}), Tally()))
    among = list(intents.sample(grammar({"A": ["hello there"], "On": ["<turn> on {name}"]}), Tally()))
    assert [request for request in among if request.intent == "On"] == alone


def test_ranges_lists_and_permutations_are_filled() -> None:
    lists = {
        "n": {"range": {"from": 10, "to": 30, "step": 10}},
        "colour": {"values": [{"in": "(red|rose)", "out": "r"}]},
    }
    made = grammar({"Set": ["(to {n};in {colour})", "at {1..3:x}"]}, lists)
    texts = {request.text for request in intents.sample(made, Tally())}
    numbers = [f"to {n} in {c}" for n in (10, 20, 30) for c in ("red", "rose")]
    turned = [f"in {c} to {n}" for n in (10, 20, 30) for c in ("red", "rose")]
    assert texts <= {*numbers, *turned, "at 1", "at 2", "at 3"}
    assert texts & set(numbers)
    assert texts & {"at 1", "at 2", "at 3"}


@pytest.mark.parametrize("template", ["<nothing> here", "remind {media_artist}", "<loop> around"])
def test_templates_that_cannot_be_filled_are_counted(template: str) -> None:
    tally = Tally()
    assert list(intents.sample(grammar({"X": [template]}), tally)) == []
    assert sum(tally.counts.values()) == 1


def test_a_bare_name_is_no_request() -> None:
    assert next(iter(intents.sample(grammar({"X": ["[on] {name}"]}), Tally()))).text == "on light bulb"


def test_templates_not_sentences_are_split() -> None:
    keys = [("On", str(n)) for n in range(20)] + [("Off", "a"), ("Off", "b"), ("Off", "c"), ("One", "x")]
    english = splits_of(keys, is_english=True)
    assert english["On"] == {"train": 14, "dev": 2, "test": 4}
    assert english["Off"] == {"train": 1, "dev": 1, "test": 1}
    assert english["One"] == {"train": 1, "dev": 0, "test": 0}
    other = splits_of(keys, is_english=False)
    assert other["On"] == {"train": 0, "dev": 6, "test": 14}
    assert other["One"] == {"train": 0, "dev": 0, "test": 1}


def splits_of(keys: list[tuple[str, str]], is_english: bool) -> dict[str, dict[str, int]]:
    found = intents.split_templates(keys, is_english)
    counts: dict[str, dict[str, int]] = {}
    for (name, _), split in found.items():
        counts.setdefault(name, {"train": 0, "dev": 0, "test": 0})[split] += 1
    return counts


def test_grammars_are_read_for_languages_with_annotations_only(tmp_path: Path, handmade: ModuleType) -> None:
    data = {"intents": {"A": {"data": [{"sentences": ["helo"]}]}}, "lists": {}, "expansion_rules": {}}
    files = handmade.assistant({"cy": data, "de": data, "de-CH": data})
    with zipfile.ZipFile(handmade.wheel(tmp_path / "i.whl", files)) as archive:
        found = intents.read_grammars(archive, {CYM: {}, HYE: {}})
    assert list(found) == [CYM]


def test_what_was_dropped_reads_as_json() -> None:
    tally = Tally()
    tally.drop("too long", CYM, "x" * 300)
    tally.drop("too long", DEU, "y")
    read = json.loads(json.dumps(tally.to_json()))
    assert read["too long"]["rows"] == 2
    assert len(read["too long"]["first"]) == 200
