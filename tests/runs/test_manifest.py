"""Which code a run was made with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from workbench.runs import manifest


def git(folder: Path, *arguments: str) -> None:
    someone = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    subprocess.run(["git", *someone, *arguments], cwd=folder, capture_output=True, check=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with one commit of a package and of something beside it."""
    root = tmp_path / "checkout"
    (root / "workbench" / "runs").mkdir(parents=True)
    (root / "workbench" / "runs" / "manifest.py").write_text("1")
    (root / ".gitignore").write_text(".venv/\n__pycache__/\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return root


def placed(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The revision that a package in `root` would name."""
    monkeypatch.setattr(manifest, "__file__", str(root / "workbench" / "runs" / "manifest.py"))
    return manifest.code_revision()


def test_what_is_changed_or_new_in_the_package_makes_another_revision(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = placed(checkout, monkeypatch)
    assert len(clean) == 12
    (checkout / "notes.txt").write_text("beside the package")
    (checkout / "workbench" / "__pycache__").mkdir()
    (checkout / "workbench" / "__pycache__" / "new.pyc").write_text("ignored")
    assert placed(checkout, monkeypatch) == clean
    new, old, found = checkout / "workbench" / "new m\u00f6dule.py", checkout / "workbench" / "runs" / "manifest.py", []
    for file, text in ((new, "1"), (new, "2"), (old, "2")):
        file.write_text(text)
        found.append(placed(checkout, monkeypatch))
    new.unlink()
    found.append(placed(checkout, monkeypatch))
    assert len({clean, *found}) == 5
    assert all(revision.startswith(f"{clean}+") for revision in found)
    linked = checkout.parent / "linked"
    linked.symlink_to(checkout)
    assert placed(linked, monkeypatch) == found[-1]


def test_a_package_installed_inside_another_project_names_its_version(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = checkout / ".venv" / "lib" / "site-packages"
    (inside / "workbench" / "runs").mkdir(parents=True)
    assert placed(inside, monkeypatch).startswith("v")
