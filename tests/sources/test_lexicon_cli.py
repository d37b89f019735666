"""The verb `lexicon`: reports, merging with licences and provenance, files that hold another language."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.files import sha256_file
from workbench.sources import language_id, lexicon_cli

TSWANA = "".join(f"word{n}\tlefoko la bo{n} mo puong\n" for n in range(40))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    lexicon_cli.add_parser(parser.add_subparsers(required=True))
    options = parser.parse_args(["lexicon", *arguments])
    code: int = options.func(options)
    return code


def test_the_report_counts_faults_coverage_and_what_was_dropped(home: Path, capsys) -> None:
    (home / "eng-cym.tsv").write_text("cat\tcath\ndog\tci\nbad row\nsun\tсонце\n")
    (home / "english.txt").write_text("the cat\u2028and the dog\n\n")
    assert run("report", "eng-cym.tsv", "--lang", "cym", "--licence", "CC0-1.0", "--corpus", "english.txt") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "eng-cym.tsv: English (eng-Latn) -> Welsh (cym-Latn)" in said
    assert "licence CC0-1.0" in said
    assert "cym not written in Latn 1" in said
    assert "running words 5 2 40.0%" in said
    assert "3 rows read, 1 dropped" in said


def test_merging_writes_the_origin_of_every_entry_and_the_licences_of_all(home: Path, capsys) -> None:
    (home / "one.tsv").write_text("cat\tcath\ndog\tci\n")
    (home / "my two.tsv").write_text("cat\tcath\nsun\thaul\n")
    made = ["merge", "one.tsv", "--other", "my two.tsv", "--lang", "cym", "--out", "both.tsv"]
    assert run(*made, "--licence", "CC-BY-4.0") == 0
    assert [row.split("\t")[-1] for row in (home / "both.tsv").read_text().splitlines()] == [
        "origin", "one.tsv my_two.tsv", "one.tsv", "my_two.tsv",
    ]  # fmt: skip
    manifest = json.loads((home / "both.tsv.manifest.json").read_text())
    assert (manifest["licence"], manifest["terms"], manifest["rows"]) == ("CC-BY-4.0", "open", 3)
    assert (manifest["source"], manifest["target"], manifest["sha256"]) == (
        "eng-Latn", "cym-Latn", sha256_file(home / "both.tsv"),
    )  # fmt: skip
    assert [(one["origin"], one["pairs"]) for one in manifest["made_from"]] == [("one.tsv", 2), ("my_two.tsv", 2)]

    # what was merged carries its licence on, until it is changed
    (home / "three.tsv").write_text("tree\tcoeden\n")
    again = ["merge", "both.tsv", "--other", "three.tsv", "--lang", "cym", "--out", "all.tsv"]
    assert run(*again, "--licence", "CC-BY-SA-4.0") == 0
    assert json.loads((home / "all.tsv.manifest.json").read_text())["licence"] == "CC-BY-4.0 AND CC-BY-SA-4.0"
    with (home / "both.tsv").open("a") as file:
        file.write("moon\tlleuad\n")
    with pytest.raises(BadInput, match=r"both.tsv.manifest.json: not the manifest of both.tsv as it is now"):
        run(*again, "--licence", "CC-BY-SA-4.0")


@pytest.mark.parametrize("licence", ["", "CC-BY-NC-4.0"])
def test_what_is_not_free_or_not_stated_is_merged_only_with_a_yes(home: Path, licence: str) -> None:
    (home / "one.tsv").write_text("cat\tcath\n")
    (home / "two.tsv").write_text("sun\thaul\n")
    made = ["merge", "one.tsv", "--other", "two.tsv", "--lang", "cym", "--out", "both.tsv", "--licence", licence]
    with pytest.raises(BadInput, match=f"lexicon one.tsv: its licence is {licence or 'unstated'}, .*--accept-lic"):
        run(*made)
    assert not (home / "both.tsv").exists()
    assert run(*made, "--accept-licence") == 0
    assert json.loads((home / "both.tsv.manifest.json").read_text())["licence"] == (licence or "unstated")


def test_a_copy_of_another_language_s_file_is_caught_and_close_ones_are_shown(home: Path, capsys) -> None:
    for name in ("en_tn.tsv", "en_ts.tsv"):
        (home / name).write_text(TSWANA)
    (home / "en_cy.tsv").write_text("cat\tcath\ndog\tci\n")
    assert run("suspects", "en_tn.tsv", "en_ts.tsv", "en_cy.tsv", "--format", "gatitos") == 1
    said = capsys.readouterr().out
    assert "identical" in said
    assert "3 files, 1 that likely hold another language than their name says" in said
    close = "\n".join(TSWANA.splitlines()[:26]) + "\n" + "".join(f"other{n}\trito ra {n}\n" for n in range(14))
    (home / "en_ts.tsv").write_text(close)
    assert run("suspects", "en_tn.tsv", "en_ts.tsv", "--format", "gatitos") == 0
    assert "close" in capsys.readouterr().out


def test_a_file_in_another_script_or_language_is_caught_alone(home: Path, capsys) -> None:
    (home / "eng-kaz.tsv").write_text("cat\tmysyq\ndog\tit\nsun\tкүн\n")
    assert run("suspects", "eng-kaz.tsv") == 1
    assert "eng-kaz.tsv: said to be Kazakh (kaz-Cyrl), looks like Latn (70% of the letters)" in capsys.readouterr().out

    samples = {"tsn": "lefoko la bobedi mo puong ya rona", "tso": "rito ra vumbirhi eka ririmi ra hina"}
    profiles = language_id.train({languages.parse(code): [text] for code, text in samples.items()})
    profiles.save(home / "profiles.npz")
    (home / "tso.tsv").write_text(TSWANA)
    assert run("suspects", "tso.tsv", "eng-kaz.tsv=kaz-Latn", "--profiles", "profiles.npz") == 1
    said = capsys.readouterr().out
    assert "tso.tsv: said to be Tsonga (tso-Latn), looks like tsn-Latn" in said
    assert "without a language profile, so judged by rows and script: kaz-Latn" in said


def test_a_name_that_says_no_language_is_refused_with_the_way_to_say_it(home: Path) -> None:
    (home / "mine.tsv.txt").write_text("cat\tcath\n")
    with pytest.raises(BadInput, match=r"its name says no language .*give it as my-words.tsv=LANG"):
        run("suspects", "my-words.tsv")
    (home / "cym.tsv").write_text("cat\tcath\n")
    with pytest.raises(BadInput, match="given twice"):
        run("suspects", "cym.tsv", "cym.tsv")


@pytest.mark.data
def test_gatitos_en_ts_of_the_commit_where_it_is_en_tn_is_caught(data_root: Path, home: Path, capsys) -> None:
    copied = home / "en_ts.tsv"
    copied.write_bytes((data_root / "gatitos" / "en_tn.tsv").read_bytes())
    others = [str(data_root / "gatitos" / f"en_{code}.tsv") for code in ("tn", "nso", "ve", "ss")]
    assert run("suspects", str(copied), *others, "--format", "gatitos") == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "identical" in said
    assert "5 files, 1 that likely hold another language" in said
