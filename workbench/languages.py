"""Language identity: the one strict door for language codes, and what can be told of a text's script and words.

A language is an ISO 639-3 code with an ISO 15924 script. Nothing is resolved silently: a macrolanguage stays what its
source called it (`swa` is not `swh`) unless that source's own table in `language_codes.toml` says otherwise;
`counterparts` lists where else the same language may be filed.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Literal, assert_never, get_args

import regex

from workbench.errors import BadInput
from workbench.records import Lang

Convention = Literal[
    "bcp47", "cldr", "iso639_3", "nllb", "flores", "sib200", "gatitos", "ntrex", "massive", "xsid", "afrisenti", "ud",
    "masakhane", "unimorph", "sigmorphon", "wechsel", "bible", "storybook", "freedict", "apertium", "panlex",
    "wiktextract",
]  # fmt: skip

_TAG = regex.compile(r"([a-z]{3})(?:-([A-Z][a-z]{3}))?")
_BCP47 = regex.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?")
_NO_SCRIPTS = frozenset({"Zinh", "Zmth", "Zsye", "Zsym", "Zxxx", "Zyyy", "Zzzz", "Qaaa", "Qabx"})

# Scripts that ISO 15924 defines as a mixture or a style of the scripts that Unicode gives to characters.
_MADE_OF = {
    "Jpan": frozenset({"Hira", "Kana", "Hani"}),
    "Kore": frozenset({"Hang", "Hani"}),
    "Hans": frozenset({"Hani"}),
    "Hant": frozenset({"Hani"}),
    "Hanb": frozenset({"Hani", "Bopo"}),
    "Hrkt": frozenset({"Hira", "Kana"}),
    "Aran": frozenset({"Arab"}),
    "Cyrs": frozenset({"Cyrl"}),
    "Latf": frozenset({"Latn"}),
    "Latg": frozenset({"Latn"}),
    "Syre": frozenset({"Syrc"}),
    "Syrj": frozenset({"Syrc"}),
    "Syrn": frozenset({"Syrc"}),
}


@lru_cache(maxsize=4096)
def parse(tag: str) -> Lang:
    """The language of a tag: `cym-Latn`, or `cym` alone for the language's usual script.

    Raises: BadInput for anything else, with the nearest codes and names.
    """
    match = _TAG.fullmatch(tag)
    if match is None:
        raise BadInput(
            f"language {_shown(tag)}: wanted an ISO 639-3 code, with an ISO 15924 script or alone "
            f"('cym-Latn', 'cym'){_hint(tag)}"
        )
    code, script = match.groups()
    if _language(code) is None:
        raise BadInput(f"language {tag!r}: {code!r} is no ISO 639-3 code{_hint(code)}")
    if _language(code).scope == "S":
        raise BadInput(f"language {tag!r}: {code!r} ({_language(code).name}) names no language; give the one meant")
    if script is None:
        script = usual_script(code)
        if script is None:
            is_signed = "Sign Language" in name(code)
            raise BadInput(
                f"language {tag!r} ({name(code)}): its usual script is not known; say which, for example "
                f"'{code}-{'Sgnw' if is_signed else 'Latn'}'"
            )
    elif script in _NO_SCRIPTS or script not in _scripts():
        near = get_close_matches(script, _scripts(), n=3, cutoff=0.5)
        raise BadInput(f"language {tag!r}: {script!r} is no ISO 15924 script of written text; nearest: {near}")
    return Lang(code, script)


def name(lang: Lang | str) -> str:
    """The English name to show (`Welsh`); no two codes share one. A macrolanguage says so where a member has its name.

    Source: CLDR's English names, ISO 639-3's for what CLDR lacks; `[names]` in language_codes.toml where CLDR misleads.
    """
    code = lang.code if isinstance(lang, Lang) else lang.partition("-")[0]
    if (found := _names().get(code)) is None:
        raise BadInput(f"language {_shown(code)}: no ISO 639-3 code{_hint(code)}")
    return found


def usual_script(code: str) -> str | None:
    """The script that a language (ISO 639-3) is usually written in, or None where that is not known.

    Source: CLDR likely subtags, https://unicode.org/reports/tr35/#Likely_Subtags; `[scripts]` in
    language_codes.toml for what CLDR lacks.
    """
    return _tables()["scripts"].get(code) or _likely_script(code)


def from_source(code: str, convention: Convention) -> Lang:
    """The language that a data source means by its own code (`ak` in GATITOS is Twi).

    A BCP-47 region decides the script where it must (`zh-TW`: Hant) and is otherwise no part of a `Lang`.

    Raises: BadInput where the code is not one of the convention's, or names no single ISO 639-3 language.
    """
    if convention not in get_args(Convention):
        raise BadInput(
            f"code convention {convention!r} is not known; the known ones: {', '.join(get_args(Convention))}"
        )
    if (tag := _tables().get(convention, {}).get(code)) is not None:
        return parse(tag)
    match convention:
        case "nllb" | "flores" | "sib200":
            return parse("-".join(_fields(r"([a-z]{3})_([A-Z][a-z]{3})", code, convention, "cym_Latn")))
        case "iso639_3" | "unimorph" | "afrisenti" | "masakhane" | "freedict":
            return parse(_fields(r"([a-z]{3})", code, convention, "cym")[0])
        case "panlex":
            return parse(_fields(r"([a-z]{3})-\d{3}", code, convention, "cym-000")[0])
        case "massive":
            return _bcp47("-".join(_fields(r"([a-z]{2})-([A-Z]{2})", code, convention, "cy-GB")), convention)
        case "wechsel" | "bible":
            return _by_name(code, convention)
        case "sigmorphon":
            return parse(code) if regex.fullmatch("[a-z]{3}", code) else _by_name(code, convention)
        case "bcp47" | "cldr" | "gatitos" | "ntrex" | "xsid" | "ud" | "storybook" | "apertium" | "wiktextract":
            return _bcp47(code, convention)
        case _:
            assert_never(convention)


def counterparts(lang: Lang) -> tuple[Lang, ...]:
    """Other codes under which the same language may be filed: its macrolanguage, or the members taken to stand for it.

    Source: CLDR language aliases (swh, swc: swa; tgl: fil), which cover the members that CLDR knows.
    """
    aliases = _alias_codes()
    up = {aliases[lang.code]} if lang.code in aliases else set()
    down = {code for code, whole in aliases.items() if whole == lang.code}
    return tuple(Lang(code, lang.script) for code in sorted((up | down) - {lang.code}))


def all_codes() -> tuple[str, ...]:
    """Every ISO 639-3 code of a language, sorted (special codes such as `und` left out)."""
    return tuple(sorted(language.alpha_3 for language in _database() if language.scope != "S"))


# Text


def nfc(text: str) -> str:
    """Unicode normal form C: one spelling for what looks the same."""
    return unicodedata.normalize("NFC", text)


# Han and Hiragana are not written in words: one character each, as in UAX 29. Elsewhere a word is letters, digits and
# the marks and joiners that follow them; apostrophes, hyphens and the Catalan dot only between two of those.
_WORD = regex.compile(
    r"(?V1)[\p{Han}\p{Hiragana}]\p{M}*+"
    r"|[[\p{L}\p{N}]--[\p{Han}\p{Hiragana}]][[\w\p{N}\u00AD\u180E]--[_\p{Han}\p{Hiragana}]]*+"
    r"(?:['’‘‐‑·\-][[\p{L}\p{N}]--[\p{Han}\p{Hiragana}]][[\w\p{N}\u00AD\u180E]--[_\p{Han}\p{Hiragana}]]*+)*+"
)


def words(text: str) -> list[str]:
    """The words of a text: no punctuation, no symbols, case as written.

    Vowel signs, viramas and joiners (ZWJ, ZWNJ) stay inside their word. Thai, Lao, Khmer and Burmese write no spaces
    between words: a run between spaces is one word here; Tibetan is cut at the tsheg, into syllables.
    """
    return _WORD.findall(text)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where `words` found them: [start, end) offsets into `text`, in order."""
    return [match.span() for match in _WORD.finditer(text)]


