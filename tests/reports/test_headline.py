from __future__ import annotations

import re
from dataclasses import replace

from workbench.records import Result
from workbench.reports import collect, headline
from workbench.reports.headline import Effect, Finding
from workbench.reports.spec import Spec


def findings(spec: Spec, rows: list[Result]) -> dict[str, Finding]:
    return {f.title: f for f in headline.findings(spec, collect.gather(rows))}


def shifted(rows: list[Result], variant: str, task: str, by: float) -> list[Result]:
    return [replace(r, value=r.value + by) if (r.variant, r.task) == (variant, task) else r for r in rows]


def test_a_gain_a_loss_and_no_difference_are_said_as_they_are(spec: Spec, rows: list[Result]) -> None:
    title = "What the lexicon's meanings bought"
    gain = findings(spec, rows)[title]
    assert (gain.verdict, gain.chip) == ("better", "gain")
    assert gain.short.startswith("“lexicon” is better than “lexicon-control” by 0.21 bits/byte (3.30 → 3.09")
    loss = findings(spec, shifted(rows, "lexicon", "lm", 0.5))[title]
    assert (loss.verdict, loss.chip) == ("worse", "loss")
    assert "“lexicon” is worse than “lexicon-control” by 0.29 bits/byte" in loss.short
    assert loss.detail.startswith("Clearly worse: ")
    even = findings(spec, shifted(rows, "lexicon", "lm", 0.205))[title]
    assert (even.verdict, even.chip) == ("unclear", "no clear difference")
    assert "do not clearly differ" in even.short


def test_every_language_is_named_once_whatever_its_sign(spec: Spec, rows: list[Result]) -> None:
    for finding in findings(spec, rows).values():
        named = re.findall(r"(?:^|[:,;] )(?:[a-zA-Z ]+: )?([\w+-]+) \(", finding.detail)
        assert sorted(named) == sorted(effect.label for effect in finding.effects)


def test_a_floor_that_wins_is_said_to_win(spec: Spec, rows: list[Result]) -> None:
    found = findings(spec, rows)
    linear = found["Do model-free floors win on intents? floor: char n-grams, translated"]
    assert (linear.verdict, linear.chip) == ("worse", "floor wins")
    assert linear.short.startswith(
        "“lexicon, pseudo-labelled”, the best of 4 rows (a choice that favours the models), loses to"
    )
    assert "“floor: char n-grams, translated”, which uses no neural model" in linear.short
    assert found["Do model-free floors win on intents? floor:majority"].chip == "model wins"


def test_a_floor_about_one_arm_meets_that_arm_and_its_other_measure_is_owned_up(spec: Spec, rows: list[Result]) -> None:
    found = findings(spec, rows)["Do model-free floors win on text? floor:char-6gram (few-text)"]
    assert found.short.startswith("“few-text” beats “floor:char-6gram (few-text)”")
    assert "The floor is measured as bits_per_byte" in found.detail


def test_forgetting_is_per_row_and_against_the_reference(spec: Spec, rows: list[Result]) -> None:
    title = "What adapting cost in English"
    cost = findings(spec, rows)[title]
    assert (cost.verdict, cost.chip) == ("worse", "forgetting")
    assert [e.label for e in cost.effects if e.verdict != "worse"] == ["few-text"]
    free = [replace(r, value=2.6 + 0.01 * r.seed) if r.lang == "eng-Latn" and r.task == "lm" else r for r in rows]
    none = findings(spec, free)[title]
    assert none.chip == "no clear cost"
    assert none.short.startswith("No row is clearly worse in English")


def test_one_seed_is_never_clear(spec: Spec, rows: list[Result]) -> None:
    found = findings(spec, [r for r in rows if r.seed == 0])
    assert {f.verdict for f in found.values()} == {"unclear"}
    assert all("one seed, so nothing is called clear" in f.detail for f in found.values())


def test_the_rule_says_how_often_noise_passes() -> None:
    assert "with 3 seeds noise alone passes that about 7% of the time" in headline.rule(3)  # t(2) beyond 3.46
    assert "with 5 seeds noise alone passes that about 1% of the time" in headline.rule(5)
    assert "one seed is never clear" in headline.rule(1)


def test_an_effect_is_clear_by_the_rule_that_is_printed() -> None:
    assert [Effect("x", v).verdict for v in ((0.2, 0.21), (-0.2, -0.21), (0.2, -0.1))] == ["better", "worse", "unclear"]
