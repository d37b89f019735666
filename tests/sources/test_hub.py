from collections.abc import Iterator

import pytest

from workbench import languages
from workbench.errors import BadInput, Unavailable
from workbench.sources import hub
from workbench.sources.lines import Report


class Library:
    """Stands in for the `datasets` module: its doors are shut here, and its errors are what is tested."""

    def __init__(self, outcome: Exception | list[dict]) -> None:
        self.outcome = outcome
        self.asked: dict = {}

    def load_dataset(self, name: str, config: str | None, **options: object) -> Iterator[dict]:
        self.asked = {"name": name, "config": config, **options}
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return iter(self.outcome)


def named(kind: str, message: str) -> Exception:
    return type(kind, (Exception,), {})(message)


def use(monkeypatch: pytest.MonkeyPatch, outcome: Exception | list[dict]) -> Library:
    library = Library(outcome)
    monkeypatch.setattr(hub, "import_module", lambda name: library)
    return library


def test_rows_are_streamed_with_their_place_and_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    library = use(monkeypatch, [{"text": "un"}, {"text": "dau"}])
    found = list(hub.rows("owner/name", "train", config="cym", revision="abc"))
    assert found == [("owner/name (cym) train:1", {"text": "un"}), ("owner/name (cym) train:2", {"text": "dau"})]
    assert library.asked == {
        "name": "owner/name", "config": "cym", "split": "train", "revision": "abc", "streaming": True,
    }  # fmt: skip


def test_documents_need_a_text_in_their_column(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, [{"text": "un "}, {"text": None}, {"other": "x"}])
    report = Report()
    (row,) = hub.documents("owner/name", "train", languages.parse("cym"), report)
    assert (row.id, row.text, row.source) == ("owner/name-train-0000001", "un", "hub:owner/name")
    assert report.dropped.counts == {"wanted a text in 'text'": 2}


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (
            RuntimeError("Dataset scripts are no longer supported, but found x.py"),
            BadInput,
            "refs/convert/parquet",
        ),
        (named("DatasetNotFoundError", "Dataset 'x' is a gated dataset on the Hub"), BadInput, "hf auth login"),
        (named("DatasetNotFoundError", "Dataset 'x' doesn't exist on the Hub"), BadInput, "check the name"),
        (ConnectionError("Couldn't reach 'x' on the Hub (OfflineModeIsEnabled)"), Unavailable, "HF_HUB_OFFLINE"),
        (named("ReadTimeout", "timed out"), Unavailable, "try again"),
        (ValueError('Unknown split "tset". Should be one of train'), BadInput, "Should be one of train"),
        (KeyError("odd"), BadInput, "KeyError"),
    ],
)
def test_every_failure_is_a_sentence_that_says_what_to_do(monkeypatch, error, kind, says) -> None:
    use(monkeypatch, error)
    with pytest.raises(kind, match=says):
        next(hub.rows("owner/name", "tset"))


def test_a_script_we_have_a_reader_for_names_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, RuntimeError("Dataset scripts are no longer supported, but found masakhaner.py"))
    with pytest.raises(BadInput, match=r"masakhane-ner, read with sources\.conllu\.read_columns"):
        next(hub.rows("masakhane/masakhaner2", "train"))


@pytest.mark.parametrize("name", ["../x", "a/b/c", "/etc/passwd", "", "a b", "owner/..", "./data.jsonl"])
def test_a_name_is_never_a_path(name: str) -> None:
    with pytest.raises(BadInput, match="wanted 'owner/name'"):
        next(hub.rows(name, "train"))


def test_the_library_itself_offline_is_unavailable_and_not_a_traceback() -> None:
    import os
    import subprocess
    import sys

    code = "from workbench.sources import hub; next(hub.rows('facebook/flores', 'dev'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Unavailable: hub data set facebook/flores: the hub is not reached" in done.stderr