def script_of(text: str) -> str | None:
    """The ISO 15924 script of most letters, or None where there are none.

    Kana with or without Han is `Jpan`, Hangul `Kore`, Han alone `Hani` (it cannot tell Hans from Hant).
    """
    counts = script_counts(text)
    if not counts:
        return None
    if (kana := counts["Hira"] + counts["Kana"]) and (japanese := kana + counts["Hani"]) > kana:
        counts["Jpan"] = japanese
    best = max(sorted(counts), key=counts.__getitem__)
    return {"Hira": "Jpan", "Kana": "Jpan", "Hang": "Kore"}.get(best, best)


def script_counts(text: str) -> Counter[str]:
    """How many letters of each Unicode script a text has."""
    counts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if script := _script_of_letter(character):
            counts[script] += count
    return counts


def scripts_of_writing(script: str) -> frozenset[str]:
    """The Unicode scripts that text in an ISO 15924 script consists of (`Jpan`: Hira, Kana, Hani)."""
    return _MADE_OF.get(script, frozenset({script}))


def mixed_script_words(text: str) -> list[str]:
    """Words that mix Latin, Cyrillic or Greek letters without a break: in published data mostly homoglyphs."""
    return _MIXED.findall(text)


_MIXED = regex.compile(
    r"(?V1)\b(?:[\p{Latn}\p{M}]+[\p{Cyrl}\p{Grek}]|[\p{Cyrl}\p{M}]+[\p{Latn}\p{Grek}]|[\p{Grek}\p{M}]+[\p{Latn}\p{Cyrl}])"
    r"[\p{L}\p{M}]*+"
)


