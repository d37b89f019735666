"""Strict TOML -> Study: one base, named differences, overrides from the command line, all problems reported at once."""

from __future__ import annotations

import copy
import difflib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from workbench.config import AnyStudy, Config, InflectionConfig, InflectionStudy, Study
from workbench.errors import BadInput

STUDY_FILE = "study.toml"
M = TypeVar("M", bound=BaseModel)
_TOP_LEVEL = ("kind", "name", "question", "seeds", "reference", "base", "variants", "where")


def study(path: Path, overrides: Sequence[str] = ()) -> AnyStudy:
    """The study in `path` (a study.toml, or the folder that holds one), with `key.path=value` overrides applied.

    A section key (`pretrain.steps=100`) overrides the base of every variant; `variants.NAME.…` one row;
    `seeds=[0]` and `where.jobs=1` the study itself.

    Raises: BadInput with every problem: file, dotted path, what was wanted, what was got, the nearest right name.
    """
    file = path / STUDY_FILE if path.is_dir() else path
    return described(_parse(file), overrides, str(file))


def described(raw: dict[str, Any], overrides: Sequence[str], origin: str) -> AnyStudy:
    """The study that `raw` describes, as the TOML of a study.toml does; `origin` is what errors call it.

    Raises: BadInput with every problem, as `study`.
    """
    raw = copy.deepcopy(raw)
    kind: type[Study] | type[InflectionStudy] = Study
    of: type[Config] | type[InflectionConfig] = Config
    if raw.get("kind") == "inflection":
        kind, of = InflectionStudy, InflectionConfig
    for override in overrides:
        _apply(raw, override, list(of.model_fields))
    problems = [_unknown(key, _TOP_LEVEL, "") for key in raw if key not in _TOP_LEVEL]
    base = _table(raw.pop("base", {}), "base", problems)
    differences = _table(raw.pop("variants", {}), "variants", problems)
    _, base_problems = _validate(of, base, "base")
    problems += base_problems
    variants: dict[str, Config | InflectionConfig] = {}
    for name, difference in differences.items():
        merged = _merge(base, _table(difference, f"variants.{name}", problems))
        config, found = _validate(of, merged, f"variants.{name}")
        # a fault of the base shows up in every variant: say it once
        problems += [p for p in found if p.partition(": ")[2] not in {b.partition(": ")[2] for b in base_problems}]
        if config is not None:
            variants[name] = config
    if not problems:
        result, problems = _validate(kind, {**raw, "variants": variants}, "")
        if result is not None:
            return result
    count = f"{len(problems)} problem{'s' * (len(problems) > 1)}"
    raise BadInput(f"{origin}: {count}\n" + "\n".join(f"  {problem}" for problem in problems))


def override(part: M, overrides: Sequence[str]) -> M:
    """One part of the schema with `key.path=value` overrides applied to it.

    Raises: BadInput with every problem, as `study`.
    """
    raw = part.model_dump()
    for one in overrides:
        keys, value = _assignment(one)
        _assign(raw, keys, value, one)
    found, problems = _validate(type(part), raw, "")
    if found is None:
        raise BadInput("--set: " + "; ".join(problems))
    return found


def _parse(file: Path) -> dict[str, Any]:
    if not file.is_file():
        near = [str(p.parent) for p in sorted(Path("experiments").glob(f"*/{STUDY_FILE}"))]
        hint = f"; studies here: {', '.join(near)}" if near else ""
        raise BadInput(f"{file}: no such study file{hint}")
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: not valid TOML: {error}") from error


def _apply(raw: dict[str, Any], override: str, parts: Sequence[str]) -> None:
    keys, value = _assignment(override)
    if keys[0] not in _TOP_LEVEL:
        if keys[0] not in parts:
            raise BadInput(f"--set {override}: {_unknown(keys[0], [*parts, *_TOP_LEVEL], '')}")
        keys = ["base", *keys]
    if keys[0] == "variants" and (len(keys) < 3 or keys[1] not in raw.get("variants", {})):
        known = sorted(raw.get("variants", {}))
        raise BadInput(f"--set {override}: no such variant; variants are {known}")
    _assign(raw, keys, value, override)


