"""A model goes into its file and comes back the same, and no other file is taken for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.encoding.classes import Classes
from bpcli.data.encoding.columns import CategoryColumn, NumberColumn
from bpcli.data.encoding.features import Features, TableFeatures
from bpcli.data.encoding.labels import Labels
from bpcli.data.encoding.matrix_features import MatrixFeatures
from bpcli.data.encoding.reals import Reals
from bpcli.data.encoding.scaling import Scaling
from bpcli.data.encoding.targets import Targets
from bpcli.data.files.dataset import Format
from bpcli.errors import DataError, ExitStatus
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, LeakyRelu, Tanh
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import dense
from bpcli.runs.model_file import Model, load_model, save_model
from bpcli.storage.tensors import read_tensors, write_tensors
from bpcli.training.initial_parameters import MODEL

TABLE = TableFeatures(
    (NumberColumn("a", 0.1, 1 / 3, 2e-17), CategoryColumn("b\n", ("", "null", "ß")), NumberColumn("c", 0.0, 0.0, 0.0))
)
MATRIX = MatrixFeatures(tuple("01234"), np.arange(5) / 7, Scaling(np.arange(5) / 3, np.array([0, 1, 2, 0.1, 3e8])))
IMAGES = MatrixFeatures(tuple("01234"), np.zeros(5), Scaling(np.asarray(0.0), np.asarray(255.0)), bytes_only=True)
FEATURES: dict[str, Features] = {"table": TABLE, "matrix": MATRIX, "images": IMAGES}
TARGETS: dict[str, Targets] = {
    "index": Classes("tree", ("ash", "b,c", "\x1b"), "index"),
    "one hot": Classes("tree", (-1, 0, 10), "one_hot"),
    "binary": Classes("tree", ("no", "yes"), "binary"),
    "labels": Labels(("hot", "wet")),
    "reals": Reals(("y", "z"), Scaling(np.array([1e9, 1 / 3]), np.array([1e-9, 3.0]))),
}


def made(
    features: Features = TABLE,
    targets: Targets = TARGETS["index"],
    loss: str = "half_squared_error",
    output: str = "identity",
    dtype: str = "float32",
) -> Model:
    sizes = (5, 4, 3, targets.outputs)
    network = dense(sizes, (Tanh(), LeakyRelu(0.3)), join(ACTIVATIONS[output](), LOSSES[loss]()))
    theta = np.random.default_rng(0).normal(0, 1, network.layout.count).astype(dtype)
    return Model(network, network.parameters(theta), features, targets, Format(";", header=False, missing=("-", "9")))


def same(one: Model, other: Model) -> None:
    assert other.network == one.network
    assert other.form == one.form
    assert other.dtype == one.dtype
    assert other.parameters.theta.tobytes() == one.parameters.theta.tobytes()
    assert json.dumps(other.features.to_json()) == json.dumps(one.features.to_json())
    assert json.dumps(other.targets.to_json()) == json.dumps(one.targets.to_json())
    assert (type(other.features), type(other.targets)) == (type(one.features), type(one.targets))


@pytest.mark.parametrize("targets", list(TARGETS))
@pytest.mark.parametrize("features", list(FEATURES))
def test_a_saved_model_loads_the_same_with_every_encoding(tmp_path: Path, features: str, targets: str) -> None:
    one = made(FEATURES[features], TARGETS[targets])
    save_model(tmp_path / "file", one)
    same(one, load_model(tmp_path / "file"))


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("output", list(ACTIVATIONS))
def test_a_saved_model_loads_the_same_with_every_head(tmp_path: Path, output: str, loss: str) -> None:
    one = made(loss=loss, output=output)
    save_model(tmp_path / "file", one)
    same(one, load_model(tmp_path / "file"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_saved_model_loads_in_its_precision(tmp_path: Path, dtype: str) -> None:
    one = made(dtype=dtype)
    save_model(tmp_path / "file", one)
    same(one, load_model(tmp_path / "file"))


def test_a_network_without_hidden_layers_loads_the_same(tmp_path: Path) -> None:
    base = made()
    sizes = (5, 3)
    network = dense(sizes, (), base.network.head)
    one = Model(network, network.parameters(np.arange(18, dtype="f4")), base.features, base.targets, Format())
    save_model(tmp_path / "file", one)
    same(one, load_model(tmp_path / "file"))


def test_a_folder_stands_for_the_model_in_it(tmp_path: Path) -> None:
    one = made()
    save_model(tmp_path / MODEL, one)
    same(one, load_model(tmp_path))


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        save_model(tmp_path / name, made())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    save_model(tmp_path / "again", load_model(tmp_path / "one"))
    assert (tmp_path / "again").read_bytes() == (tmp_path / "one").read_bytes()


# Files that are none.


@pytest.fixture
def parts(tmp_path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The tensors and the header of a good file."""
    save_model(tmp_path / "good", made())
    tensors, header = read_tensors(tmp_path / "good")
    assert header is not None
    return tensors, header


