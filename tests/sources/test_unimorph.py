import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import languages
from workbench.errors import BadInput, Unavailable
from workbench.sources import unimorph
from workbench.sources.lines import Report
from workbench.sources.unimorph import join_features, split_features

FIN = languages.parse("fin-Latn")


def write(folder: Path, text: str, name: str = "fin") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


# Features

atom = st.text(st.sampled_from("ABCSGPL123.+/ "), min_size=1, max_size=6)
bundles = st.recursive(
    atom, lambda inner: st.builds(lambda a, xs: f"{a}({','.join(xs)})", atom, st.lists(inner, min_size=1, max_size=3))
)


@given(st.lists(bundles, min_size=1, max_size=5).map(";".join))
def test_features_of_any_depth_survive_the_round_trip(text: str) -> None:
    atoms = split_features(text)
    assert join_features(atoms) == text
    assert split_features(join_features(atoms)) == atoms


@given(st.text(st.sampled_from("AB;,() "), max_size=12))
def test_any_bundle_is_split_exactly_or_refused(text: str) -> None:
    try:
        atoms = split_features(text)
    except ValueError:
        return
    assert join_features(atoms) == text
    assert all(atoms)


def test_features_of_the_three_schemas() -> None:
    assert split_features("V;IND;PST;1;SG") == ("V", "IND", "PST", "1", "SG")
    assert split_features("V;IMP;ACC(2,SG);NOM(INFM,2,SG)") == (
        "V", "IMP", "ACC", "(", "2", "SG", ")", "NOM", "(", "INFM", "2", "SG", ")",
    )  # fmt: skip
    assert split_features("N;ESS(PL;PSS(2,PL))") == (
        "N", "ESS", "(", "PL", ";", "PSS", "(", "2", "PL", ")", ")",
    )  # fmt: skip
    assert split_features("N;ACC/DAT;DEF/INDF") == ("N", "ACC/DAT", "DEF/INDF")


@pytest.mark.parametrize("text", ["", "V;;PST", "V;", ";V", "V(", "V)", "V()", "(V)", "V(,SG)", "V(SG)PL", "V(SG,)"])
def test_broken_features_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"feature|bracket"):
        split_features(text)


# What reading with pandas' defaults does to these files; each case is one corruption


def test_lemmas_that_look_like_missing_values_are_words(tmp_path: Path) -> None:
    path = write(tmp_path, "nan\tnanin\tN;GEN\nnull\tnulls\tN;PL\nNA\tNAs\tN;PL\nnone\tnones\tN;PL\n")
    assert [row.lemma for row in unimorph.read(path, FIN)] == ["nan", "null", "NA", "none"]


def test_a_leading_quote_swallows_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, '"a\tb\tN;SG\nc\t"d\tN;PL\ne\tf\tN;SG\n')
    assert [(row.lemma, row.form) for row in unimorph.read(path, FIN)] == [('"a', "b"), ("c", '"d'), ("e", "f")]


def test_a_fourth_column_shifts_nothing_and_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "abandon\tabandons\tV;PRS;3;SG\tabandon|s\n")
    report = Report()
    (row,) = unimorph.read(path, FIN, report)
    assert (row.lemma, row.form, row.features) == ("abandon", "abandons", ("V", "PRS", "3", "SG"))
    assert list(report.noted.counts.values()) == [1]
    (segmented,) = unimorph.segmentations(path, FIN)
    assert (segmented.inflection, segmented.segments) == (row, ("abandon", "s"))


def test_a_missing_column_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a\tb\tN;SG\n\nc\td\n")
    with pytest.raises(BadInput, match=r"fin:3: wanted 3 tab-separated columns, not 2"):
        list(unimorph.read(path, FIN))
    report = Report()
    assert len(list(unimorph.read(path, FIN, report))) == 1
    assert report.dropped.counts == {"wanted 3 tab-separated columns, not 2": 1}


def test_two_rows_glued_by_a_lost_newline_are_left_out_as_published_kurdish_has_them(tmp_path: Path) -> None:
    path = write(tmp_path, "a\tb\tN;LGSPEC1c\td\tN\ne\tf\tV.MSDR;NEG;\n", "ckb-arab.tsv")
    report = Report()
    (row,) = unimorph.read(path, languages.parse("ckb-Arab"), report)
    assert row.features == ("V.MSDR", "NEG")
    assert report.dropped.counts == {"wanted 3 tab-separated columns, not 5": 1}
    assert list(report.noted.counts) == ["features end in ';' (taken off)"]


def test_xz_and_split_files_are_found_and_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "ces").mkdir()
    (tmp_path / "ces" / "ces.xz").write_bytes(lzma.compress(b"a\tb\tN;SG\n"))
    (path,) = unimorph.paradigm_files(tmp_path / "ces", "ces")
    assert [row.form for row in unimorph.read(path, languages.parse("ces"))] == ["b"]
    (tmp_path / "fin").mkdir()
    for part in range(1, 12):
        write(tmp_path / "fin", f"l\tf{part}\tN\n", f"fin.{part}")
    write(tmp_path / "fin", "x\ty\tN:N\taf-\n", "fin.derivations")
    files = unimorph.paradigm_files(tmp_path / "fin", "fin")
    assert [row.form for path in files for row in unimorph.read(path, FIN)] == [f"f{part}" for part in range(1, 12)]
    (tmp_path / "fin" / "fin.4").unlink()
    with pytest.raises(BadInput, match="parts of fin are missing"):
        unimorph.paradigm_files(tmp_path / "fin", "fin")
    with pytest.raises(BadInput, match=r"wanted deu, deu\.1 or deu\.xz; got no such folder"):
        unimorph.paradigm_files(tmp_path / "deu", "deu")


