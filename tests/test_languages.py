"""Language identity, the codes of the data sources, scripts, and words."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import languages, naming
from workbench.errors import BadInput
from workbench.languages import Convention, from_source, parse, script_of, word_spans, words
from workbench.records import Lang

# Identity


def test_a_tag_is_a_code_with_a_script_or_a_code_with_its_usual_script() -> None:
    assert parse("cym") == parse("cym-Latn") == Lang("cym", "Latn")
    assert parse("cym").tag == "cym-Latn"
    assert parse("uzb-Cyrl") == Lang("uzb", "Cyrl")
    usual = {
        "kaz": "Cyrl",
        "yue": "Hant",
        "jpn": "Jpan",
        "kor": "Kore",
        "ckb": "Arab",
        "tir": "Ethi",
        "mya": "Mymr",
        "hbs": "Latn",
    }
    assert {code: parse(code).script for code in usual} == usual


def test_two_scripts_of_one_language_are_told_apart_where_both_are_shown() -> None:
    assert naming.names(["srp-Cyrl", "cym-Latn", "srp-Latn"]) == {
        "srp-Cyrl": "Serbian (Cyrl)",
        "cym-Latn": "Welsh",
        "srp-Latn": "Serbian (Latn)",
    }
    assert naming.names(["srp-Latn", "srp-Latn"]) == {"srp-Latn": "Serbian"}
    assert naming.codes(["srp-Cyrl", "cym-Latn", "srp-Latn"]) == {
        "srp-Cyrl": "srp-Cyrl",
        "cym-Latn": "cym",
        "srp-Latn": "srp-Latn",
    }


def test_members_of_a_macrolanguage_stay_apart_and_know_their_counterparts() -> None:
    swahili = [parse(code) for code in ("swa", "swh", "swc")]
    assert len(set(swahili)) == 3
    assert languages.counterparts(parse("swh")) == (Lang("swa", "Latn"),)
    assert languages.counterparts(parse("swa")) == (Lang("swc", "Latn"), Lang("swh", "Latn"))
    assert languages.counterparts(parse("fil")) == (Lang("tgl", "Latn"),)
    assert languages.counterparts(parse("cym")) == ()


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("cy", "cym (Welsh)"),
        ("wel", "cym (Welsh)"),
        ("welsh", "cym (Welsh)"),
        ("welshh", "cym (Welsh)"),
        ("cym_Latn", "cym (Welsh)"),
        ("iw", "heb (Hebrew)"),
        ("jap", "jpn (Japanese)"),
        ("swahili", "swh (Swahili)"),
        ("cmy", "nearest: cym (Welsh)"),
        ("eg", "eng (English)"),
        ("cym-Latm", "Latn"),
        ("cym-Zyyy", "no ISO 15924 script"),
        ("und", "names no language"),
        ("tlh", "usual script is not known; say which, for example 'tlh-Latn'"),
        ("bfi", "usual script is not known; say which, for example 'bfi-Sgnw'"),
        ("CYM", "wanted an ISO 639-3 code"),
        (" cym", "wanted an ISO 639-3 code"),
        ("cym-Latn-GB", "wanted an ISO 639-3 code"),
        ("", "wanted an ISO 639-3 code"),
        ("cym\n", "wanted an ISO 639-3 code"),
    ],
)
def test_an_unknown_tag_is_refused_with_the_nearest_right_one(tag: str, told: str) -> None:
    with pytest.raises(BadInput, match=re.escape(told)):
        parse(tag)


@pytest.mark.parametrize("path", ["../x", "..", "/etc/passwd", "cym/../../x", "cym\0", "..-Latn", "cym-Latn/.."])
def test_no_language_is_a_path(path: str) -> None:
    for convention in languages.get_args(Convention):
        with pytest.raises(BadInput):
            from_source(path, convention)
    with pytest.raises(BadInput):
        parse(path)


def test_a_very_long_code_does_not_flood_the_message() -> None:
    with pytest.raises(BadInput) as caught:
        parse("x" * 100_000)
    assert len(str(caught.value)) < 300


def test_every_iso_639_3_language_has_a_name_and_nine_in_ten_a_usual_script() -> None:
    codes = languages.all_codes()
    assert len(codes) > 7_800
    assert languages.name("cym") == languages.name(parse("cym")) == "Welsh"
    assert all(languages.name(code) for code in codes)
    assert sum(languages.usual_script(code) is not None for code in codes) > 0.9 * len(codes)


def test_a_name_is_the_one_in_use_and_no_two_codes_share_it() -> None:
    shown = {
        "ell": "Greek", "nob": "Norwegian Bokmål", "swh": "Swahili", "swa": "Swahili (macrolanguage)", "npi": "Nepali",
        "yue": "Cantonese", "oci": "Occitan", "ton": "Tongan", "ben": "Bengali", "uig": "Uyghur", "lah": "Lahnda",
        "pnb": "Western Panjabi", "tlh": "Klingon", "ase": "American Sign Language", "xum": "Umbrian",
    }  # fmt: skip
    assert {code: languages.name(code) for code in shown} == shown
    everyone = [languages.name(code) for code in languages.all_codes()]
    assert len(set(everyone)) == len(everyone)
    assert not [name for name in everyone if "individual language" in name]


COMMON = [one.alpha_3 for one in pycountry.languages if hasattr(one, "alpha_2")]


@given(st.sampled_from(COMMON), st.integers(0, 2), st.booleans())
def test_a_slip_in_a_common_code_is_answered_with_that_code(code: str, at: int, exchange: bool) -> None:
    """One letter left out, or two neighbours exchanged; a slip that makes another language's code cannot be known."""
    at = min(at, 1) if exchange else at
    slip = code[:at] + code[at + 1] + code[at] + code[at + 2 :] if exchange else code[:at] + code[at + 1 :]
    if slip not in languages.all_codes():
        with pytest.raises(BadInput, match=re.escape(f"{code} ({languages.name(code)})")):
            parse(slip)


