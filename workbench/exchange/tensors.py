"""Named arrays in safetensors files, whole or in shards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

from workbench import files
from workbench.errors import BadInput

Tensors = dict[str, np.ndarray]

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
CONFIG = "config.json"
FLOATS = (np.float16, np.float32, np.float64, ml_dtypes.bfloat16)  # bfloat16: known to numpy from this import on


def write(folder: Path, tensors: Mapping[str, np.ndarray]) -> None:
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    safetensors.numpy.save_file(arrays, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)  # it comes readable by its owner alone


def read(folder: Path) -> Tensors:
    """Every array of the folder's safetensors, as float32.

    Raises: BadInput where there are none, a shard is missing, a file is damaged, or an array holds no numbers.
    """
    if (folder / INDEX).is_file():
        names = sorted(set(read_config(folder / INDEX).get("weight_map", {}).values()))
        if any(Path(name).name != name for name in names):
            raise BadInput(f"{folder / INDEX}: names files outside its folder: {names}")
    else:
        names = [WEIGHTS]
    found: Tensors = {}
    for name in names:
        found |= _read_file(folder, folder / name)
    for name, array in found.items():
        if not np.isfinite(array).all():
            raise BadInput(f"{folder}: {name} holds NaN or infinity; this model cannot be used")
    return found


def _read_file(folder: Path, file: Path) -> Tensors:
    if not file.is_file():
        pickles = sorted(p.name for p in folder.glob("*.bin")) + sorted(p.name for p in folder.glob("*.pt"))
        hint = f"; {pickles[0]} is a pickle, which can run code: convert it to safetensors first" if pickles else ""
        raise BadInput(f"{file}: no such file; wanted a folder with {WEIGHTS} (or {INDEX} and its shards){hint}")
    try:
        with safetensors.safe_open(file, framework="numpy") as opened:
            arrays = {name: opened.get_tensor(name) for name in sorted(opened.keys())}
    except (safetensors.SafetensorError, OSError, TypeError) as error:
        raise BadInput(f"{file}: damaged or not safetensors ({error}); fetch it again") from error
    for name, array in arrays.items():
        if array.dtype in FLOATS:
            arrays[name] = array.astype(np.float32)
    return arrays


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises: BadInput where the file is missing or holds something else.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file; wanted a model folder with {CONFIG} and {WEIGHTS}")
    return files.read_object(path)
