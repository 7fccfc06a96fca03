"""``--grade``: each layer is judged by what it makes of the one above, and no message gives a number away."""

from __future__ import annotations

import os
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.checking.grading import grade
from bpcli.nn import Array
from tests.cli.support import bp, good, refused

from .support import Subject, loss, subject
from .test_external_gradients import RIGHT_SHAPES, backpropagation, config, exported, write
from .test_external_gradients import M as EXPORTED

M = 7

SUBJECTS = {
    "softmax": subject(),
    "sigmoid": subject(output="sigmoid", hidden=("sigmoid", "tanh"), of=loss("binary_cross_entropy")),
    "composed": subject(output="tanh", of=loss("half_squared_error")),
    "one of each": subject(sizes=(3, 1, 2, 1), output="sigmoid", of=loss("binary_cross_entropy")),
}

every_subject = pytest.mark.parametrize("given", SUBJECTS.values(), ids=SUBJECTS)


class Homework:
    """A backward pass whose dZ may be changed at any layer."""

    def __init__(self, given: Subject) -> None:
        self.given, self.network = given, given.network
        self.ws = self.network.workspace(M, np.float64)
        given.examples.features.gather(np.arange(M), self.ws.X)
        given.examples.targets.gather(np.arange(M), self.ws.Y)
        gradient = self.network.parameters(np.empty_like(given.theta))
        self.network.forward(given.parameters, self.ws)
        self.network.backward(given.parameters, gradient, self.ws, self.network.scale(M))
        self.right = {f"d{name}": array.copy() for name, array in gradient.named().items()}

    def with_dZ(self, layer: int, dZ: Array) -> dict[str, Array]:
        """The gradients where this is dZ of a layer, and all below follow from it."""
        found = dict(self.right)
        for l in range(layer, 0, -1):
            found[f"dW{l}"], found[f"db{l}"] = dZ @ self.ws.A[l - 1].T, dZ.sum(axis=1)
            if l > 1:
                dA, dZ = self.given.parameters.W[l].T @ dZ, np.empty_like(self.ws.dZ[l - 1])
                none = np.empty(0)
                given = dA, self.ws.Z[l - 1], self.ws.A[l - 1], none, None
                self.network.layers[l - 2].backward(*given, dZ, none, self.ws.scratch[l - 1])
        return found

    def wrong(self, given: dict[str, Array]) -> set[str]:
        """The arrays without points; no message shows a number with digits after the point."""
        found = grade(self.network, self.given.parameters, self.ws, given)
        assert [one.name for one in found] == [f"d{k}{l}" for l in range(self.given.layers, 0, -1) for k in "Wb"]
        assert not [one.message for one in found if re.search(r"\d\.\d|\de", one.message)]
        return {one.name for one in found if not one.right}


@every_subject
def test_a_right_gradient_has_all_points(given: Subject) -> None:
    work = Homework(given)
    assert work.wrong(work.right) == set()


@pytest.mark.parametrize("some", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["some", "all"])
@every_subject
def test_a_wrong_array_loses_its_own_points_alone(given: Subject, *, some: bool) -> None:
    """Each array in two of the ways of being wrong, in turn; in the slow test in all of them."""
    work, rng = Homework(given), np.random.default_rng(0)
    for number, (name, array) in enumerate(work.right.items()):
        wrong = {
            "zeros": 0 * array,
            "noise": rng.normal(0, np.abs(array).max(), array.shape),
            "an entry by a thousandth": array
            + 1e-3 * np.abs(array).max() * (np.arange(array.size) == 0).reshape(array.shape),
            "reversed": array[::-1] if len(array) > 1 else -array,
            "misshapen": np.concatenate([array, array]),
        }
        for place, (what, other) in enumerate(wrong.items()):
            if not some or place % 3 == number % 3:
                assert work.wrong({**work.right, name: other}) == {name}, (name, what)
        assert work.wrong({key: value for key, value in work.right.items() if key != name}) == {name}


@every_subject
def test_nothing_but_zeros_noise_or_shuffles_has_no_points(given: Subject) -> None:
    work, rng = Homework(given), np.random.default_rng(1)
    every = set(work.right)
    assert work.wrong({name: 0 * array for name, array in work.right.items()}) == every
    assert work.wrong({name: rng.normal(0, 1, array.shape) for name, array in work.right.items()}) == every
    pieces = {name: np.roll(array.ravel(), 1).reshape(array.shape) for name, array in work.right.items()}
    assert work.wrong(pieces) == {name for name, array in work.right.items() if array.size > 1}
    assert work.wrong({}) == every