def _assignment(override: str) -> tuple[list[str], Any]:
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise BadInput(f"--set {override}: wanted key.path=value, for example train.steps=100")
    try:
        return keys, tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return keys, text.strip()  # a bare word is a string: --set where.device=cpu


def _assign(raw: dict[str, Any], keys: Sequence[str], value: Any, override: str) -> None:
    node = raw
    for key in keys[:-1]:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise BadInput(f"--set {override}: {key!r} is a value, not a section")
    node[keys[-1]] = value


def _table(value: Any, where: str, problems: list[str]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    problems.append(f"{where}: wanted a table, got {value!r}")
    return {}


def _merge(base: dict[str, Any], difference: dict[str, Any]) -> dict[str, Any]:
    """`difference` laid over `base`, table by table; a table of another `kind` replaces the base's whole."""
    merged = dict(base)
    for key, value in difference.items():
        old = merged.get(key)
        same_kind = isinstance(old, dict) and isinstance(value, dict) and value.get("kind") in (None, old.get("kind"))
        merged[key] = _merge(old, value) if same_kind and isinstance(old, dict) else value
    return merged


def _validate(model: type[M], value: Any, prefix: str) -> tuple[M | None, list[str]]:
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        return None, [_explain(model, dict(item), prefix) for item in error.errors()]


def _explain(model: type[BaseModel], item: dict[str, Any], prefix: str) -> str:
    loc = _without_tags(model, [str(part) for part in item["loc"]])
    where = ".".join([*([prefix] if prefix else []), *loc])
    got = item["input"]
    match item["type"]:
        case "extra_forbidden":
            return _unknown(loc[-1], _fields_at(model, loc[:-1]), where.rpartition(".")[0])
        case "missing":
            return f"{where}: missing; it has no default"
        case "union_tag_not_found":
            kinds = sorted(
                {kind for m in _models_at(model, loc) for kind in get_args(m.model_fields["kind"].annotation)}
            )
            return f"{where}.kind: missing; one of {', '.join(kinds)}"
        case "union_tag_invalid":
            return f"{where}.kind: wanted one of {item['ctx']['expected_tags']}, got {item['ctx']['tag']!r}"
        case "value_error":
            return f"{where or 'study'}: {item['ctx']['error']!s}"
        case _:
            shown = "" if isinstance(got, dict) else f", got {got!r} ({type(got).__name__})"
            return f"{where}: {item['msg'][:1].lower()}{item['msg'][1:]}{shown}"


def _unknown(key: str, known: Iterable[str], parent: str) -> str:
    where = f"{parent}.{key}" if parent else key
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(names))}"
    return f"{where}: unknown key; {hint}"


def _fields_at(model: type[BaseModel], loc: Sequence[str]) -> list[str]:
    """The field names of the (nested) model that `loc` points into; for a union, those of all its members."""
    return sorted({name for m in _models_at(model, loc) for name in m.model_fields})


def _models_at(model: type[BaseModel], loc: Sequence[str]) -> list[type[BaseModel]]:
    models = [model]
    for part in loc:
        nested = [m.model_fields[part].annotation for m in models if part in m.model_fields]
        models = [m for annotation in nested for m in _models_in(annotation)]
    return models


def _without_tags(model: type[BaseModel], loc: Sequence[str]) -> list[str]:
    """A place as the user wrote it: pydantic puts the kind of a union's member behind the union's name."""
    kept: list[str] = []
    for part in loc:
        above = _models_at(model, kept)
        is_tag = kept and any(
            "kind" in m.model_fields and part in get_args(m.model_fields["kind"].annotation) for m in above
        )
        if not is_tag:
            kept.append(part)
    return kept


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for argument in get_args(annotation) for m in _models_in(argument)]
