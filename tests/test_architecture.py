"""The shape of the code, checked: who may import whom, which dependency has one door, what may load jax."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "workbench"
FILES = sorted(PACKAGE.rglob("*.py"))

# A module imports its own folder and rows above it; folders on one row do not import each other.
ROWS: list[set[str]] = [
    {"errors", "records", "seeds"},
    {"bars", "files", "languages", "licences", "vocab"},
    {"config", "naming"},
    {"load"},
    {"sources", "tokenizer", "objectives"},
    {"synth", "mixture", "models", "tasks"},
    {"runs"},
    {"training"},
    {"adaptation"},
    {"evaluation", "exchange", "inflection"},
    {"probing"},
    {"stages"},
    {"cli"},
    {"__main__"},
]
ROW_OF = {name: number for number, row in enumerate(ROWS) for name in row}
# Reports read files only: nothing below the schema.
ROW_OF["reports"] = 4
# The orchestration may use the reports, being below everything.
DOORS = {
    "flax": {"models"},
    "orbax": {"runs/checkpoint.py"},
    "datasets": {"sources/hub.py"},
    "datatrove": {"sources/corpus_datatrove.py"},
    "unimorph": {"sources/unimorph.py"},
    "sentencepiece": {"tokenizer"},
    "safetensors": {"exchange"},
    "tokenizers": {"exchange", "tokenizer/published.py"},
    "huggingface_hub": {"exchange"},
}
PICKLE = "pick" + "le"  # so that a search for it finds uses only
HOST_ONLY = [
    "records",
    "languages",
    "naming",
    "bars",
    "licences",
    "vocab",
    "config",
    "load",
    "sources",
    "tokenizer",
    "objectives",
    "synth",
    "mixture",
    "tasks",
    "reports",
]


def imports(file: Path) -> set[str]:
    """Dotted names that `file` imports anywhere, at the top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def folder_of(file: Path) -> str:
    relative = file.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_a_module_imports_only_its_own_folder_and_rows_above(file: Path) -> None:
    own = folder_of(file)
    for name in imports(file):
        parts = name.split(".")
        if parts[0] != "workbench" or len(parts) < 2 or parts[1] not in ROW_OF:
            continue
        assert parts[1] == own or ROW_OF[parts[1]] < ROW_OF[own], f"{file.name} imports {name}, which is not above it"


@pytest.mark.parametrize("dependency", DOORS)
def test_a_dependency_has_one_door(dependency: str) -> None:
    for file in FILES:
        if dependency in {name.split(".")[0] for name in imports(file)}:
            relative = file.relative_to(PACKAGE).as_posix()
            assert any(relative == door or relative.startswith(f"{door}/") for door in DOORS[dependency]), relative


@pytest.mark.parametrize("name", HOST_ONLY)
def test_the_host_side_never_names_jax(name: str) -> None:
    for file in FILES:
        if folder_of(file) == name:
            assert "jax" not in {found.split(".")[0] for found in imports(file)}, file


def test_help_and_import_load_no_jax() -> None:
    code = (
        "import sys, contextlib, io\n"
        "import workbench, workbench.cli\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    workbench.cli.main(['--help'])\n"
        "heavy = {'jax', 'sklearn', 'matplotlib', 'pandas', 'datasets', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_files_can_be_read_in_one_sitting_and_are_named_after_what_they_do() -> None:
    for file in FILES:
        assert len(file.read_text("utf-8").splitlines()) <= 400, file
        assert file.stem not in {"utils", "util", "common", "helpers", "misc"}, file


def test_no_unsafe_loading_and_few_suppressions() -> None:
    suppressions = 0
    for file in FILES:
        text = file.read_text("utf-8")
        for word in (f"import {PICKLE}", "trust_remote_code=", "yaml.load(", f"allow_{PICKLE}=True"):
            assert word not in text, f"{file}: {word}"
        suppressions += text.count("# noqa") + text.count("# type: ignore")
    assert suppressions <= 10


def test_public_functions_swallow_no_keyword_arguments() -> None:
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                nested = node.col_offset > 4
                assert node.args.kwarg is None or nested, (
                    f"{file.name}:{node.lineno} {node.name}(**{node.args.kwarg.arg})"
                )