@every_subject
@pytest.mark.parametrize("c", [float(M), -1.0, 0.5, 3.7])
def test_a_constant_factor_costs_the_points_of_its_layer_alone(given: Subject, c: float) -> None:
    work = Homework(given)
    for layer in range(given.layers, 0, -1):
        assert work.wrong(work.with_dZ(layer, c * work.ws.dZ[layer])) == {f"dW{layer}", f"db{layer}"}


@every_subject
def test_a_known_mistake_costs_the_points_of_its_layer_alone(given: Subject) -> None:
    work = Homework(given)
    for layer in range(given.layers - 1, 0, -1):
        without_derivative = given.parameters.W[layer + 1].T @ work.ws.dZ[layer + 1]
        assert work.wrong(work.with_dZ(layer, without_derivative)) == {f"dW{layer}", f"db{layer}"}


def test_two_mistakes_cost_the_points_of_both_layers() -> None:
    work = Homework(SUBJECTS["softmax"])
    scaled = work.with_dZ(3, M * work.ws.dZ[3])
    assert work.wrong({**scaled, "db2": 2 * scaled["db2"]}) == {"dW3", "db3", "db2"}
    assert work.wrong({**scaled, "dW1": scaled["dW1"] / M}) == {"dW3", "db3", "db1"}  # not of one dZ
    assert work.wrong({**scaled, "dW1": scaled["dW1"] / 2}) == {"dW3", "db3", "dW1"}


def test_what_follows_from_an_unknown_mistake_has_no_points() -> None:
    work, rng = Homework(SUBJECTS["softmax"]), np.random.default_rng(2)
    assert work.wrong(work.with_dZ(3, rng.normal(0, 1, work.ws.dZ[3].shape))) == set(work.right)


# The command.


def graded(folder: Path, arrays: dict[str, Array] | None = None, name: str = "found.npz") -> tuple[int, dict[str, Any]]:
    if arrays is not None:
        write(folder / name, arrays)
    words = ("gradcheck", "points.yaml", "--against", name, "--examples", str(EXPORTED), "--grade", "30")
    result = bp(*words, cwd=folder)
    assert result.err == ""
    found = result.json
    assert set(found) == {"score", "output", "tests"}
    assert sum(test["max_score"] for test in found["tests"]) == pytest.approx(30)
    assert sum(test["score"] for test in found["tests"]) == pytest.approx(found["score"])
    return result.status, found


def test_a_right_gradient_is_graded_in_gradescopes_format(tmp_path: Path) -> None:
    config(tmp_path)
    status, found = graded(tmp_path, backpropagation(exported(tmp_path), "cross_entropy", "softmax"))
    assert (status, found["score"], found["output"]) == (0, 30, "all is right")
    assert found["tests"][0] == {
        "name": "layer 3: dW3",
        "score": 5,
        "max_score": 5,
        "status": "passed",
        "output": "layer 3: dW3 is right.",
    }