# The databases, read on first use


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("workbench").joinpath("language_codes.toml").read_text("utf-8"))


def _database() -> Any:
    import pycountry  # 50 ms

    return pycountry.languages


def _language(code: str) -> Any:
    return _database().get(alpha_3=code) if regex.fullmatch("[a-z]{3}", code) else None


@cache
def _scripts() -> tuple[str, ...]:
    import pycountry

    return tuple(script.alpha_4 for script in pycountry.scripts)


@cache
def _cldr(key: Literal["likely_subtags", "language_aliases"]) -> dict[str, str]:
    from babel.core import get_global

    return dict(get_global(key))


def _likely_script(code: str, region: str | None = None) -> str | None:
    likely, found = _cldr("likely_subtags"), _language(code)
    spellings = [getattr(found, "alpha_2", None), code, _cldr("language_aliases").get(code)]
    for spelling in filter(None, spellings):
        base, _, tail = spelling.partition("_")
        if len(tail) == 4:  # the alias says it itself: `hbs` is `sr_Latn`
            return tail
        for key in (f"{base}_{region}" if region else None, f"{base}_{tail}" if tail else None, base):
            if key and key in likely:
                return likely[key].split("_")[1]
    return None


@cache
def _alias_codes() -> dict[str, str]:
    """CLDR's `member -> whole` among living ISO 639-3 codes."""
    found = {alias: _three_letters(target.partition("_")[0]) for alias, target in _cldr("language_aliases").items()}
    return {alias: whole for alias, whole in found.items() if whole not in (None, alias) and _language(alias)}


@lru_cache(maxsize=65536)
def _script_of_letter(character: str) -> str | None:
    match = _letter().match(character)
    return match.lastgroup if match else None


@cache
def _letter() -> regex.Pattern[str]:
    """One alternative per Unicode script, so that a match's group is its ISO 15924 code."""
    named = []
    for script in _scripts():
        if script not in _NO_SCRIPTS and script not in _MADE_OF:
            try:
                regex.compile(rf"\p{{Script={script}}}")
            except regex.error:  # a script of ISO 15924 that Unicode has no characters for
                continue
            named.append(rf"(?P<{script}>[\p{{Script={script}}}&&\p{{L}}])")
    return regex.compile("(?V1)" + "|".join(named))


def _bcp47(code: str, convention: str) -> Lang:
    match = _BCP47.fullmatch(code)
    if match is None:
        raise BadInput(
            f"{convention} code {_shown(code)}: wanted language[-Script][-REGION], as in 'cy', 'sr-Latn', 'zh-TW' "
            f"(no variants or extensions){_hint(code)}"
        )
    base, script, region = match[1].lower(), match[2], match[3]
    base = _tables()["bcp47"].get(base, base)
    if (full := _three_letters(base)) is None:
        raise BadInput(f"{convention} code {_shown(code)}: {base!r} is no ISO 639 code of a language{_hint(base)}")
    if script is None and region is not None:
        script = _likely_script(full, region.upper())
    return parse(f"{full}-{script.title()}" if script else full)