def test_derivations_have_their_own_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "axial\tabaxial\tADJ:ADJ\tab-\nbroken\trow\n", "eng.derivations")
    report = Report()
    (row,) = unimorph.derivations(path, languages.parse("eng"), report)
    assert (row.base, row.derived, row.parts_of_speech, row.affix) == ("axial", "abaxial", "ADJ:ADJ", "ab-")
    assert sum(report.dropped.counts.values()) == 1


def test_carriage_returns_bom_nfd_homoglyphs_and_repeated_rows_are_seen_to(tmp_path: Path) -> None:
    text = "\ufeffbo\u0308y\tbo\u0308yt\tN;PL\r\nбaла\tбaлалар\tN;PL\r\nx\ty\tN\r\nx\ty\tN\r\n"  # a Latin a in both
    report = Report()
    found = list(unimorph.read(write(tmp_path, text, "kaz"), languages.parse("kaz-Cyrl"), report))
    assert (found[0].lemma, found[0].form) == ("böy", "böyt")
    assert len(found) == report.rows == 4
    assert report.dropped.counts == {}
    assert list(report.noted.counts.values()) == [1, 1, 1]


@pytest.mark.parametrize("code", ["../x", "fi", "FIN", "fin/..", "fin\n", "", "f n", "fin.git"])
def test_a_language_id_is_three_letters_before_it_touches_a_path_or_a_url(code: str) -> None:
    with pytest.raises(BadInput, match="three lower-case letters"):
        unimorph.locate(code)
    with pytest.raises(BadInput, match="three lower-case letters"):
        unimorph.fetch(code)


# Fetching: the package's own `git clone https://github.com/unimorph/<code>.git`, turned to a folder on this disk

FETCH = "import sys; from workbench.sources import unimorph; print(unimorph.fetch(sys.argv[1], float(sys.argv[2])))"


def fetch(home: Path, mirror: Path, code: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    (home / "gitconfig").write_text(f'[url "file://{mirror}/"]\n\tinsteadOf = https://github.com/\n')
    environment = os.environ | {"UNIMORPH": str(home / "data"), "GIT_CONFIG_GLOBAL": str(home / "gitconfig")}
    command = [sys.executable, "-c", FETCH, code, str(seconds)]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mirror")
    work = root / "work"
    work.mkdir()
    (work / "xho").write_text("thetha\tndathetha\tV;1;SG;PST\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(work)]
    for command in (["init", "-q"], ["add", "xho"], ["commit", "-qm", "data"]):
        subprocess.run([*git, *command], check=True)
    target = root / "unimorph" / "xho.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(target)], check=True)
    return root


def test_a_language_is_fetched_once_through_the_package_with_its_commit(tmp_path: Path, mirror: Path) -> None:
    done = fetch(tmp_path, mirror, "xho")
    assert done.returncode == 0, done.stderr
    head = subprocess.run(
        ["git", "-C", str(mirror / "work"), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    assert head.stdout.strip() in done.stdout
    (row,) = unimorph.read(tmp_path / "data" / "xho" / "xho", languages.parse("xho"))
    assert row.form == "ndathetha"
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["xho"]
    assert fetch(tmp_path, tmp_path / "nowhere", "xho").returncode == 0  # there already: no network is needed


def test_a_language_that_does_not_exist_ends_in_a_sentence_and_leaves_nothing(tmp_path: Path, mirror: Path) -> None:
    done = fetch(tmp_path, mirror, "zzz")
    assert "Unavailable: UniMorph zzz" in done.stderr
    assert "github.com/unimorph/zzz" in done.stderr
    assert list((tmp_path / "data").iterdir()) == []


def test_fetching_has_a_time_limit(tmp_path: Path, mirror: Path) -> None:
    done = fetch(tmp_path, mirror, "xho", seconds=0.01)
    assert "not fetched within 0 s" in done.stderr
    assert list((tmp_path / "data").iterdir()) == []


def test_without_git_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unimorph.UNIMORPH_DIR", tmp_path)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(Unavailable, match="install it"):
        unimorph.fetch("xho")


@pytest.mark.data
def test_the_published_files_load_with_these_counts(data_root: Path) -> None:
    wanted = {
        "aka/aka": 4182, "bak/bak": 12168, "ckb/ckb-arab-large.dev": 11089, "ckb/ckb-arab-large.test": 22176,
        "ckb/ckb-arab.tsv": 995, "fao/fao": 45474, "kaz/kaz": 357, "kaz/kaz.noun.tsv": 28347, "lin/lin": 228,
        "lug/lug": 4895, "mlt/mlt": 3584, "swc/swc": 10092, "swc/swc.sm": 4949, "zul/zul": 49119, "zul/zul.sm": 500,
    }  # fmt: skip
    dropped = 0
    for name, count in wanted.items():
        path = data_root / "unimorph" / name
        report = Report()
        found = list(unimorph.read(path, languages.from_source(path.parent.name, "unimorph"), report))
        assert len(found) == report.rows == count, name
        dropped += sum(report.dropped.counts.values())
        raw = {line.split("\t")[2].rstrip(";") for line in path.read_text("utf-8").split("\n") if line.count("\t") == 2}
        assert {join_features(row.features) for row in found} == raw
    assert dropped == 3  # two glued rows and one cut short in ckb-arab.tsv