def test_every_line_of_the_code_tables_is_a_language_and_is_needed() -> None:
    for convention, table in languages._tables().items():
        for code, value in table.items():
            if convention == "scripts":
                assert parse(f"{code}-{value}")
                assert languages._likely_script(code) != value, f"CLDR has {code} now"
            elif convention == "names":
                assert languages.name(code) == value
                assert (code,) in [codes for label, codes in languages._cldr_labels().items() if label != value]
            elif convention == "bcp47":
                assert languages.name(value)
            else:
                assert parse(value).tag == value
                assert convention in languages.get_args(Convention)


# The codes of the sources


@pytest.mark.parametrize(
    ("code", "convention", "tag"),
    [
        ("cy", "bcp47", "cym-Latn"),
        ("sr", "bcp47", "srp-Cyrl"),
        ("sr_Latn", "bcp47", "srp-Latn"),
        ("sr-ME", "bcp47", "srp-Latn"),
        ("zh-TW", "bcp47", "zho-Hant"),
        ("zh_Hans_SG", "cldr", "zho-Hans"),
        ("iw", "bcp47", "heb-Hebr"),
        ("sw", "bcp47", "swa-Latn"),
        ("swh_Latn", "sib200", "swh-Latn"),
        ("gaz_Latn", "sib200", "gaz-Latn"),
        ("plt_Latn", "sib200", "plt-Latn"),
        ("khk_Cyrl", "sib200", "khk-Cyrl"),
        ("knc_Arab", "nllb", "knc-Arab"),
        ("knc_Latn", "nllb", "knc-Latn"),
        ("kor_Hang", "flores", "kor-Kore"),
        ("ak", "gatitos", "twi-Latn"),
        ("chm", "gatitos", "mhr-Cyrl"),
        ("qu", "gatitos", "que-Latn"),
        ("fa-AF", "gatitos", "prs-Arab"),
        ("bm-Nkoo", "gatitos", "bam-Nkoo"),
        ("crh-Latn", "gatitos", "crh-Latn"),
        ("ndc-ZW", "gatitos", "ndc-Latn"),
        ("swa", "ntrex", "swa-Latn"),
        ("fil", "ntrex", "fil-Latn"),
        ("orm", "ntrex", "orm-Latn"),
        ("mlg", "ntrex", "mlg-Latn"),
        ("mon", "ntrex", "mon-Cyrl"),
        ("aze-Latn", "ntrex", "aze-Latn"),
        ("zho-TW", "ntrex", "zho-Hant"),
        ("shi", "ntrex", "shi-Arab"),
        ("sl-SL", "massive", "slv-Latn"),
        ("jap", "sigmorphon", "jpn-Jpan"),
        ("mao", "sigmorphon", "mri-Latn"),
        ("scottish-gaelic", "sigmorphon", "gla-Latn"),
        ("swc", "unimorph", "swc-Latn"),
        ("de-st", "xsid", "bar-Latn"),
        ("sr", "xsid", "srp-Latn"),
        ("northern_sami", "wechsel", "sme-Latn"),
        ("swahili", "wechsel", "swa-Latn"),
        ("uyghur", "wechsel", "uig-Arab"),
        ("quichua", "bible", "quw-Latn"),
        ("tw-akua", "storybook", "twi-Latn"),
        ("ha-ne", "storybook", "hau-Latn"),
        ("bm", "ud", "bam-Latn"),
        ("swh-000", "panlex", "swh-Latn"),
    ],
)
def test_a_source_s_code_means_what_that_source_means_by_it(code: str, convention: Convention, tag: str) -> None:
    assert from_source(code, convention).tag == tag