def test_a_message_says_where_to_look(tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    right["dW2"][:2] *= 2
    status, found = graded(tmp_path, {**right, "db1": 2 * right["db1"]})
    messages = {test["output"] for test in found["tests"] if test["status"] == "failed"}
    assert (status, found["score"], found["output"]) == (1, 20, "4 of 6 arrays are right")
    assert messages == {
        "layer 2: dW2 has the right shape but wrong numbers in rows 0 and 1. Check what multiplies dZ here.",
        "layer 1: db1 has the right shape but wrong numbers in every row. Check how dZ is added up here.",
    }


def test_arrays_that_are_no_use_have_no_points_and_the_reason(tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    del right["db3"]
    status, found = graded(tmp_path, {**right, "dW1": np.ones((5, 5)), "db2": np.full(4, np.nan)})
    reasons = {test["name"]: test["output"].partition("\n")[0] for test in found["tests"] if not test["score"]}
    assert (status, found["score"]) == (1, 15)
    assert reasons == {
        "layer 3: db3": "error: found.npz: no array 'db3' (it holds dW1, db1, dW2, db2, dW3)",
        "layer 1: dW1": "error: found.npz: array 'dW1' has shape (5, 5), not (4, 2)",
        "layer 2: db2": "error: found.npz: array 'db2' is nan at [0]",
    }


def test_one_useless_array_of_a_framework_costs_its_own_points_alone(tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    theirs = {f"fc{l}.{w}": right[f"d{k}{l}"] for l in (1, 2, 3) for w, k in (("weight", "W"), ("bias", "b"))}
    del theirs["fc3.bias"]
    _, found = graded(tmp_path, {**theirs, "fc2.weight": np.array([None])})
    assert {test["name"] for test in found["tests"] if not test["score"]} == {"layer 3: db3", "layer 2: dW2"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04.", b"\x89HDF", b"0.1 0.2 0.3 0.4 0.5", None])
def test_a_file_that_cannot_be_read_has_no_points_and_the_reason(content: bytes | None, tmp_path: Path) -> None:
    config(tmp_path)
    if content is not None:
        (tmp_path / "found.npz").write_bytes(content)
    status, found = graded(tmp_path)
    assert (status, found["score"]) == (1, 0)
    assert [test["name"] for test in found["tests"]] == TESTS
    assert found["output"].startswith("0 of 6 arrays are right\nerror: found.npz: ")


TESTS = [f"layer {layer}: d{kind}{layer}" for layer in (3, 2, 1) for kind in ("W", "b")]


def test_what_is_no_file_has_no_points_and_the_reason(tmp_path: Path) -> None:
    config(tmp_path)
    (tmp_path / "folder.npz").mkdir()
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "endless.npz").symlink_to("/dev/zero")
    for name, what in {"folder": "a folder", "pipe": "a device or a pipe", "endless": "a device or a pipe"}.items():
        status, found = graded(tmp_path, name=f"{name}.npz")
        assert (status, found["score"]) == (1, 0)
        assert f"error: {name}.npz: it is {what}, not a file\n" in found["output"]


def test_an_array_of_another_size_is_not_loaded(tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    write(tmp_path / "found.npz", {name: array for name, array in right.items() if name != "dW2"})
    header = b"\x93NUMPY\x01\x00\x56\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000)}"
    with zipfile.ZipFile(tmp_path / "found.npz", "a") as archive:
        archive.writestr("dW2.npy", header.ljust(95) + b"\n")
    status, found = graded(tmp_path)
    assert (status, found["score"]) == (1, 25)
    assert "array 'dW2' has shape (1000000, 1000000), not (4, 4)" in found["tests"][2]["output"]


def test_one_right_array_is_one(tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    assert graded(tmp_path, {"dW1": right["dW1"]})[1]["output"] == "1 of 6 arrays is right"


def test_points_that_are_shared_add_up_as_they_are_printed(tmp_path: Path) -> None:
    config(tmp_path)
    write(tmp_path / "found.npz", backpropagation(exported(tmp_path), "cross_entropy", "softmax"))
    for points in ("10", "1", "100", "1000000", "0", "7.5"):
        words = ("gradcheck", "points.yaml", "--against", "found.npz", "--examples", str(EXPORTED), "--grade", points)
        found = good(*words, cwd=tmp_path).json
        assert found["score"] == float(points)
        for key in ("score", "max_score"):
            shares = [Decimal(repr(test[key])) for test in found["tests"]]
            assert sum(shares) == Decimal(points)
            assert max(shares) - min(shares) <= Decimal("0.0001")


def test_a_frameworks_names_are_graded_too(tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    theirs = {f"{2 * l}.{w}": right[f"d{k}{l + 1}"] for l in range(3) for w, k in (("weight", "W"), ("bias", "b"))}
    status, found = graded(tmp_path, theirs)
    assert status == 0
    assert found["output"].startswith("all is right\nread by the names of PyTorch: 0.weight → dW1, ")
    assert graded(tmp_path, {"0.weight": RIGHT_SHAPES["dW1"], "0.bias": RIGHT_SHAPES["db1"]})[0] == 1


def test_points_need_a_file(tmp_path: Path) -> None:
    config(tmp_path)
    refused(
        *("gradcheck", "points.yaml", "--grade", "10"),
        cwd=tmp_path,
        status=2,
        error="command line: --grade without --against",
        hint="for example --against FILE --grade 10",
    )
    assert good("gradcheck", "--help", cwd=tmp_path).out.count("--grade") >= 1


@pytest.mark.parametrize("points", ["inf", "1e308", "1000001", "nan", "-1"])
def test_points_have_bounds(points: str, tmp_path: Path) -> None:
    config(tmp_path)
    result = bp("gradcheck", "points.yaml", "--against", "a.npz", "--grade", points, cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: command line: invalid value for '--grade': Input should be ")


def test_what_rounding_leaves_no_digits_of_has_no_points() -> None:
    """Outputs that equal their targets: nobody's gradient has a right digit."""
    given = subject(output="identity", of=loss("half_squared_error"))
    work = Homework(given)
    given.network.forward(given.parameters, work.ws)
    work.ws.Y[...] = work.ws.A[-1] * (1 + 1e-16)
    noise = {name: 1e-17 * np.ones(array.shape) for name, array in work.right.items()}
    grades = grade(given.network, given.parameters, work.ws, noise)
    assert not any(one.right for one in grades)
    assert "cannot be judged" in grades[0].message


def test_the_work_does_not_grow_with_the_depth_by_a_power() -> None:
    given = subject(sizes=(4, *[3] * 9, 3), hidden=("tanh",) * 9)
    work = Homework(given)
    without_division = {name: M * array for name, array in work.right.items()}
    assert work.wrong(without_division) == {"dW10", "db10"}
