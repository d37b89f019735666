"""The known tasks, read from the real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import config, languages
from workbench.errors import BadInput
from workbench.tasks import examples
from workbench.tasks.leakage import leakage
from workbench.tasks.task import SPLITS, label_names, tag_names

ENGLISH = languages.parse("eng-Latn")


def test_a_task_without_its_data_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    with pytest.raises(BadInput, match="workbench data fetch massive"):
        examples.task("massive")


def test_massive_is_read_from_either_of_its_layouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    root = tmp_path / "massive"
    root.mkdir()
    (root / "meta.tsv").write_text(
        "id\tpartition\tscenario\tintent\n0\ttrain\talarm\talarm_set\n1\ttest\tqa\tqa_maths\n"
    )
    (root / "en-US.tsv").write_text("id\tannot_utt\n0\twake me [time : at nine]\n1\thow much\n")
    task = examples.task("massive")
    (one,) = examples.examples(task, ENGLISH, "train")
    assert (one.label, one.words, one.tags) == (
        "alarm_set",
        ("wake", "me", "at", "nine"),
        ("Other", "Other", "time", "time"),
    )
    with pytest.raises(BadInput, match=r"massive has no cym-Latn \(Welsh\); there is eng-Latn"):
        examples.examples(task, languages.parse("cym-Latn"), "test")
    before = examples.revision(task, [ENGLISH])
    (root / "meta.tsv").write_text("id\tpartition\tscenario\tintent\n0\ttrain\talarm\tx\n1\ttest\tqa\tqa_maths\n")
    assert examples.revision(task, [ENGLISH]) != before


def test_the_languages_asked_for_are_checked_and_the_source_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    for code in ("cym_Latn", "eng_Latn", "fin_Latn"):
        (tmp_path / "sib200" / code).mkdir(parents=True)
        (tmp_path / "sib200" / code / "test.tsv").write_text("index_id\tcategory\ttext\n1\ttravel\tgo\n")
    task = examples.task("sib200")
    found = examples.asked(task, config.Task(name="sib200"))
    assert [lang.code for lang in found] == ["cym", "fin", "eng"]
    with pytest.raises(BadInput, match="no swh-Latn"):
        examples.asked(task, config.Task(name="sib200", languages=("swh-Latn",)))


def test_a_merged_code_of_sib200_is_another_variety(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ISO 639-3 merged South Levantine (ajp) into Levantine Arabic (apc); SIB-200 has a folder of each."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    for code in ("ajp_Arab", "apc_Arab", "eng_Latn"):
        (tmp_path / "sib200" / code).mkdir(parents=True)
        (tmp_path / "sib200" / code / "test.tsv").write_text(f"index_id\tcategory\ttext\n1\ttravel\tgo {code}\n")
    task = examples.task("sib200")
    assert [lang.tag for lang in examples.languages_of(task)] == ["apc-Arab", "eng-Latn"]
    found = examples.examples(task, languages.parse("apc-Arab"), "test")
    assert [(one.variety, one.text) for one in found] == [("ajp_Arab", "go ajp_Arab"), ("apc_Arab", "go apc_Arab")]
    assert len({one.id for one in found}) == 2
    assert [one.variety for one in examples.examples(task, ENGLISH, "test")] == [""]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "num_languages", "sizes", "num_labels", "num_tags"),
    [
        ("massive", 27, (11514, 2033, 2974), 60, 56),
        ("xsid", 11, (43605, 300, 500), 19, 71),
        ("sib200", 72, (701, 99, 204), 7, 0),
        ("ud-pos", 7, (12544, 2001, 2077), 0, 17),
    ],
)
def test_the_real_tasks_have_the_sizes_that_their_papers_give(
    data_root: Path, name: config.TaskName, num_languages: int, sizes: tuple[int, ...], num_labels: int, num_tags: int
) -> None:
    task = examples.task(name)
    assert len(examples.languages_of(task)) == num_languages
    found = {split: examples.examples(task, ENGLISH, split) for split in SPLITS}
    assert tuple(map(len, found.values())) == sizes
    assert (len(label_names(found["train"])), len(tag_names(found["train"]))) == (num_labels, num_tags)
    if name == "xsid":
        leaks = leakage(found)
        assert leaks.repeated[0].rows == 7690
        assert leaks.shared[1].rows > 100  # of its 500 test sentences, in train


@pytest.mark.data
def test_several_varieties_of_one_language_are_told_apart(data_root: Path) -> None:
    found = examples.examples(examples.task("xsid"), languages.parse("bar-Latn"), "test")
    assert len(found) == 1500
    assert {one.variety for one in found} == {"de-ba", "de-muc", "de-st"}
    assert len({one.id for one in found}) == 1500


@pytest.mark.data
def test_afrisenti_has_no_english_and_says_so(data_root: Path) -> None:
    task = examples.task("afrisenti")
    with pytest.raises(BadInput, match="no eng-Latn"):
        examples.asked(task, config.Task(name="afrisenti"))
    assert len(examples.asked(task, config.Task(name="afrisenti", source="hau-Latn"))) == 10
