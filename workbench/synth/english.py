"""What an English word form is a form of: candidate lemmas with UniMorph features, by rules and a list of exceptions.

English is the pivot, and no UniMorph table of it comes with the embedded data, so the regular endings are written out
here (plural, third person, past, both participles, comparison of adjectives) beside the irregular verbs and nouns that
running text is full of. A reading is only a candidate: whoever asks keeps those whose lemma a lexicon has.

Source: the spelling rules of Huddleston & Pullum 2002, chapter 18, section 2 (own wording); feature names of UniMorph
    (Sylak-Glassman 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Part = Literal["N", "V", "ADJ"]
Features = tuple[str, ...]

PLURAL: Features = ("N", "PL")
THIRD: Features = ("V", "PRS", "3", "SG")
PAST: Features = ("V", "PST")
PAST_PARTICIPLE: Features = ("V.PTCP", "PST")
PRESENT_PARTICIPLE: Features = ("V.PTCP", "PRS")
COMPARATIVE: Features = ("ADJ", "CMPR")
SUPERLATIVE: Features = ("ADJ", "SPRL")

# lemma past[/past] participle; one form where past and participle are the same
_VERBS = """
arise arose arisen,awake awoke awoken,bear bore borne,beat beat beaten,become became become,begin began begun,
bend bent,bet bet,bind bound,bite bit bitten,bleed bled,blow blew blown,break broke broken,breed bred,bring brought,
build built,burn burnt,burst burst,buy bought,cast cast,catch caught,choose chose chosen,cling clung,come came come,
cost cost,creep crept,cut cut,deal dealt,dig dug,do did done,draw drew drawn,dream dreamt,drink drank drunk,
drive drove driven,eat ate eaten,fall fell fallen,feed fed,feel felt,fight fought,find found,flee fled,fling flung,
fly flew flown,forbid forbade forbidden,forget forgot forgotten,forgive forgave forgiven,freeze froze frozen,
get got gotten,give gave given,go went gone,grind ground,grow grew grown,hang hung,have had,hear heard,
hide hid hidden,hit hit,hold held,hurt hurt,keep kept,kneel knelt,know knew known,lay laid,lead led,lean leant,
leap leapt,learn learnt,leave left,lend lent,let let,lie lay lain,light lit,lose lost,make made,mean meant,meet met,
overcome overcame overcome,pay paid,put put,quit quit,read read,ride rode ridden,ring rang rung,rise rose risen,
run ran run,say said,see saw seen,seek sought,sell sold,send sent,set set,shake shook shaken,shed shed,
shine shone,shoot shot,show showed shown,shrink shrank shrunk,shut shut,sing sang sung,sink sank sunk,sit sat,
slay slew slain,sleep slept,slide slid,speak spoke spoken,speed sped,spend spent,spin spun,spit spat,split split,
spread spread,spring sprang sprung,stand stood,steal stole stolen,stick stuck,sting stung,strike struck stricken,
strive strove striven,swear swore sworn,sweep swept,swell swelled swollen,swim swam swum,swing swung,take took taken,
teach taught,tear tore torn,tell told,think thought,throw threw thrown,tread trod trodden,understand understood,
undertake undertook undertaken,wake woke woken,wear wore worn,weave wove woven,weep wept,win won,wind wound,
withdraw withdrew withdrawn,write wrote written
"""
_NOUNS = """
man men,woman women,child children,person people,foot feet,tooth teeth,goose geese,mouse mice,louse lice,ox oxen,
life lives,wife wives,knife knives,leaf leaves,half halves,self selves,shelf shelves,thief thieves,wolf wolves,
loaf loaves,calf calves,sheaf sheaves,brother brethren,analysis analyses,crisis crises,basis bases,thesis theses,
phenomenon phenomena,criterion criteria,datum data,medium media
"""
_ADJECTIVES = "good better best,bad worse worst,far farther farthest,little less least,many more most"
# Closed-class words and auxiliaries, whose forms carry what no paradigm of a translation lists.
_UNINFLECTED = """
is was has does his this its us as yes thus less unless always perhaps during nothing something anything everything
morning evening king thing ring spring being bed red need feed indeed hundred never ever other under after over
however together rather either neither whether father mother brother sister water number paper power letter
"""
_NOT_FORMS = frozenset(_UNINFLECTED.split())
_VOWELS = frozenset("aeiou")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a form: a lemma, and what the form says beyond it."""

    lemma: str
    features: Features


