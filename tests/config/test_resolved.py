"""The resolved config: every default written out, and the same experiment when it is run again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli import experiment
from bpcli.config.document import dump
from bpcli.config.reading import read_config
from bpcli.experiment import Experiment
from bpcli.nn.losses import LOSSES

from .support import CHOICES, SHIPPED, choosing, needed_by, nested, refusal, write

ROWS = 24

WITH_DATA = [
    path
    for path in SHIPPED
    if all((path.parent / name).exists() for name in re.findall(r"\.\./datasets/[\w./-]+", path.read_text()))
]
"""The shipped configs whose data lie where they say."""


def table(header: str, row: Callable[[int], str]) -> str:
    return "".join(f"{line}\n" for line in [header, *map(row, range(ROWS))])


CLASSES = table("a,b,kind", lambda i: f"{i * 7 % 5},{i % 4}.5,{'xyz'[i % 3]}")

FILES = {
    "classes.csv": CLASSES,
    "numbers.csv": table("a,b,y", lambda i: f"{i * 7 % 5},,{i * i % 17}"),
    "labels.csv": table("a,b,u,v", lambda i: f"{i * 7 % 5},w{i % 2},{i % 2},{i % 3 % 2}"),
    "shares.csv": table("a,p,q", lambda i: f"{i * 7 % 5},0.{i % 4 + 3},0.{7 - i % 4}"),
    "awkward.csv": table(
        '"null","a: b #","a,b","1e3","é😀",no,"{x"', lambda i: f"{i},{i % 3},2,{3 * i},{i % 2},p{i % 2},1"
    ),
    "bare.tsv": CLASSES.split("\n", 1)[1].replace(",", "\t").replace("0\t", "?\t"),
    "features.csv": "\n".join(line.rpartition(",")[0] for line in CLASSES.split("\n")),
    "targets.csv": "\n".join(line.rpartition(",")[2] for line in CLASSES.split("\n")),
}

CROSS_ENTROPY, BINARY, SQUARES = (f"\nloss: {name}\n" for name in list(LOSSES)[:3])

CONFIGS = {
    "least": "data: {path: classes.csv}" + CROSS_ENTROPY,
    "split": "seed: 5\ndata: {path: classes.csv, split: {validation: 0.2, test: 0.25}}" + CROSS_ENTROPY,
    "split with a seed": "data: {path: classes.csv, split: {test: 0.25, seed: 9}}" + CROSS_ENTROPY,
    "regression": "dtype: float64\ndata: {path: numbers.csv, drop: b}" + SQUARES,
    "bounded regression": "network: {output: sigmoid}\ndata: {path: numbers.csv, scale: minmax}" + SQUARES,
    "classes by numbers": "data: {path: numbers.csv, task: classification}" + SQUARES,
    "labels": "data: {path: labels.csv, target: [u, v], features: [b]}" + BINARY,
    "one label": "data: {path: labels.csv, drop: [u]}" + BINARY,
    "awkward names": "data: {path: awkward.csv, target: ['null', '1e3'], drop: ['a: b #', 'no']}" + SQUARES,
    "awkward target": "data: {path: awkward.csv, target: 'no', features: ['é😀', '{x', 'a,b']}" + CROSS_ENTROPY,
    "no header": (
        'data: {path: bare.tsv, target: 2, delimiter: "\\t", header: false, missing: ["?", -1]}' + CROSS_ENTROPY
    ),
    "pair": "data: {train: {features: features.csv, targets: targets.csv}, test: classes.csv}" + CROSS_ENTROPY,
    "parts": "data: {train: classes.csv, validation: classes.csv, test: classes.csv}" + CROSS_ENTROPY,
    "layers": """\
data: {path: classes.csv}
loss: {name: cross_entropy, outputs: mean, examples: sum}
network:
  hidden: [3, {units: 4, activation: {name: leaky_relu, slope: 0.2}, initializer: {name: normal, std: 1e-5}}]
  activation: tanh
  output: sigmoid
  initializer: lecun
