"""Files of a run that are damaged or were made to do harm are refused, or make no difference."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import safetensors.numpy

from bpcli.data.encoding.columns import CategoryColumn, NumberColumn
from bpcli.data.encoding.date_columns import DateColumn
from bpcli.data.encoding.features import Features, TableFeatures
from bpcli.errors import BpError, ExitStatus
from bpcli.reporting.prediction import predict_file
from bpcli.runs.model_file import load_model, save_model
from bpcli.storage.tensors import DIGEST, read_tensors
from tests import mutants
from tests.runs.test_model_file import FEATURES, TARGETS, made


def with_header(tensors: dict[str, Any], text: str) -> bytes:
    """A tensor file with any text for a header, and the right digest."""
    marked = '{"SHA-256": "' + "0" * 64 + '"' + (", " if text[1:2] not in ("}", "") else "") + text[1:]
    data = safetensors.numpy.save(tensors, metadata={"bp": marked})
    return b"".join(DIGEST.seal(data))


def outcome(path: Path, data: Path) -> str | BpError:
    """What a model file predicts, or how it is refused."""
    try:
        return "".join(predict_file(load_model(path), str(data), [])[0])
    except BpError as error:
        return error


def require_refused_or_finite(path: Path, data: Path) -> bool:
    """Whether a mutant is refused, in one line and a hint; else it predicts numbers."""
    said = outcome(path, data)
    if isinstance(said, str):
        assert not re.search(r"\b(nan|inf)\b", said), said
        return False
    assert said.status in (ExitStatus.DATA, ExitStatus.USAGE), said
    assert len(said.lines()) <= 2, said
    return True


NUMBERS = tuple(NumberColumn(name, 0.1, 1 / 3, 2.0) for name in "012")
DAYS = tuple(NumberColumn(name, 3.0, 1.0, 2.0) for name in ("year", "weekday"))
COLUMNS: dict[str, Features] = {
    "categories": TableFeatures((NUMBERS[0], CategoryColumn("1", ("", "null", "ß")), NUMBERS[2])),
    "dates": TableFeatures((NUMBERS[0], DateColumn("1", "%d.%m.%Y", DAYS), *NUMBERS[2:], NumberColumn("3", 0, 0, 0))),
    "matrix": FEATURES["matrix"],
    "images": FEATURES["images"],
}
ROWS = {"categories": "0.5;ß;1\n", "dates": "0.5;31.12.2024;1;2\n", "matrix": "1;2;-;4;5\n", "images": "1;2;-;4;5\n"}
"""A file of one row for each, as ``made`` says that files are written."""


def survivors(folder: Path, count: int, seed: int) -> int:
    """How many mutants of the headers of models are not refused."""
    rng, taken, headers = Random(seed), 0, {}
    for features, targets in product(COLUMNS, TARGETS):
        (folder / features).write_text(ROWS[features])
        save_model(folder / "model", made(COLUMNS[features], TARGETS[targets]))
        assert not require_refused_or_finite(folder / "model", folder / features)
        headers[features, targets] = read_tensors(folder / "model")
    for number in range(count):
        (features, _), (tensors, header) = list(headers.items())[number % len(headers)]
        (folder / "mutant").write_bytes(with_header(tensors, mutants.text(mutants.mutant(header, rng))))
        taken += not require_refused_or_finite(folder / "mutant", folder / features)
    return taken


def test_mutants_of_a_models_header_are_refused_or_predict_numbers(tmp_path: Path) -> None:
    assert survivors(tmp_path, 600, 1) < 300


@pytest.mark.slow
def test_many_mutants_of_a_models_header_are_refused_or_predict_numbers(tmp_path: Path) -> None:
    assert survivors(tmp_path, 20_000, 2) < 10_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('"mean_is": 1', "it has 'mean_is', which is unknown"),
        ('"a": NaN', "not JSON: NaN"),
        ('"a": 1, "a": 2', "key 'a' stands twice"),
        ('"a": ' + "[" * 40 + "]" * 40, "nested more than 32 deep"),
        ('"a": ' + "[" * 100_000 + "]" * 100_000, "nested more than 32 deep"),
        ('"a": ' + "1" * 5000, "not JSON: "),
    ],
)
def test_json_that_is_none_of_ours_is_refused(tmp_path: Path, change: str, said: str) -> None:
    save_model(tmp_path / "model", made())
    tensors, header = read_tensors(tmp_path / "model")
    (tmp_path / "model").write_bytes(with_header(tensors, f"{json.dumps(header)[:-1]}, {change}}}"))
    with pytest.raises(BpError) as caught:
        load_model(tmp_path / "model")
    assert said in caught.value.message
    assert caught.value.status == ExitStatus.DATA


def test_a_width_whose_inverse_is_infinite_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "model", made())
    tensors, header = read_tensors(tmp_path / "model")
    assert header is not None
    header["features"]["columns"][2]["width"] = 1e-320
    (tmp_path / "model").write_bytes(with_header(tensors, json.dumps(header)))
    said = str(outcome(tmp_path / "model", tmp_path))
    assert said == "the model's header is malformed: features.columns[2].width is too near to 0 to divide by"


def test_the_field_that_is_wrong_is_named(tmp_path: Path) -> None:
    save_model(tmp_path / "model", made())
    tensors, header = read_tensors(tmp_path / "model")
    assert header is not None
    header["features"]["columns"][2]["median"] = "x"
    (tmp_path / "model").write_bytes(with_header(tensors, json.dumps(header)))
    assert str(outcome(tmp_path / "model", tmp_path)) == (
        "the model's header is malformed: features.columns[2].median is 'x', not a number"
    )
