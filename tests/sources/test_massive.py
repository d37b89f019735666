import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.sources import massive
from workbench.sources.lines import Report
from workbench.sources.tagged import merged_bio, orphans

META = "id\tpartition\tscenario\tintent\n0\ttest\talarm\talarm_set\n1\ttrain\tplay\tplay_music\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def labelled(annotated: str) -> list[tuple[str, str]]:
    return list(zip(*massive.tokenize(massive.parse_slots(annotated)), strict=True))


def test_slots_are_taken_out_of_the_text_and_given_to_its_tokens() -> None:
    assert labelled("wake me at [time : nine am] [date : on friday] please") == [
        ("wake", "Other"), ("me", "Other"), ("at", "Other"), ("nine", "time"), ("am", "time"), ("on", "date"),
        ("friday", "date"), ("please", "Other"),
    ]  # fmt: skip
    assert labelled("[time : a]") == [("a", "time")]
    assert labelled("no slots") == [("no", "Other"), ("slots", "Other")]


def test_a_slot_that_touches_its_neighbour_makes_one_token() -> None:
    assert labelled("l'[time : heure]s vite") == [("l'heures", "time"), ("vite", "Other")]
    assert labelled("[a : x][b : y]") == [("xy", "a")]


@pytest.mark.parametrize(
    "annotated", ["[time : nine", "nine]", "[time nine]", "[time : ]", "[a : [b : c]]", "[]", "[ : x]"]
)
def test_brackets_that_make_no_slot_are_refused(annotated: str) -> None:
    with pytest.raises(ValueError, match=r"bracket|empty"):
        massive.parse_slots(annotated)


@given(st.text(st.sampled_from("ab [:]é日"), max_size=30))
def test_any_annotation_is_refused_or_loses_no_character(annotated: str) -> None:
    try:
        parts = massive.parse_slots(annotated)
    except ValueError:
        return
    plain = "".join("".join(text for _, text in parts).split())
    for tokens, labels in (massive.tokenize(parts), massive.tokenize_characters(parts)):
        assert "".join(tokens) == plain
        assert len(tokens) == len(labels)
        assert all(tokens)


def test_japanese_and_chinese_are_cut_into_characters_and_ascii_stays_whole() -> None:
    parts = massive.parse_slots("[time : 午前 五時] に起こして please")
    tokens, labels = massive.tokenize_characters(parts)
    assert tokens == ("午", "前", "五", "時", "に", "起", "こ", "し", "て", "please")
    assert labels == ("time",) * 4 + ("Other",) * 6


def test_the_published_script_never_closes_a_slot_that_ends_in_ascii_and_we_can() -> None:
    parts = massive.parse_slots("[time : 5 am] に [date : 今日] 起")
    assert massive.tokenize_characters(parts)[1] == ("time", "time", "time", "date", "date", "Other")
    assert massive.tokenize_characters(parts, as_published=False)[1] == (
        "time", "time", "Other", "date", "date", "Other",
    )  # fmt: skip


def test_neighbours_of_one_label_are_one_span_as_in_the_published_scores() -> None:
    tags = merged_bio(("Other", "time", "time", "date", "Other", "time"))
    assert tags == ("O", "B-time", "I-time", "B-date", "O", "B-time")
    assert orphans(tags) == 0


@given(st.lists(st.sampled_from(["Other", "a", "b"])))
def test_merged_spans_are_always_well_formed(labels: list[str]) -> None:
    assert orphans(merged_bio(labels)) == 0


def test_the_two_formats_give_the_same_utterances(tmp_path: Path) -> None:
    meta = massive.read_meta(write(tmp_path, "meta.tsv", META))
    table = write(tmp_path, "cy-GB.tsv", "id\tannot_utt\n0\tlarwm [time : naw]\n1\tcân\n")
    rows = [
        {"id": "0", "locale": "cy-GB", "partition": "test", "scenario": "alarm", "intent": "alarm_set",
         "utt": "larwm naw", "annot_utt": "larwm [time : naw]", "worker_id": "1"},
        {"id": "1", "locale": "cy-GB", "partition": "train", "scenario": "play", "intent": "play_music",
         "utt": "cân", "annot_utt": "cân"},
    ]  # fmt: skip
    lines = write(tmp_path, "cy-GB.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    one, two = list(massive.read_tsv(table, meta)), list(massive.read_jsonl(lines))
    assert one == two
    assert (one[0].text, one[0].tagged().tags, one[0].tagged().label) == ("larwm naw", ("O", "B-time"), "alarm_set")
    assert (one[0].lang.tag, one[1].split) == ("cym-Latn", "train")


def test_rows_of_other_ids_locales_and_without_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    meta = massive.read_meta(write(tmp_path, "meta.tsv", META))
    table = write(tmp_path, "cy-GB.tsv", "id\tannot_utt\n9\tx\n0\t[time : x\n0\tiawn\n")
    report = Report()
    assert [row.text for row in massive.read_tsv(table, meta, report)] == ["iawn"]
    assert sum(report.dropped.counts.values()) == 2
    with pytest.raises(BadInput, match=r"cy-GB\.tsv:2: an id that meta\.tsv does not have"):
        list(massive.read_tsv(table, meta))
    hidden = {"id": "0", "locale": "cy-GB", "partition": "MMNLU-22", "utt": "x"}
    with pytest.raises(BadInput, match=r"cy-GB\.jsonl:1: wanted the texts"):
        list(massive.read_jsonl(write(tmp_path, "cy-GB.jsonl", json.dumps(hidden))))


def test_slovenian_is_slovenian_and_a_file_must_be_named_after_its_locale(tmp_path: Path) -> None:
    meta = massive.read_meta(write(tmp_path, "meta.tsv", META))
    (row,) = massive.read_tsv(write(tmp_path, "sl-SL.tsv", "id\tannot_utt\n0\tzbudi me\n"), meta)
    assert row.lang.tag == "slv-Latn"
    with pytest.raises(BadInput, match="named after its locale"):
        list(massive.read_tsv(write(tmp_path, "slovene.tsv", "id\tannot_utt\n0\tx\n"), meta))
    with pytest.raises(BadInput, match=r"meta\.tsv:3: wanted a new id"):
        massive.read_meta(write(tmp_path, "meta.tsv", META.replace("1\ttrain", "0\ttrain")))


@pytest.mark.data
def test_every_locale_loads_whole(data_root: Path) -> None:
    folder = data_root / "massive"
    meta = massive.read_meta(folder / "meta.tsv")
    assert Counter(split for split, _, _ in meta.values()) == {"train": 11514, "dev": 2033, "test": 2974}
    full, held_out, slots = 0, 0, set()
    for path in sorted(folder.glob("*-*.tsv")):
        report = Report()
        found = list(massive.read_tsv(path, meta, report))
        assert not report.dropped.counts, path
        assert len(found) in {16521, 5007}
        full += len(found) == 16521
        held_out += len(found) == 5007
        slots |= {label for row in found for label in row.labels}
    assert (full, held_out) == (14, 13)
    assert len(slots - {"Other"}) == 55