def _by_name(code: str, convention: str) -> Lang:
    """The language that an English name in lower case, `_` or `-` for spaces, names in ISO 639-3 or else in CLDR."""
    wanted = regex.sub(r"[ _-]+", " ", code).strip().casefold()
    found = _iso_names().get(wanted) or _cldr_names().get(wanted) or ()
    if len(found) != 1:
        raise BadInput(f"{convention} name {_shown(code)}: not the English name of one language{_hint(wanted)}")
    return parse(found[0])


@cache
def _names() -> dict[str, str]:
    """ISO 639-3 code -> the name to show."""
    short = {code: label for label, codes in _cldr_labels().items() for code in codes} | _tables()["names"]
    found = {
        one.alpha_3: short.get(one.alpha_3, one.name.removesuffix(" (individual language)")) for one in _database()
    }
    times = Counter(found.values())
    for one in _database():
        if times[found[one.alpha_3]] > 1 and one.scope == "M":
            found[one.alpha_3] += " (macrolanguage)"
    return found


@cache
def _iso_names() -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for language in _database():
        key = language.name.casefold()
        names[key] = (*names.get(key, ()), language.alpha_3)
    return names


@cache
def _cldr_labels() -> dict[str, tuple[str, ...]]:
    from babel import Locale

    found = {label: _three_letters(code) for code, label in Locale("en").languages.items()}
    return {label: (code,) for label, code in found.items() if code is not None}


@cache
def _cldr_names() -> dict[str, tuple[str, ...]]:
    return {label.casefold(): codes for label, codes in _cldr_labels().items()}


def _three_letters(base: str) -> str | None:
    """The ISO 639-3 code of an ISO 639-1 or 639-3 code."""
    found = _database().get(alpha_2=base) if len(base) == 2 else _language(base)
    return str(found.alpha_3) if found is not None else None


def _fields(pattern: str, code: str, convention: str, example: str) -> tuple[str, ...]:
    if (match := regex.fullmatch(pattern, code)) is None:
        raise BadInput(f"{convention} code {_shown(code)}: wanted the form {example!r}{_hint(code)}")
    return tuple(match.groups())


def _shown(code: str) -> str:
    return repr(code if len(code) <= 40 else code[:40] + "…")


def _hint(code: str) -> str:
    """`; nearest: cym (Welsh), …` for a code or name that is not known, the likeliest first."""
    low = (regex.split("[-_]", code)[0] if _BCP47.fullmatch(code) else code)[:40].casefold()
    alias = _cldr("language_aliases").get(low, "").partition("_")[0]
    bibliographic = getattr(_database().get(bibliographic=low), "alpha_3", None)
    near = [_three_letters(low), bibliographic, _three_letters(alias)]
    is_known = any(near)
    near += [other for other in _common_codes() if _is_slip(low, other)]
    if not is_known:
        names = _iso_names() | _cldr_names()
        close = [label for label in sorted(names, key=len) if low and label.startswith(low)][:3]
        close += get_close_matches(low, names, n=3, cutoff=0.75)
        near += [other for label in close for other in names[label]]
    if len(low) == 3 and not is_known:
        near += get_close_matches(low, _common_codes(), n=3, cutoff=0.6)
        near += get_close_matches(low, all_codes(), n=3, cutoff=0.6)
    most = 9 if len(low) == 2 else 5
    shown = ", ".join(f"{other} ({name(other)})" for other in list(dict.fromkeys(filter(None, near)))[:most])
    return f"; nearest: {shown}" if shown else ""


@cache
def _common_codes() -> tuple[str, ...]:
    """The languages that ISO 639-1 has a code of two letters for."""
    return tuple(sorted(one.alpha_3 for one in _database() if hasattr(one, "alpha_2")))


def _is_slip(typed: str, code: str) -> bool:
    """Whether `typed` is `code` with one letter left out, or two neighbours exchanged."""
    a, b, c = code[0], code[1], code[2]
    return typed in {b + c, a + c, a + b, b + a + c, a + c + b}
