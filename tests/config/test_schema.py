"""The JSON schema: what an editor is told agrees with what reading does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bpcli.choices import Registry
from bpcli.config.choice import choice_of
from bpcli.config.document import dump, read_yaml
from bpcli.config.places import sections
from bpcli.config.reading import read_config
from bpcli.config.registries import KINDS
from bpcli.config.schema import Config, json_schema
from bpcli.errors import BpError
from tests.each import each

from .support import CHOICES, PLACES, SHIPPED, Setting, nested, settings_of_choices, write

SCHEMA = json_schema()

SECTIONS = {".".join(path): section for path, section in sections(Config).items()}

TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}

CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "const": lambda value, const: type(value) is type(const) and value == const,
    "enum": lambda value, among: value in among,
    "type": lambda value, kinds: any(TYPES[kind](value) for kind in ([kinds] if isinstance(kinds, str) else kinds)),
    "minimum": lambda value, limit: value >= limit,
    "maximum": lambda value, limit: value <= limit,
    "exclusiveMinimum": lambda value, limit: value > limit,
    "exclusiveMaximum": lambda value, limit: value < limit,
    "minItems": lambda value, limit: len(value) >= limit,
    "minLength": lambda value, limit: len(value) >= limit,
    "pattern": lambda value, pattern: re.search(pattern, value) is not None,
    "anyOf": lambda value, schemas: any(valid(value, schema) for schema in schemas),
    "oneOf": lambda value, schemas: sum(valid(value, schema) for schema in schemas) == 1,
    "$ref": lambda value, ref: valid(value, definition(ref)),
    "items": lambda value, schema: all(valid(item, schema) for item in value),
    "required": lambda value, keys: all(key in value for key in keys),
    "properties": lambda value, keys: all(valid(value[key], schema) for key, schema in keys.items() if key in value),
}
"""The part of JSON Schema that the schema is written in."""

SILENT = {
    "$schema",
    "$defs",
    "title",
    "description",
    "default",
    "discriminator",
    "additionalProperties",
    "propertyNames",
}


def definition(ref: str) -> Any:
    return SCHEMA["$defs"][ref.removeprefix("#/$defs/")]


def valid(value: Any, schema: dict[str, Any] = SCHEMA) -> bool:
    """Whether a plain value meets a schema."""
    assert set(schema) <= set(CHECKS) | SILENT, "check here what else a schema says"
    if (
        schema.get("additionalProperties") is False
        and isinstance(value, dict)
        and set(value) - set(schema["properties"])
    ):
        return False
    if isinstance(others := schema.get("additionalProperties"), dict) and isinstance(value, dict):
        return all(valid(each, others) for each in value.values())
    ordered = sorted(set(schema) - SILENT, key=lambda key: key != "type")  # a bound holds for its type only
    return all(CHECKS[key](value, schema[key]) for key in ordered)


def reads(value: dict[str, Any], folder: Path) -> bool:
    """Whether a config of these plain values is read."""
    try:
        read_config(write(folder, dump(value)), [])
    except BpError:
        return False
    return True


def whole(**more: Any) -> dict[str, Any]:
    return {"data": {"path": "t.csv"}, "loss": "cross_entropy", **more}


def test_schema_is_json_that_names_its_dialect() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "bp config"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_schema_accepts_every_shipped_config(path: Path) -> None:
    assert valid(read_yaml(path).plain())


@pytest.mark.parametrize(("key", "name"), CHOICES)
def test_schema_accepts_every_choice_by_its_name_and_as_a_mapping(key: str, name: str) -> None:
    assert valid(whole(**nested(key, name)))
    assert valid(whole(**nested(key, {"name": name})))


@each("setting", list(settings_of_choices()))
def test_schema_knows_every_setting_and_its_bounds(setting: Setting) -> None:
    for value, fits in [(v, True) for v in setting.allowed] + [(v, False) for v in setting.refused]:
        assert valid(whole(**nested(setting.key, {"name": setting.choice, setting.name: value}))) is fits


VALUES: dict[str, list[Any]] = {
    "seed": [0, 3, -1, 1.5, True, "1", [1]],
    "dtype": ["float32", "float64", "float16", 1],
    "epochs": [1, 0, -1, 2.5, "many"],
    "metrics": ["mae", ["f1"], [{"name": "top_k", "k": 3}], {"name": "f1", "average": "all"}, [], [{}], [3], ["auc"]],
    "keep": ["best", "last", {"name": "best", "monitor": "loss"}, {"name": "last", "monitor": "loss"}, "first", {}, []],
    "early_stopping": [{}, {"patience": 3, "min_delta": 0.5, "monitor": "loss"}, {"patience": 0}, {"min_delta": -1}, 3],
    "expect": ["loss < 1", [], ["loss>=-1e3", "a <= .5"], 3, [True]],
    "max_seconds": [1, 0.5, 0, -1, "1", True],
    "checkpoint": [{}, {"epochs": 3}, {"seconds": 0.5}, {"epochs": 0}, {"seconds": -1}, {"steps": 3}, 3],
    "penalties": ["l2", [], ["l1", {"name": "elastic", "ratio": 0.1}], {"name": "l2", "per_example": True}, ["l3"],
                  [{"name": "l2", "ratio": 0.1}], {"name": "l1", "strength": -1}, {"strength": 1}, 3, {"l2": 0.1}],
    "loss": ["cross_entropy", "mse", {"outputs": "sum"}, 3, []],
    "network": [{}, 3, [], "relu", {"hiden": []}, {"hidden": 3, "dropout": 0, "max_norm": 1},
                {"hidden": 3, "dropout": 1}, {"hidden": 3, "dropout": True}, {"hidden": 3, "max_norm": 0}],
    "network.hidden": [
        [], 3, [3], [3, {"units": 4}], {"units": 3}, [{"units": 3, "activation": "tanh"}],
        [{"units": 3, "activation": {"name": "leaky_relu", "slope": 0.5}, "initializer": {"name": "normal", "std": 1}}],
        [{"units": 3, "dropout": 0.5, "max_norm": 2}], [{"units": 3, "dropout": 1}], [{"units": 3, "max_norm": 0}],
        1, 10_000_000, [10_000_001], True,
        0, [0], [-1], [1.5], ["relu"], [[3]], [{}], [{"unit": 3}], [{"units": 3, "activation": "rely"}],
    ],
    "network.activation": ["relu", {"name": "relu", "slope": 1}, "rely", {"slope": 0.1}, 3, [], True],
    "network.weights": ["w", "", 3, ["w"]],
    "optimizer": [
        "adam", {}, {"learning_rate": 0.5}, {"mode": "sgd"}, {"name": "adam", "mode": "batch", "beta1": 0.5},
        {"batch_size": 8, "shuffle": False}, {"beta1": 0.5}, {"name": "adam", "beta_1": 0.5}, "sgd", 3, [],
        {"batch_size": 0}, {"batch_size": 1.5}, {"mode": "all"}, {"shuffle": 1}, {"learning_rate": -1}, {"nam": "adam"},
        {"clip": {"norm": 1}}, {"clip": {"name": "value", "value": 1}}, {"clip": {"norm": 1, "value": 1}},
        {"clip": {"norm": 0}}, {"clip": {}}, {"clip": "norm"}, {"clip": 1},
    ],
    "data": [3, "t.csv", [], {"path": "t.csv", "foo": 1}],
    "data.path": ["t", {"features": "x"}, {"features": "x", "targets": "y"}, "", 3, [], {}, {"feature": "x"}],
    "data.target": ["y", 3, ["y"], ["y", 3], [], True, 1.5, {"a": 1}, [["y"]]],
    "data.features": [["a"], ["a", 3], [], "a", 3, [True]],
    "data.drop": ["a", 3, [], ["a", 3], True, [1.5]],
    "data.task": ["classification", "regression", "both"],
    "data.split": [{}, {"test": 0.2}, {"test": 0, "validation": 0.5, "seed": 3}, {"test": 1}, {"test": -1}, 0.2,
                   {"validation": 0.999}, {"validation": 0}, {"validation": 1}, {"validation": -0.001},
                   {"tets": 0.1}, {"test": True}, {"seed": -1}, {"folds": 5}, {"folds": 1}, {"folds": 5, "fold": 4},
                   {"folds": 5, "fold": -1}, {"folds": 2.5}],
    "data.group": [True, 1.5, ["a"]],  # right ones go with a split, see test_reading
    "data.order": [True, 1.5, ["a"]],
    "data.sample_weight": ["w", 3, True, 1.5, ["w"]],
    "data.class_weight": ["balanced", "equal", {"a": 1, "b": 2.5}, {"1": 0}, {}, {"a": -1}, {"a": "x"}, 3, ["a"]],
    "data.scale": ["standard", "minmax", "none", "std", True],
    "data.scale_targets": ["standard", "none", "minmax"],
    "data.delimiter": [",", "\t", ";", " ", "", ";;", '"', "\n", "§", 3],
    "data.input_noise": ["gaussian", {"name": "gaussian", "std": 0.5}, {"name": "dropout", "rate": 1}, "salt", 0.1],
    "data.header": [True, False, "no", 1],
    "data.missing": ["NA", 0, [], ["NA", -1, 0.5], True, [[]]],
    "data.decimal": [".", ",", ";", 1],
    "data.thousands": [",", "'", " ", "", "_"],
    "data.types": [{}, {"a": "category"}, {"a": {"name": "drop"}, "b": "number"}, {3: "number"}, {"a": "text"},
                   {"a": {"name": "number", "median": 1}}, ["a"], "number", {"a": ["number"]}],
    "engine": ["auto", "numpy", "numba", "cuda", True],
    "shards": [1, 4, "auto", "many", 2000, 0, 1.5, "2", True],
    "threads": [1, "auto", "Auto", 0, -1, "1", 1.5],
    "foo": [1],
}  # fmt: skip
"""Values of every key, right and wrong."""

CASES = [(key, value) for key, values in VALUES.items() for value in values]


@each(("key", "value"), CASES)
def test_schema_and_reading_agree(key: str, value: Any, tmp_path: Path) -> None:
    made = whole()
    *holders, last = key.split(".")
    holder = made
    for step in holders:
        holder = holder.setdefault(step, {})
    holder[last] = value

    assert valid(made) is reads(made, tmp_path)


def test_every_key_is_among_the_values_tried() -> None:
    parts = {f"data.{part}" for part in ("train", "validation", "test")}
    keys = set(SECTIONS[""].known_keys())
    keys |= {f"{section}.{key}" for section in ("data", "network") for key in SECTIONS[section].known_keys()}

    needing_hidden = {"network.dropout", "network.max_norm"}  # tried with it, as values of network
    assert keys - parts - needing_hidden - {"network.output", "network.initializer"} <= set(VALUES)


@pytest.mark.parametrize("missing", ["data", "loss"])
def test_schema_requires_what_reading_requires(missing: str, tmp_path: Path) -> None:
    made = {key: value for key, value in whole().items() if key != missing}

    assert not valid(made)
    assert not reads(made, tmp_path)


MODELS = {
    (word, name): choice_of(kind).model(name)
    for word, kind in KINDS.items()
    if kind.offers_choice
    for name in kind.registry
}
"""The model of each choice, by the word for its kind and its name."""


def test_every_choice_of_every_room_has_a_model() -> None:
    rooms: dict[str, Registry] = {
        "activations": PLACES["network.output"],
        "initializers": PLACES["network.initializer"],
        "losses": PLACES["loss"],
        "optimizers": PLACES["optimizer"],
    }

    assert set(MODELS) >= {(word, name) for word, room in rooms.items() for name in room}


@pytest.mark.parametrize(("word", "name"), MODELS)
def test_every_choice_is_described_by_its_first_line(word: str, name: str) -> None:
    model = MODELS[word, name]

    assert model.__doc__ == (KINDS[word].registry[name].__doc__ or "").splitlines()[0]
    if any(room is KINDS[word].registry for room in PLACES.values()):
        assert SCHEMA["$defs"][model.__name__]["description"] == model.__doc__


def test_every_section_and_key_is_described_or_plain() -> None:
    for model in {*SECTIONS.values()}:
        assert model.__doc__
