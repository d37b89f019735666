"""A published tokenizer that a run keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.tokenizer.kept import kept


@pytest.mark.parametrize(
    "data",
    [
        b'{"vocab": {"size"',
        b'{"vocab": {"size": 5}}',
        b'{"definition": 5, "vocab": {"size": 5}}',
        b'{"definition": "{}", "vocab": {"pieces": 5}}',
        b"{\xff}",
    ],
)
def test_a_damaged_one_is_refused_by_the_name_of_its_file(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(data)
    with pytest.raises(BadInput, match=r"tokenizer\.model: "):
        kept(tmp_path / "tokenizer.model")