def analyse(form: str) -> tuple[Reading, ...]:
    """The readings of a form that is not a lemma, likeliest first; empty for what looks like none.

    Irregular forms have only their listed readings, except that a noun's and a verb's may share a form (`leaves`).
    """
    word = form.lower()
    listed = IRREGULAR.get(word, ())
    if listed and word != "leaves":
        return listed
    if word in _NOT_FORMS or not word.isascii() or not word.isalpha():
        return ()
    return tuple(dict.fromkeys([*listed, *_s(word), *_ed(word), *_ing(word), *_er_est(word)]))


def _s(word: str) -> list[Reading]:
    if not word.endswith("s") or word.endswith(("ss", "us", "is")) or len(word) < 4:
        return []
    lemmas = [word[:-1]]
    if word.endswith("ies") and len(word) > 4:
        lemmas = [word[:-3] + "y", word[:-1]]
    elif word.endswith(("sses", "shes", "ches", "xes", "zes", "oes")):
        lemmas = [word[:-2], word[:-1]]
    elif word.endswith("ses"):
        lemmas = [word[:-1], word[:-2]]
    return [Reading(lemma, features) for lemma in lemmas for features in (PLURAL, THIRD)]


def _ed(word: str) -> list[Reading]:
    if not word.endswith("ed") or len(word) < 4:
        return []
    return [Reading(lemma, features) for lemma in _stems(word[:-2]) for features in (PAST, PAST_PARTICIPLE)]


def _ing(word: str) -> list[Reading]:
    if not word.endswith("ing") or len(word) < 5:
        return []
    stem = word[:-3]
    return [Reading(lemma, PRESENT_PARTICIPLE) for lemma in [*_stems(stem), *([stem[:-1] + "ie"] * stem.endswith("y"))]]


def _er_est(word: str) -> list[Reading]:
    for ending, features in (("er", COMPARATIVE), ("est", SUPERLATIVE)):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return [Reading(lemma, features) for lemma in _stems(word[: -len(ending)])]
    return []


def _stems(stem: str) -> list[str]:
    """The lemmas that a stem before -ed, -ing, -er may be of: as it is, with its -e, -y or single consonant back."""
    if not any(letter in _VOWELS or letter == "y" for letter in stem):
        return []
    if stem.endswith("i"):
        return [stem[:-1] + "y"]
    found = [stem, stem + "e"]
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in _VOWELS:
        found = [stem[:-1], stem]
    elif len(stem) > 1 and (stem[-1] in "cvuz" or stem.endswith(("at", "iz", "ur", "ng", "rs", "dg", "bl", "tl"))):
        found = [stem + "e", stem]
    return found


def _irregular() -> dict[str, tuple[Reading, ...]]:
    found: dict[str, list[Reading]] = {}

    def add(form: str, lemma: str, features: Features) -> None:
        if form != lemma:
            found.setdefault(form, []).append(Reading(lemma, features))

    for row in _rows(_NOUNS):
        add(row[1], row[0], PLURAL)
    for row in _rows(_VERBS):
        add(row[1], row[0], PAST)
        add(row[-1], row[0], PAST_PARTICIPLE)
    for row in _rows(_ADJECTIVES):
        add(row[1], row[0], COMPARATIVE)
        add(row[2], row[0], SUPERLATIVE)
    return {form: tuple(readings) for form, readings in found.items()}


def _rows(table: str) -> list[list[str]]:
    return [row.split() for row in table.replace("\n", " ").split(",") if row.strip()]


IRREGULAR = _irregular()