@pytest.mark.parametrize(
    ("code", "convention"),
    [
        ("ca-valencia", "bcp47"),
        ("sl", "massive"),
        ("swh", "sib200"),
        ("sw", "unimorph"),
        ("roa", "ud"),
        ("ber", "bcp47"),
    ],
)
def test_a_code_outside_its_convention_is_refused(code: str, convention: Convention) -> None:
    with pytest.raises(BadInput, match=re.escape(repr(code))):
        from_source(code, convention)


def test_the_fifty_two_locales_of_massive_are_fifty_two_varieties() -> None:
    codes = "af am ar az bn ca cy da de el en es fa fi fr he hi hu hy id is it ja jv ka km kn ko lv ml mn ms my"
    homes = "ZA ET SA AZ BD ES GB DK DE GR US ES IR FI FR IL IN HU AM ID IS IT JP ID GE KH IN KR LV IN MN MY MM"
    codes += " nb nl pl pt ro ru sl sq sv sw ta te th tl tr ur vi zh zh"
    homes += " NO NL PL PT RO RU SL AL SE KE IN IN TH PH TR PK VN CN TW"  # the data set writes sl-SL
    locales = [f"{code}-{home}" for code, home in zip(codes.split(), homes.split(), strict=True)]
    assert len({from_source(locale, "massive") for locale in locales}) == len(locales) == 52


# Text


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Bore da", "Latn"),
        ("привет мир", "Cyrl"),
        ("日本語です", "Jpan"),
        ("カタカナ", "Jpan"),
        ("中文", "Hani"),
        ("한국어", "Kore"),
        ("हिन्दी", "Deva"),
        ("ⵜⴰⵎⴰⵣⵉⵖⵜ", "Tfng"),
        ("ߒߞߏ", "Nkoo"),
        ("ꯃꯤꯇꯩ", "Mtei"),
        ("မြန်မာ", "Mymr"),
        ("abc где", None),
        ("12 + 3 = ?", None),
        ("", None),
    ],
)
def test_the_script_of_a_text_is_that_of_most_letters(text: str, script: str | None) -> None:
    if text == "abc где":  # a tie is broken by name, so it does not depend on order
        assert script_of(text) == script_of("где abc")
    else:
        assert script_of(text) == script


def test_a_writing_system_knows_the_scripts_that_it_is_made_of() -> None:
    assert languages.scripts_of_writing("Jpan") == {"Hira", "Kana", "Hani"}
    assert languages.scripts_of_writing("Hant") == {"Hani"}
    assert languages.scripts_of_writing("Latn") == {"Latn"}


