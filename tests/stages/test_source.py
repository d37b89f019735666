"""One's own text as the data of a study."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from workbench import load
from workbench.config import Files, InflectionStudy
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.records import Lang
from workbench.sources import catalogue
from workbench.stages import source, tokenize
from workbench.stages.source import OwnText

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
ENGLISH = Lang("eng", "Latn")
STUDY = """
name = "own"
seeds = [0]
reference = "small"
[base.data]
source = {{ kind = "files", folder = "{folder}", licence = "CC0-1.0" }}
pretrain = ["eng-Latn"]
[variants.small]
"""


def write(root: Path, split: str, texts: list[str]) -> None:
    path = root / "eng-Latn" / f"{split}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(texts) + "\n", "utf-8")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    root = tmp_path / "text"
    for split, count in (("train", 100), ("dev", 5), ("test", 5)):
        write(root, split, [f"{split} sentence number {n}" for n in range(count)])
    (tmp_path / "study.toml").write_text(STUDY.format(folder=root), "utf-8")
    return tmp_path


def opened(own: Path) -> OwnText:
    return OwnText(Files(folder=str(own / "text"), licence="CC0-1.0"), "r")


def test_every_kind_and_shard_of_a_split_is_read_in_the_order_of_names(own: Path) -> None:
    folder = own / "text" / "eng-Latn"
    (folder / "dev-2.jsonl").write_text(json.dumps({"text": "from json"}) + "\n", "utf-8")
    (folder / "dev").mkdir()
    with gzip.open(folder / "dev" / "more.txt.gz", "wt", encoding="utf-8") as file:
        file.write("from a folder\n")
    (folder / "developers.txt").write_text("not a split\n", "utf-8")
    found = [document.text for document in opened(own).documents(ENGLISH, "dev")]
    assert found == ["from json", *(f"dev sentence number {n}" for n in range(5)), "from a folder"]


def test_the_revision_is_of_the_files_bytes_not_of_where_they_are(own: Path) -> None:
    before = source.revision(load.study(own))
    (own / "text").rename(own / "moved")
    moved = load.study(own, [f"data.source.folder={own / 'moved'}"])
    assert source.revision(moved) == before
    assert moved.variants["small"].data.identity() == load.study(own).variants["small"].data.identity()
    write(own / "moved", "train", ["another sentence"])
    assert source.revision(moved) != before


def test_a_split_without_text_says_how_to_make_one_and_all_are_said_at_once(own: Path) -> None:
    for split in ("dev", "test"):
        (own / "text" / "eng-Latn" / f"{split}.txt").unlink()
    with pytest.raises(BadInput) as caught:
        source.revision(load.study(own))
    assert "2 split(s) without text" in str(caught.value)
    assert "no dev text among ['train.txt']" in str(caught.value)
    assert "hold some documents out" in str(caught.value)
    with pytest.raises(BadInput, match="is no folder; wanted one folder per language in it"):
        source.revision(load.study(own, ["data.source.folder=nowhere"]))


@pytest.mark.parametrize("name", ["hallucination", "sigmorphon2023"])
def test_paradigms_that_are_not_there_are_had_by_the_command_that_is_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    study = load.study(EXPERIMENTS / name)
    assert isinstance(study, InflectionStudy)
    command = "workbench data fetch sigmorphon --accept-licence"
    with pytest.raises(BadInput, match=rf"\.trn: no such file.*`{command}`"):
        source.revision(study)
    assert f"`{command}`" in (EXPERIMENTS / name / "study.toml").read_text("utf-8")
    known = catalogue.load()
    fetched = {known.dataset("sigmorphon").place(tmp_path) / file.path for file in known.files_of("sigmorphon")}
    assert {path for one in study.variants.values() for path in source.inflection_files(one.data)} <= fetched


def test_a_cap_draws_documents_from_everywhere_the_same_ones_each_time(own: Path) -> None:
    drawn = [[d.text for d in source.training(opened(own), ENGLISH, 500)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert 15 <= len(drawn[0]) < 100
    assert sum(len(text.encode()) for text in drawn[0]) <= 500
    assert drawn[0] != [f"train sentence number {n}" for n in range(len(drawn[0]))]
    assert len(list(source.training(opened(own), ENGLISH, 10**6))) == 100


def test_rows_written_in_groups_are_mapped_and_hold_every_token(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    documents = [rng.integers(1, 99, size).astype(np.int32) for size in rng.integers(1, 20, 300)]
    numbers = {str(n): ids for n, ids in enumerate(documents)}

    def encode(texts: list[str]) -> list[np.ndarray]:
        return [numbers[text] for text in texts]

    groups = list(tokenize.packed(encode, list(numbers), 16, together=500))
    whole = list(tokenize.packed(encode, list(numbers), 16))
    assert len(whole) == 1
    assert (whole[0].ids == pack(documents, 16).ids).all()  # little text is packed as one, as if never streamed
    num_rows = tokenize.write_rows(tmp_path, "eng-Latn", groups, 16)
    config = load.study(EXPERIMENTS / "quickstart").variants["none"]
    only = config.model_copy(update={"data": config.data.model_copy(update={"pretrain": ("eng-Latn",)})})
    found = tokenize.read_corpus(tmp_path, only)["eng-Latn"]
    assert isinstance(found.ids, np.memmap)
    assert len(found) == num_rows == sum(map(len, groups))
    assert found.num_tokens == sum(map(len, documents))
    for part in tokenize.PARTS:
        assert (getattr(found, part) == np.concatenate([getattr(group, part) for group in groups])).all()


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ('data.targets=["cym-Latn"]', None),
        ('adapt.resources=["few-text"]', "data.targets is empty"),
        ('evaluate.measures=["retrieval"]', "need translated or labelled sentences"),
        ('objective.kind="causal"', "trains a decoder, but model.kind is 'encoder'"),
        ('data.source="embedded"', "base.data.source"),
    ],
)
def test_what_a_study_of_own_text_cannot_do_is_said_before_it_runs(
    own: Path, override: str, wanted: str | None
) -> None:
    if wanted is None:
        assert load.study(own, [override]).variants["small"].measures == ("bits",)
        return
    with pytest.raises(BadInput) as caught:
        load.study(own, [override])
    assert wanted in str(caught.value)
    with pytest.raises(BadInput, match=r"pseudo.*made from lexicons"):
        load.study(own, ['data.targets=["cym-Latn"]', 'adapt.resources=["pseudo"]'])