def refused(path: Path, tensors: dict[str, Array], header: Any) -> DataError:
    write_tensors(path, tensors, header)
    with pytest.raises(DataError) as caught:
        load_model(path)
    assert caught.value.status == ExitStatus.DATA
    assert caught.value.where == str(path)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("key", ["layers", "hidden", "output", "loss", "features", "targets", "format"])
@pytest.mark.parametrize("value", [None, 3, "text", [], {}, [[]], {"name": "relu", "kind": "matrix"}])
def test_a_malformed_header_is_refused(
    tmp_path: Path, parts: tuple[dict[str, Array], dict[str, Any]], key: str, value: object
) -> None:
    tensors, header = parts
    error = refused(tmp_path / "bad", tensors, {**header, key: value})
    assert error.message.startswith("the model's header is malformed: ")


@pytest.mark.parametrize("key", ["layers", "hidden", "output", "loss", "features", "targets", "format"])
def test_a_header_without_a_key_is_refused(
    tmp_path: Path, parts: tuple[dict[str, Array], dict[str, Any]], key: str
) -> None:
    tensors, header = parts
    del header[key]
    assert refused(tmp_path / "bad", tensors, header).message == f"the model's header is malformed: it has no {key!r}"


@pytest.mark.parametrize("header", [{}, {"version": 1}, {"version": 3}, {"version": "2"}, {"version": None}])
def test_a_header_of_another_version_is_refused(
    tmp_path: Path, parts: tuple[dict[str, Array], dict[str, Any]], header: dict[str, Any]
) -> None:
    error = refused(tmp_path / "bad", parts[0], header)
    assert error.message == f"the header is of version {header.get('version')!r}, not 2"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("output", {"name": "sofmax"}),
        ("output", {"name": "softmax", "slope": 1}),
        ("layers", [5, 4, 3]),
        ("layers", [5, 0, 3, 3]),
        ("layers", [5, -4, 3, 3]),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(
    tmp_path: Path, parts: tuple[dict[str, Array], dict[str, Any]], key: str, value: object
) -> None:
    tensors, header = parts
    error = refused(tmp_path / "bad", tensors, {**header, key: value})
    assert error.message.startswith("the model's header is malformed: ")


def test_an_encoding_of_another_size_is_refused(tmp_path: Path, parts: tuple[dict[str, Array], dict[str, Any]]) -> None:
    tensors, header = parts
    header["targets"]["labels"].append("oak")
    assert (
        refused(tmp_path / "bad", tensors, header).message
        == "the model's header is malformed: targets make 4 outputs, and the network has 3"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b2": None}, "tensor 'b2' is missing"),
        ({"W1": None}, "tensor 'W1' is missing"),
        ({"W4": np.zeros((3, 3))}, "tensor 'W4' is more than the network has"),
        ({"W1": np.zeros((5, 4), "f4")}, "tensor 'W1' is float32 in shape (5, 4), not floats in shape (4, 5)"),
        ({"b1": np.zeros((4, 2), "f4")}, "tensor 'b1' is float32 in shape (4, 2), not floats in shape (4,)"),
        ({"b1": np.zeros(4, bool)}, "tensor 'b1' is bool in shape (4,), not floats in shape (4,)"),
        ({"b1": np.array([0, 0, np.nan, 0], "f4")}, "tensor 'b1' holds values that are not finite"),
    ],
)
def test_tensors_that_do_not_fit_the_header_are_refused(
    tmp_path: Path,
    parts: tuple[dict[str, Array], dict[str, Any]],
    change: dict[str, Array | None],
    message: str,
) -> None:
    tensors, header = parts
    kept = {name: array for name, array in {**tensors, **change}.items() if array is not None}
    assert refused(tmp_path / "bad", kept, header).message == message


def test_a_biass_of_two_axes_is_taken(tmp_path: Path, parts: tuple[dict[str, Array], dict[str, Any]]) -> None:
    tensors, header = parts
    tensors["b1"] = tensors["b1"][:, None]
    write_tensors(tmp_path / "file", tensors, header)
    same(made(), load_model(tmp_path / "file"))