""",
    "batch": "optimizer: {mode: batch, name: adam, beta1: 0.5}\ndata: {path: classes.csv}" + CROSS_ENTROPY,
    "sgd": "optimizer: {mode: sgd, shuffle: false}\ndata: {path: classes.csv}" + CROSS_ENTROPY,
    "mini_batch": "optimizer: {batch_size: 7}\nepochs: 3\ndata: {path: classes.csv}" + CROSS_ENTROPY,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        write(tmp_path, content, name)
    return tmp_path


def built(path: Path, *changes: str) -> Experiment:
    return experiment.build(read_config(path, list(changes)))


def again(first: Experiment, elsewhere: Path) -> Experiment:
    """The experiment that the dumped, resolved config of another makes from another folder."""
    elsewhere.mkdir()
    return built(write(elsewhere, dump(first.resolved), "resolved.yaml"))


def assert_same(first: Experiment, second: Experiment) -> None:
    assert second.resolved == first.resolved
    assert repr(second.resolved) == repr(first.resolved)
    assert second.network == first.network
    assert (second.recipe, second.form) == (first.recipe, first.form)
    assert second.loaded.features.to_json() == first.loaded.features.to_json()
    assert second.loaded.targets.to_json() == first.loaded.targets.to_json()
    assert second.loaded.digests == first.loaded.digests
    np.testing.assert_array_equal(second.parameters.theta, first.parameters.theta)
    for part, examples in first.loaded.parts.items():
        np.testing.assert_array_equal(second.loaded.parts[part].rows, examples.rows)
    assert list(second.loaded.parts) == list(first.loaded.parts)


@pytest.mark.parametrize("name", CONFIGS)
def test_resolved_config_reruns_as_it_is_from_any_folder(name: str, folder: Path) -> None:
    first = built(write(folder, CONFIGS[name]))

    assert_same(first, again(first, folder / "elsewhere"))


def fitting(key: str, name: str) -> dict[str, Any]:
    """A config in which a choice has a place."""
    loss = "half_squared_error" if key == "network.output" else "cross_entropy"
    data: dict[str, Any] = {"path": "classes.csv"}
    if key == "loss":
        loss, form = name, LOSSES[name]().targets
        data |= {"target": "b"} if form.task == "regression" else {}
        data |= {"path": "shares.csv", "target": ["p", "q"]} if form.shares else {}
    asked = choosing(key, name) if key == "optimizer" else {"loss": loss}
    return {**asked, "data": data, "network": {"hidden": [3]}}


@pytest.mark.parametrize(("key", "name"), CHOICES)
def test_every_choice_survives_being_resolved(key: str, name: str, folder: Path) -> None:
    made = fitting(key, name)
    for top, value in nested(key, {"name": name, **needed_by(key, name)}).items():
        made[top] = {**made[top], **value} if isinstance(made.get(top), dict) else value
    first = built(write(folder, dump(made)))

    assert_same(first, again(first, folder / "elsewhere"))


@pytest.mark.parametrize("path", WITH_DATA, ids=lambda path: path.stem)
def test_every_shipped_config_reruns_from_what_it_resolves_to(path: Path, tmp_path: Path) -> None:
    first = built(path)

    assert_same(first, again(first, tmp_path / "elsewhere"))


def test_resolved_config_writes_every_default_out(folder: Path) -> None:
    text = "data: {path: classes.csv, split: {test: 0.25}}\nloss: cross_entropy\nnetwork: {hidden: [3]}\n"

    assert built(write(folder, text)).resolved == {
        "seed": 0,
        "dtype": "float32",
        "data": {
            "path": f"{folder}/classes.csv",
            "target": "kind",
            "task": "classification",
            "split": {"validation": 0.0, "test": 0.25},
            "scale": "standard",
            "header": True,
            "missing": ["NA", "NaN", "null"],
            "decimal": ".",
        },
        "network": {
            "hidden": [{"units": 3, "activation": "relu", "initializer": "he", "dropout": 0.0}],
            "output": "softmax",
            "initializer": "glorot",
        },
        "loss": {"name": "cross_entropy", "outputs": "sum", "examples": "mean"},
        "optimizer": {
            "mode": "mini_batch",
            "batch_size": 18,
            "shuffle": True,
            "name": "gradient_descent",
            "learning_rate": 0.1,
        },
        "epochs": 20,
        "metrics": ["accuracy"],
        "keep": "last",
        "engine": "numpy",
        "shards": 1,
        "threads": "auto",
    }


def test_overrides_are_part_of_what_is_resolved(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(folder, CONFIGS["least"])
    monkeypatch.chdir(folder)
    first = built(path, "data.path=numbers.csv", "loss=half_squared_error", "optimizer.name=adam", "epochs=2")

    assert first.resolved["data"]["path"] == str(folder / "numbers.csv")
    assert (first.resolved["epochs"], first.resolved["optimizer"]["name"]) == (2, "adam")
    assert_same(first, again(first, folder / "elsewhere"))


AT_THEIR_LINES = {
    "column": (
        "loss: cross_entropy\ndata:\n  path: classes.csv\n  target: kin\n",
        "4: classes.csv has no column 'kin'",
        "did you mean 'kind'? (its columns are a, b, kind)",
    ),
    "several columns": (
        "loss: cross_entropy\ndata:\n  path: classes.csv\n  features:\n    - a\n    - c\n",
        "4: classes.csv has no column 'c'",
        "its columns are a, b, kind",
    ),
    "default target": (
        "loss: cross_entropy\ndata:\n  path: numbers.csv\n  task: regression\n",
        "4: a regression needs another loss: this one learns classes",
        "loss: half_squared_error, or task: classification",
    ),
    "labels outside": (
        "loss: binary_cross_entropy\ndata:\n  path: numbers.csv\n  target: [a, y]\n",
        "4: target 'a' is '2' at numbers.csv:3, outside [0, 1]",
        "0 and 1, or a probability between them; for named classes give one target column",
    ),
    "batch size": (
        "loss: cross_entropy\ndata: {path: classes.csv}\noptimizer:\n  batch_size: 25\n",
        "4: batch_size is 25, but there are 24 training examples",
        "make it smaller, or mode: batch for all of them",
    ),
    "output": (
        "loss: cross_entropy\ndata: {path: classes.csv}\nnetwork:\n  output: tanh\n",
        "4: cross_entropy needs outputs in [0, 1], tanh's range is [-1, 1]",
        "choose from sigmoid, softmax, hard_sigmoid",
    ),
    "lonely softmax": (
        "loss: half_squared_error\ndata: {path: numbers.csv, drop: b}\nnetwork:\n  output: softmax\n",
        "4: a softmax of one unit is always 1, so nothing below it can learn",
        "sigmoid with binary_cross_entropy has one output",
    ),
    "lonely hidden softmax": (
        ("loss: cross_entropy\ndata: {path: classes.csv}\nnetwork:\n  hidden:\n    - 3\n"
        "    - {units: 1, activation: softmax}\n"),
        "6: a softmax of one unit is always 1, so nothing below it can learn",
        "give it more units",
    ),
    "split": (
        "loss: cross_entropy\ndata:\n  path: classes.csv\n  split:\n    test: 0.01\n",
        "5: 0.01 of 24 examples is none",
        "give it more or nothing",
    ),
    "scaled classes": (
        "loss: cross_entropy\ndata:\n  path: classes.csv\n  scale_targets: standard\n",
        "4: classes are not scaled",
        "leave it out, or task: regression",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", AT_THEIR_LINES)
def test_config_that_does_not_fit_its_data_is_refused_at_its_line(case: str, folder: Path) -> None:
    text, what, hint = AT_THEIR_LINES[case]
    path = write(folder, text)

    assert refusal(lambda: built(path)) == [f"error: c.yaml:{what}", f"hint: {hint}"]