def test_words_that_mix_look_alike_scripts_are_found() -> None:
    cyrillic_a, latin_capital_i = "\u0430", "I"
    text = f"K{cyrillic_a}zakh, QR-код; к{latin_capital_i}а; plain; простой; β-carotene"
    assert languages.mixed_script_words(text) == [f"K{cyrillic_a}zakh", "кIа"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mae'r gath, \"yn\" 'cysgu'!", ["Mae'r", "gath", "yn", "cysgu"]),
        ("mother-in-law – l’été o‘zbek", ["mother-in-law", "l’été", "o‘zbek"]),
        ("हिन्दी की किताब।", ["हिन्दी", "की", "किताब"]),
        ("မြန်မာ စာ။", ["မြန်မာ", "စာ"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("അവന്\u200d വന്നു", ["അവന്\u200d", "വന്നു"]),
        ("ሰላም፡ልዑል።", ["ሰላም", "ልዑል"]),
        ("བོད་ཡིག", ["བོད", "ཡིག"]),
        ("中文 words ひら カタカナー", ["中", "文", "words", "ひ", "ら", "カタカナー"]),
        ("e\u0301te\u0301 col·legi", ["e\u0301te\u0301", "col·legi"]),
        ("12 eggs, 3rd; x² snake_case", ["12", "eggs", "3rd", "x²", "snake", "case"]),
        ("❤️ 👩\u200d🚀 -- '' ...", []),
        ("ʻōlelo Hawaiʻi", ["ʻōlelo", "Hawaiʻi"]),
        ("", []),
    ],
)
def test_words_keep_their_marks_apostrophes_and_hyphens(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_spans_are_the_words_in_order_and_what_lies_between_holds_no_letter(text: str) -> None:
    spans = word_spans(text)
    assert [text[start:end] for start, end in spans] == words(text)
    between, position = [], 0
    for start, end in spans:
        assert position <= start < end
        between.append(text[position:start])
        position = end
    assert not re.search(r"[^\W\d_]", unicodedata.normalize("NFC", "".join([*between, text[position:]])))


@given(st.text())
def test_no_text_breaks_script_detection(text: str) -> None:
    assert script_of(text) is None or len(str(script_of(text))) == 4
    assert languages.mixed_script_words(languages.nfc(text)) is not None


def test_importing_languages_reads_no_database() -> None:
    code = "import sys, workbench.languages; print([m for m in ('pycountry', 'babel', 'jax') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# The real files


def _column(index: int) -> Callable[[str], str]:
    return lambda text: "\n".join(row.split("\t")[index] for row in text.split("\n")[:3000] if row.count("\t") >= index)


def _after(prefix: str) -> Callable[[str], str]:
    return lambda text: "\n".join(line[len(prefix) :] for line in text.split("\n") if line.startswith(prefix))


@pytest.mark.data
@pytest.mark.parametrize(
    ("convention", "pattern", "code", "part", "num_files"),
    [
        ("gatitos", "gatitos/en_*.tsv", r"en_(.*)\.tsv", _column(1), 172),
        ("wechsel", "wechsel/*.txt", r"(.*)\.txt", _column(1), 62),
        ("freedict", "lexicon_gpl/*.tsv", r"\w+-(.*)\.tsv", _column(1), 11),
        ("ntrex", "ntrex/*-ref.*.txt", r".*-ref\.(.*)\.txt", str, 60),
        ("sib200", "sib200/*/test.tsv", r"(.*)/", _column(2), 72),
        ("massive", "massive/??-??.tsv", r"(.*)\.tsv", _column(1), 27),
        ("sigmorphon", "sigmorphon2023/*.dev", r"(.*)\.dev", _column(0), 8),
        ("unimorph", "unimorph/*/*", r"(.*)/", _column(1), 15),
        ("xsid", "xsid/*.test.conll", r"(.*)\.test\.conll", _after("# text = "), 13),
        ("afrisenti", "afrisenti/*/test.tsv", r"(.*)/", _column(0), 10),
        ("storybook", "storybook/*.jsonl", r"(.*)\.jsonl", str, 82),
        ("ud", "ud/*-test.conllu", r"(\w+?)_.*", _after("# text = "), 7),
        ("bible", "bible/*.tsv", r"(\w+)-\w+\.tsv", _column(1), 8),
    ],
)
def test_every_code_of_a_real_source_resolves_to_the_script_that_its_file_is_written_in(
    data_root: Path, convention: Convention, pattern: str, code: str, part: Callable[[str], str], num_files: int
) -> None:
    files = sorted(data_root.glob(pattern))
    assert len(files) == num_files
    for file in files:
        inside = file.relative_to(data_root / pattern.split("/")[0]).as_posix()
        match = re.match(code, inside)
        assert match, inside
        lang = from_source(match[1].lower() if convention == "bible" else match[1], convention)
        found = script_of(part(file.read_text("utf-8", errors="replace")))
        assert found == lang.script or found in languages.scripts_of_writing(lang.script), f"{inside}: {lang} {found}"
