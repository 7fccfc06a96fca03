"""Somebody else's gradients: every known mistake is recognised, at the output and below it, in both precisions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from bpcli.checking.known_mistakes.diagnosis import UNRECOGNISED, Diagnosis, diagnose
from bpcli.nn import Array
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace

from .support import Subject, loss, subject

PRECISIONS = ("float64", "float32")

every_precision = pytest.mark.parametrize("dtype", PRECISIONS)

M = 7
"""Examples in the batch."""


@dataclass
class Homework:
    """Somebody's backward pass, in their own words: examples in columns, layer by layer from the output."""

    given: Subject
    dtype: str = "float64"
    m: int = M

    def __post_init__(self) -> None:
        subject, kind = self.given, np.dtype(self.dtype)
        self.ws = subject.network.workspace(self.m, np.float64)
        subject.examples.features.gather(np.arange(self.m), self.ws.X)
        subject.examples.targets.gather(np.arange(self.m), self.ws.Y)
        self.W = [W.astype(kind) for W in subject.parameters.W]
        self.b = [b.astype(kind) for b in subject.parameters.b]
        self.X = self.ws.X.astype(kind)
        self.right = self.backward()

    @property
    def last(self) -> int:
        return self.given.layers

    def backward(self) -> dict[str, Array]:
        """dW1, db1, …, without a mistake: the engine's own, in this precision."""
        network = self.given.network
        gradient = Parameters(network.layout, np.empty(network.layout.count))
        network.forward(self.given.parameters, self.ws)
        network.backward(self.given.parameters, gradient, self.ws, network.scale(self.ws.m))
        named = gradient.named()
        return {f"d{name}": array.astype(self.dtype) for name, array in named.items()}

    def from_dZ(self, layer: int, dZ: Array) -> dict[str, Array]:
        """The gradients where dZ of one layer is this and all below follows from it."""
        network, ws = self.given.network, self.ws
        given = dict(self.right)
        for l in range(layer, 0, -1):
            given[f"dW{l}"] = (dZ @ ws.A[l - 1].T).astype(self.dtype)
            given[f"db{l}"] = dZ.sum(axis=1).astype(self.dtype)
            if l > 1:
                below = np.empty_like(ws.A[l - 1])
                dA = self.given.parameters.W[l].T @ dZ
                none = np.empty(0)
                network.activations[l - 2].backward(dA, ws.Z[l - 1], ws.A[l - 1], none, below, none, ws.scratch[l - 1])
                dZ = below
        return given

    def changed(self, **arrays: Array) -> dict[str, Array]:
        return self.right | {name: array.astype(self.dtype) for name, array in arrays.items()}

    def scaled(self, layer: int, c: float) -> dict[str, Array]:
        """All of one layer and those below times a constant."""
        return self.from_dZ(layer, c * self.ws.dZ[layer])

    def judged(self, given: dict[str, Array]) -> Diagnosis:
        ws: Workspace = self.given.network.workspace(self.m, np.float64)
        ws.X[...], ws.Y[...] = self.ws.X, self.ws.Y
        return replace(diagnose(self.given.network, self.given.parameters, ws, given), location=())


def homework(dtype: str = "float64", m: int = M, **details: Any) -> Homework:
    return Homework(subject(m=m, **details), dtype, m)


def squared(dtype: str = "float64", **details: Any) -> Homework:
    return homework(dtype, **{"output": "identity", "of": loss("half_squared_error"), **details})


FEW = {(3, "float64"), (2, "float64"), (1, "float32")}
"""Every layer and either precision; the slow tests have all of both."""

every_place = pytest.mark.parametrize(
    ("layer", "dtype"),
    [
        pytest.param(layer, dtype, marks=[] if (layer, dtype) in FEW else [pytest.mark.slow])
        for layer in (3, 2, 1)
        for dtype in PRECISIONS
    ],
)


@every_precision
@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "half_squared_error"])
@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_right_gradients_are_judged_right(output: str, name: str, dtype: str) -> None:
    work = homework(dtype, output=output, of=loss(name))
    assert work.judged(work.right) == Diagnosis(0)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (1, -1)], ids=["vector", "column", "row"])
def test_db_may_be_a_vector_a_column_or_a_row(shape: tuple[int, ...]) -> None:
    work = homework()
    flat = {name: array.reshape(shape) if name.startswith("db") else array for name, array in work.right.items()}
    assert work.judged(flat) == Diagnosis(0)


OF_ANY_LAYER: dict[str, tuple[float, str]] = {
    "1/m is missing": (M, "without the division by the m examples (1/m)"),
    "1/m is there twice": (1 / M, "divided by the m examples once too often"),
    "the sign is turned": (-1, "with the sign of the gradient turned"),
    "another constant": (1.7, "scaled by a constant"),
    "the sign is turned and 1/m is missing": (-M, "without the division by the m examples (1/m) and the sign turned"),
    "1/(m − 1) stands for 1/m": (M / (M - 1), "divided by m − 1, not by the m examples"),
    "a step is handed in": (
        -0.01,
        "as a step −η times the gradient (an update, or momentum's velocity), with η = 0.01",
    ),
}

ACCUMULATED = "added up over {} backward passes (accumulated, not set to zero between them)"

OF_THE_LOSS: dict[str, tuple[float, str]] = {
    "1/n_L is missing": (3, "without the division by the outputs (1/n_L)"),
    "1/n_L is there twice": (1 / 3, "divided by the n_L outputs once too often"),
    "both are missing": (3 * M, "without the divisions by examples and outputs (1/m, 1/n_L)"),
    "½ is missing": (
        2,
        f"with the ½ of the loss left out, or {ACCUMULATED.format(2)}",
    ),
    "½ is there twice": (0.5, "with a ½ too many"),
    "five passes are added up": (5, ACCUMULATED.format(5)),
}
"""What only the whole gradient can have, from the output layer down."""

OF_A_LAYER = {3: "scaled by a constant", 1 / 3: "scaled by a constant", 2: "counted twice", 0.5: "halved"}
"""The same factors where they begin below the output."""


@every_place
@pytest.mark.parametrize(("c", "words"), OF_ANY_LAYER.values(), ids=OF_ANY_LAYER)
def test_a_constant_factor_is_recognised(c: float, words: str, layer: int, dtype: str) -> None:
    work = squared(dtype)
    diagnosis = work.judged(work.scaled(layer, c))
    assert (diagnosis.layer, diagnosis.wrong) == (layer, (f"dW{layer}", f"db{layer}"))
    assert diagnosis.mistake == f"right, but {words}: {c:.6g} times what it should be"


@every_precision
@pytest.mark.parametrize(("c", "words"), OF_THE_LOSS.values(), ids=OF_THE_LOSS)
def test_a_factor_of_the_loss_is_recognised_in_the_whole_gradient(c: float, words: str, dtype: str) -> None:
    work = squared(dtype)
    assert work.judged(work.scaled(3, c)).mistake == f"right, but {words}: {c:.6g} times what it should be"


@every_precision
@pytest.mark.parametrize("layer", [2, 1])
@pytest.mark.parametrize(("c", "words"), OF_A_LAYER.items())
def test_a_factor_that_begins_below_the_output_is_not_of_the_loss(c: float, words: str, layer: int, dtype: str) -> None:
    work = squared(dtype)
    assert work.judged(work.scaled(layer, c)).mistake == f"right, but {words}: {c:.6g} times what it should be"


@every_precision
def test_a_factor_of_the_output_layer_alone_is_not_of_the_loss(dtype: str) -> None:
    work = squared(dtype)
    twice = work.changed(dW3=2 * work.right["dW3"], db3=2 * work.right["db3"])
    assert work.judged(twice).mistake == "right, but counted twice: 2 times what it should be"


@every_place
def test_a_constant_factor_of_db_alone_is_recognised(layer: int, dtype: str) -> None:
    work = squared(dtype)
    diagnosis = work.judged(work.changed(**{f"db{layer}": work.right[f"db{layer}"] / M}))
    assert diagnosis == Diagnosis(
        layer,
        (f"db{layer}",),
        f"db is right, but divided by the m examples once too often: {1 / M:.6g} times what it should be",
    )


@every_place
def test_a_constant_factor_of_dW_alone_is_recognised(layer: int, dtype: str) -> None:
    work = squared(dtype)
    diagnosis = work.judged(work.changed(**{f"dW{layer}": -work.right[f"dW{layer}"]}))
    assert diagnosis == Diagnosis(
        layer,
        (f"dW{layer}",),
        "dW is right, but with the sign of the gradient turned: -1 times what it should be",
    )


@every_place
def test_a_transposed_dW_is_recognised_by_its_shape(layer: int, dtype: str) -> None:
    work = homework(dtype, sizes=(4, 5, 6, 3))
    diagnosis = work.judged(work.changed(**{f"dW{layer}": work.right[f"dW{layer}"].T}))
    assert diagnosis == Diagnosis(layer, (f"dW{layer}",), "dW is transposed")


def square(dtype: str = "float64", **details: Any) -> Homework:
    """Every layer square, as wide as the batch is not."""
    return homework(dtype, sizes=(4, 4, 4, 4), **details)


@every_place
def test_a_transposed_square_dW_is_recognised_by_its_numbers(layer: int, dtype: str) -> None:
    work = square(dtype)
    diagnosis = work.judged(work.changed(**{f"dW{layer}": work.right[f"dW{layer}"].T}))
    assert diagnosis == Diagnosis(layer, (f"dW{layer}",), "dW is transposed")


@every_place
@pytest.mark.parametrize("work", [square, homework], ids=["square", "oblong"])
def test_a_transposed_dW_with_a_constant_is_recognised(work: Callable[[str], Homework], layer: int, dtype: str) -> None:
    done = work(dtype)
    given = done.scaled(layer, M)
    given[f"dW{layer}"] = given[f"dW{layer}"].T
    diagnosis = done.judged(given)
    assert (diagnosis.layer, diagnosis.wrong) == (layer, (f"dW{layer}", f"db{layer}"))
    assert diagnosis.mistake == (
        "dW is transposed, but without the division by the m examples (1/m): 7 times what it should be"
    )


@every_precision
@pytest.mark.parametrize("layer", [2, 1])
def test_W_for_its_transpose_is_recognised_in_a_square_layer(layer: int, dtype: str) -> None:
    work = square(dtype)
    ws, dZ = work.ws, np.empty_like(work.ws.dZ[layer])
    dA = work.given.parameters.W[layer + 1] @ ws.dZ[layer + 1]
    none = np.empty(0)
    activation = work.given.network.activations[layer - 1]
    activation.backward(dA, ws.Z[layer], ws.A[layer], none, dZ, none, ws.scratch[layer])
    diagnosis = work.judged(work.from_dZ(layer, dZ))
    assert (diagnosis.layer, diagnosis.mistake) == (layer, "W of the layer above is not transposed")


def bias(work: Homework, layer: int, db: Array) -> Diagnosis:
    return work.judged(work.changed(**{f"db{layer}": db}))


@every_place
def test_a_bias_summed_over_the_units_is_recognised_by_its_shape(layer: int, dtype: str) -> None:
    work = squared(dtype)
    diagnosis = bias(work, layer, work.ws.dZ[layer].sum(axis=0))
    words = "db is summed over the units, the wrong axis, instead of the examples"
    assert diagnosis == Diagnosis(layer, (f"db{layer}",), words)


@every_place
def test_a_bias_summed_over_the_units_is_recognised_by_its_numbers(layer: int, dtype: str) -> None:
    work = squared(dtype, sizes=(4, 7, 7, 7))
    diagnosis = bias(work, layer, work.ws.dZ[layer].sum(axis=0))
    words = "db is summed over the units, the wrong axis, instead of the examples"
    assert diagnosis == Diagnosis(layer, (f"db{layer}",), words)


@every_place
def test_a_bias_summed_over_both_axes_is_recognised(layer: int, dtype: str) -> None:
    work = squared(dtype)
    for db in (work.ws.dZ[layer].sum().reshape(1), np.full(work.ws.dZ[layer].shape[0], work.ws.dZ[layer].sum())):
        assert bias(work, layer, db) == Diagnosis(layer, (f"db{layer}",), "db is summed over both axes")


@every_place
@pytest.mark.parametrize("example", [0, 3, M - 1])
def test_a_bias_of_one_example_is_recognised(example: int, layer: int, dtype: str) -> None:
    work = squared(dtype)
    diagnosis = bias(work, layer, work.ws.dZ[layer][:, example])
    words = f"db is of one example, number {example}, instead of the sum over all"
    assert diagnosis == Diagnosis(layer, (f"db{layer}",), words)


@every_place
@pytest.mark.parametrize("width", [3, 1])
@pytest.mark.parametrize("turned", ["", "turned"])
@pytest.mark.parametrize("c", [1, M])
def test_a_bias_that_is_not_summed_is_recognised(c: int, turned: str, width: int, layer: int, dtype: str) -> None:
    work = squared(dtype, sizes=(4, 5, 6, width))
    dZ = c * work.ws.dZ[layer]
    words = "db is not summed over the examples"
    more = f", but without the division by the m examples (1/m): {M} times what it should be" * (c != 1)
    assert bias(work, layer, dZ.T if turned else dZ) == Diagnosis(layer, (f"db{layer}",), words + more)


def one_output(dtype: str) -> Homework:
    return squared(dtype, sizes=(4, 5, 6, 1))


@every_precision
@pytest.mark.parametrize("example", [0, 2, M - 1])
def test_a_single_bias_of_one_example_is_recognised(example: int, dtype: str) -> None:
    words = f"db is of one example, number {example}, instead of the sum over all"
    work = one_output(dtype)
    assert bias(work, 3, work.ws.dZ[3][:, example]) == Diagnosis(3, ("db3",), words)


@every_precision
def test_a_single_bias_is_a_multiple_of_anything_so_only_a_known_factor_counts(dtype: str) -> None:
    work = one_output(dtype)
    for c, words in ((M, "without the division by the m examples (1/m)"), (-1, "with the sign of the gradient turned")):
        words_of_db = f"db is right, but {words}: {c} times what it should be"
        assert bias(work, 3, c * work.right["db3"]) == Diagnosis(3, ("db3",), words_of_db)
    unknown = UNRECOGNISED
    assert bias(work, 3, 1.7 * work.right["db3"]) == Diagnosis(3, ("db3",), unknown, recognised=False)


@every_precision
def test_a_single_weight_is_a_multiple_of_anything_so_only_a_known_factor_counts(dtype: str) -> None:
    work = squared(dtype, sizes=(4, 5, 1, 1))
    for c, words in ((M, "without the division by the m examples (1/m)"), (-1, "with the sign of the gradient turned")):
        diagnosis = work.judged(work.changed(dW3=c * work.right["dW3"]))
        assert diagnosis.mistake == f"dW is right, but {words}: {c} times what it should be"
    assert work.judged(work.changed(dW3=1.7 * work.right["dW3"])).mistake == UNRECOGNISED


@every_place
def test_a_bias_left_zero_is_recognised(layer: int, dtype: str) -> None:
    work = squared(dtype)
    assert bias(work, layer, np.zeros(work.ws.dZ[layer].shape[0])) == Diagnosis(
        layer, (f"db{layer}",), "db is all zeros"
    )


@every_place
def test_weights_left_zero_are_recognised(layer: int, dtype: str) -> None:
    work = squared(dtype)
    diagnosis = work.judged(work.changed(**{f"dW{layer}": np.zeros_like(work.right[f"dW{layer}"])}))
    assert diagnosis == Diagnosis(layer, (f"dW{layer}",), "dW is all zeros")


@every_place
def test_a_bias_mistake_is_recognised_beside_a_constant_in_the_weights(layer: int, dtype: str) -> None:
    work = squared(dtype)
    given = work.scaled(layer, M)
    given[f"db{layer}"] = (M * work.ws.dZ[layer][:, 2]).astype(dtype)
    diagnosis = work.judged(given)
    assert diagnosis.mistake == (
        "dW is right, but without the division by the m examples (1/m): 7 times what it should be; "
        "db is of one example, number 2, instead of the sum over all, "
        "but without the division by the m examples (1/m): 7 times what it should be"
    )


def dA_of(work: Homework, layer: int) -> Array:
    network, ws = work.given.network, work.ws
    if layer < work.last:
        found: Array = work.given.parameters.W[layer + 1].T @ ws.dZ[layer + 1]
        return found
    dA = np.empty_like(ws.A[layer])
    network.head.loss.backward(ws.A[layer], ws.Y, network.scale(ws.m), dA, ws.output)
    return dA


TANH = {"output": "tanh", "of": loss("half_squared_error")}
SIGMOID = {"hidden": ("sigmoid", "sigmoid"), "output": "sigmoid", "of": loss("half_squared_error")}
CURVED = pytest.mark.parametrize("kind", [TANH, SIGMOID], ids=["tanh", "sigmoid"])


@every_place
@CURVED
@pytest.mark.parametrize("c", [1, M, -1, 0.5])
def test_a_missing_derivative_is_recognised_also_with_a_constant(
    c: float, kind: dict[str, Any], layer: int, dtype: str
) -> None:
    work = homework(dtype, **kind)
    diagnosis = work.judged(work.from_dZ(layer, c * dA_of(work, layer)))
    assert diagnosis.layer == layer
    assert diagnosis.mistake.startswith("the activation's derivative is missing")
    assert diagnosis.mistake.endswith("times what it should be") == (c != 1)


@every_precision
@pytest.mark.parametrize("layer", [2, 1])
@pytest.mark.parametrize("hidden", ["relu", "leaky_relu", "softmax"])
def test_a_missing_derivative_is_recognised_in_every_hidden_activation(hidden: str, layer: int, dtype: str) -> None:
    work = homework(dtype, hidden=(hidden, hidden))
    diagnosis = work.judged(work.from_dZ(layer, dA_of(work, layer)))
    assert (diagnosis.layer, diagnosis.mistake) == (layer, "the activation's derivative is missing")


@every_place
@CURVED
def test_a_derivative_at_A_where_it_needs_Z_is_recognised(kind: dict[str, Any], layer: int, dtype: str) -> None:
    work = homework(dtype, **kind)
    A = work.ws.A[layer]
    again = np.tanh(A) if kind is TANH else 1 / (1 + np.exp(-A))
    slope = 1 - again**2 if kind is TANH else again * (1 - again)
    diagnosis = work.judged(work.from_dZ(layer, dA_of(work, layer) * slope))
    assert (diagnosis.layer, diagnosis.mistake) == (
        layer,
        "the activation's derivative is taken at A, where it needs Z",
    )


@every_place
@CURVED
def test_a_formula_for_A_used_with_Z_is_recognised(kind: dict[str, Any], layer: int, dtype: str) -> None:
    work = homework(dtype, **kind)
    Z = work.ws.Z[layer]
    slope = 1 - Z**2 if kind is TANH else Z * (1 - Z)
    diagnosis = work.judged(work.from_dZ(layer, dA_of(work, layer) * slope))
    words = "the activation's derivative is computed from Z by the formula that needs A"
    assert (diagnosis.layer, diagnosis.mistake) == (layer, words)


@every_precision
@pytest.mark.parametrize("layer", [2, 1])
def test_the_derivative_of_another_activation_is_recognised(layer: int, dtype: str) -> None:
    work = homework(dtype)
    A = work.ws.A[layer]
    diagnosis = work.judged(work.from_dZ(layer, dA_of(work, layer) * A * (1 - A)))
    assert (diagnosis.layer, diagnosis.mistake) == (layer, "the derivative is that of another activation, sigmoid")


@every_precision
def test_a_softmax_taken_as_diagonal_is_recognised(dtype: str) -> None:
    work = homework(dtype, of=loss("half_squared_error"))
    A = work.ws.A[3]
    diagnosis = work.judged(work.from_dZ(3, dA_of(work, 3) * A * (1 - A)))
    assert diagnosis.layer == 3
    assert diagnosis.mistake == "softmax's derivative is taken as diagonal, a(1 − a)"


WRONG_LOSSES = [
    ("softmax", "cross_entropy", "half_squared_error"),
    ("softmax", "cross_entropy", "binary_cross_entropy"),
    ("sigmoid", "binary_cross_entropy", "half_squared_error"),
    ("softmax", "binary_cross_entropy", "half_squared_error"),
]


@every_precision
@pytest.mark.parametrize(("output", "own", "other"), WRONG_LOSSES)
def test_the_gradient_of_another_loss_is_recognised(output: str, own: str, other: str, dtype: str) -> None:
    work = homework(dtype, output=output, of=loss(own))
    A = work.ws.A[3]
    Y = np.eye(3)[:, work.ws.Y] if own == "cross_entropy" else work.ws.Y
    dA = {"half_squared_error": A - Y, "binary_cross_entropy": (A - Y) / (A * (1 - A))}[other]
    dZ = A * (dA - (A * dA).sum(axis=0)) if output == "softmax" else A * (1 - A) * dA
    diagnosis = work.judged(work.from_dZ(3, dZ / M))
    assert diagnosis.layer == 3
    assert diagnosis.mistake.split(", or ")[0] == f"it is the gradient of another loss, {other}"


@every_precision
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_the_shortcut_of_another_pair_is_recognised(output: str, dtype: str) -> None:
    work = homework(dtype, output=output, of=loss("half_squared_error"))
    diagnosis = work.judged(work.from_dZ(3, (work.ws.A[3] - work.ws.Y) / (3 * M)))
    assert diagnosis.layer == 3
    missing = "the activation's derivative is missing"  # under squared error the shortcut is just that
    assert diagnosis.mistake.startswith(missing)
    assert "A − Y" in diagnosis.mistake


@every_precision
def test_the_first_wrong_layer_counts_from_the_output(dtype: str) -> None:
    work = homework(dtype)
    given = work.changed(dW1=2 * work.right["dW1"], dW2=3 * work.right["dW2"])
    assert (work.judged(given).layer, work.judged(given).wrong) == (2, ("dW2",))


@every_precision
def test_one_entry_wrong_by_a_thousandth_is_found_and_named_with_its_place(dtype: str) -> None:
    work = homework(dtype)
    dW = work.right["dW2"].copy()
    dW[3, 4] *= 1.001
    diagnosis = work.judged(work.changed(dW2=dW))
    assert (diagnosis.layer, diagnosis.wrong) == (2, ("dW2",))
    assert re.fullmatch(r"dW is 1\.001\d* times what it should be at one entry, row 3, column 4", diagnosis.mistake)


def test_a_shape_that_no_mistake_has_is_wrong() -> None:
    work = homework()
    assert work.judged(work.changed(dW2=np.ones((2, 9)))) == Diagnosis(2, ("dW2",), UNRECOGNISED, recognised=False)
    assert work.judged(work.changed(db2=np.ones(9))) == Diagnosis(2, ("db2",), UNRECOGNISED, recognised=False)


@every_precision
def test_gradients_that_are_rounding_alone_are_neither_right_nor_wrong(dtype: str) -> None:
    """Where outputs equal the targets, nobody's gradient has a right digit."""
    work = squared(dtype)
    work.given.network.forward(work.given.parameters, work.ws)
    work.ws.Y[...] = work.ws.A[3]
    noise = np.random.default_rng(0)
    last_bit = 1e-16 if dtype == "float64" else 1e-8
    given = work.from_dZ(3, noise.normal(0, last_bit, work.ws.Y.shape) / (3 * M))
    judged = work.judged(given)
    assert (judged.layer, set(judged.unjudgeable)) == (0, set(given))
    assert work.judged({name: 1e4 * array for name, array in given.items()}).layer == 3


# One array alone, several mistakes alike, sums that cancel.


@every_precision
@pytest.mark.parametrize("layer", [2, 1])
def test_a_mistake_in_dW_alone_says_nothing_of_db(layer: int, dtype: str) -> None:
    work = homework(dtype)
    mistaken = work.from_dZ(layer, dA_of(work, layer))
    diagnosis = work.judged(work.changed(**{f"dW{layer}": mistaken[f"dW{layer}"]}))
    assert diagnosis == Diagnosis(layer, (f"dW{layer}",), "dW: the activation's derivative is missing")


@every_precision
@pytest.mark.parametrize("layer", [2, 1])
def test_a_mistake_in_db_alone_is_recognised(layer: int, dtype: str) -> None:
    work = homework(dtype)
    diagnosis = bias(work, layer, dA_of(work, layer).sum(axis=1))
    assert diagnosis == Diagnosis(layer, (f"db{layer}",), "db: the activation's derivative is missing")


@pytest.mark.parametrize("dW", [np.zeros((5, 5)), np.ones((5, 5))], ids=["zeros", "unknown"])
def test_db_is_explained_where_dW_is_zero_or_unknown(dW: Array) -> None:
    work = homework()
    diagnosis = work.judged(work.changed(dW2=dW, db2=-work.right["db2"]))
    of_dW = "dW fits none of the known mistakes" if dW.any() else "dW is all zeros"
    of_db = "db is right, but with the sign of the gradient turned: -1 times what it should be"
    assert diagnosis == Diagnosis(2, ("dW2", "db2"), f"{of_dW}; {of_db}", recognised=not dW.any())


def test_db_that_is_unknown_is_named_beside_dW() -> None:
    work = homework()
    diagnosis = work.judged(work.changed(dW2=-work.right["dW2"], db2=np.arange(5.0)))
    of_dW = "dW is right, but with the sign of the gradient turned: -1 times what it should be"
    assert (diagnosis.mistake, diagnosis.recognised) == (f"{of_dW}; db fits none of the known mistakes", False)


def test_a_number_stands_for_the_db_of_one_unit() -> None:
    work = one_output("float64")
    assert bias(work, 3, work.right["db3"].reshape(())) == Diagnosis(0)
    diagnosis = bias(work, 3, -work.right["db3"].reshape(()))
    assert diagnosis.mistake == "db is right, but with the sign of the gradient turned: -1 times what it should be"


@every_precision
def test_db_is_explained_above_units_that_are_all_dead(dtype: str) -> None:
    work = squared(dtype, hidden=("relu", "relu"))
    work.given.parameters.b[2].fill(-1e3)
    work = Homework(work.given, dtype)
    assert not work.right["dW3"].any()
    for db, words in (
        (M * work.right["db3"], f"db is right, but {OF_ANY_LAYER['1/m is missing'][1]}: 7 times what it should be"),
        (work.ws.dZ[3], "db is not summed over the examples"),
        (work.ws.dZ[3][:, 2], "db is of one example, number 2, instead of the sum over all"),
        (0 * work.right["db3"], "db is all zeros"),
    ):
        assert bias(work, 3, db) == Diagnosis(3, ("db3",), words)


@every_precision
@pytest.mark.parametrize("example", range(M))
def test_one_example_is_distinguished_from_another_though_all_are_proportional(example: int, dtype: str) -> None:
    work = homework(dtype, sizes=(4, 5, 5, 2))
    diagnosis = bias(work, 3, work.ws.dZ[3][:, example])
    if dtype == "float64":
        assert diagnosis.mistake == f"db is of one example, number {example}, instead of the sum over all"
    assert f"db is of one example, number {example}, " in diagnosis.mistake


@every_precision
def test_a_softmax_bias_summed_over_the_units_is_recognised_though_it_is_rounding(dtype: str) -> None:
    work = homework(dtype)
    db = work.ws.dZ[3].sum(axis=0) + np.random.default_rng(0).normal(0, 1e-17, M)
    assert np.abs(db).max() < 1e-15
    words = "db is summed over the units, the wrong axis, instead of the examples"
    assert bias(work, 3, db) == Diagnosis(3, ("db3",), words)


def test_mistakes_that_give_the_same_numbers_are_all_named() -> None:
    work = homework(output="sigmoid")
    shortcut = work.ws.A[3] - np.eye(3)[:, work.ws.Y]
    assert work.judged(work.from_dZ(3, shortcut / M)).mistake == (
        "the shortcut A − Y is used, which belongs to another pair of output and loss, "
        "or it is the gradient of another loss, binary_cross_entropy, "
        "or the derivative is that of another activation, softmax"
    )


def test_a_factor_with_two_meanings_is_named_with_both() -> None:
    work = squared(m=2)
    assert work.judged(work.scaled(3, 2)).mistake == (
        "right, but without the division by the m examples (1/m), or with the ½ of the loss left out, or added up over "
        "2 backward passes (accumulated, not set to zero between them): 2 times what it should be"
    )


@pytest.mark.parametrize("huge", [1e300, np.longdouble("1e4000")], ids=["float64", "longdouble"])
def test_huge_numbers_are_wrong_and_no_multiple(huge: Any) -> None:
    work = homework()
    given = work.right | {"dW2": np.random.default_rng(0).normal(0, 1, (5, 5)) * huge}
    assert work.judged(given) == Diagnosis(2, ("dW2",), UNRECOGNISED, recognised=False)


def test_gradients_in_extended_precision_are_judged_right() -> None:
    work = homework()
    assert work.judged({name: array.astype(np.longdouble) for name, array in work.right.items()}) == Diagnosis(0)


# What is said of a factor, and of two mistakes at once.


def of_classes(**details: Any) -> Homework:
    """Where 2 is also the examples by the inputs of the output layer, and 1 those of the first."""
    return homework(m=16, sizes=(16, 8, 3), hidden=("tanh",), **details)


def test_a_factor_of_two_has_its_commonest_meanings_and_none_of_the_sizes() -> None:
    work = of_classes()
    for c, turned in ((2, ""), (-2, " and the sign turned")):
        of_squares = f"as for a squared error without its ½{turned}"
        words = f"right, but {of_squares}, or {ACCUMULATED.format(2)}{turned}: {c} times what it should be"
        assert work.judged(work.scaled(2, c)).mistake == words
        alone = work.judged(work.changed(dW2=c * work.right["dW2"])).mistake
        assert alone == f"dW is right, but counted twice{turned}: {c} times what it should be"


def test_a_turned_sign_is_nothing_else() -> None:
    work = of_classes()
    words = "right, but with the sign of the gradient turned: -1 times what it should be"
    assert [work.judged(work.scaled(layer, -1)).mistake for layer in (2, 1)] == [words, words]


def test_a_squared_error_may_lack_its_half_and_the_division() -> None:
    words = "right, but as for a squared error without its ½ and without the division by the m examples: 32 times"
    assert of_classes().judged(of_classes().scaled(2, 32)).mistake.startswith(words)


def test_a_division_by_a_size_is_named_where_nothing_simpler_gives_its_factor() -> None:
    work = homework(m=12, sizes=(4, 5, 3), hidden=("tanh",))
    given = work.scaled(1, 12 / 5)
    words = "right, but divided by the layer's units, not by the m examples: 2.4 times what it should be"
    assert work.judged(given).mistake == words


def test_two_mistakes_are_a_list_of_both_with_one_meaning_each() -> None:
    work = of_classes()
    W = work.given.parameters.W
    decayed = {f"dW{l}": 2 * work.right[f"dW{l}"] + 0.01 * W[l] for l in (1, 2)}
    given = {name: 2 * array for name, array in work.right.items()} | decayed
    assert work.judged(given).mistake == (
        "1) it is 2 times what it should be, as for a squared error without its ½; "
        "2) λ W is added (weight decay, L2) with λ = 0.01"
    )
    alone = work.judged(work.changed(dW2=(work.right["dW2"] + 0.01 * W[2]).T))
    assert alone.mistake == "1) dW is transposed; 2) λ W is added (weight decay, L2) with λ = 0.01"


@pytest.mark.parametrize(("errors", "clipped"), [(0.01, ""), (100, ", or clipped by norm, brought to 1")])
def test_a_normalised_gradient_may_be_clipped_where_it_was_longer(errors: float, clipped: str) -> None:
    work = squared()
    work.ws.Y[...] = work.ws.A[3] + errors * work.ws.Y
    work.right = work.backward()
    norm = float(np.sqrt(sum((array**2).sum() for array in work.right.values())))
    assert (norm > 1) == bool(clipped)
    words = f"right, but normalised, divided by the norm of the whole gradient{clipped}: "
    assert work.judged({name: array / norm for name, array in work.right.items()}).mistake.startswith(words)


# Outputs that are not those of the network.


@every_precision
@pytest.mark.parametrize("c", [1, M])
@pytest.mark.parametrize("name", ["cross_entropy", "half_squared_error"])
def test_outputs_of_another_activation_are_recognised(name: str, c: int, dtype: str) -> None:
    work = homework(dtype, of=loss(name))
    Y = np.eye(3)[:, work.ws.Y] if work.ws.Y.ndim == 1 else work.ws.Y
    outputs = 1 / (1 + np.exp(-work.ws.Z[3]))
    scale = c * work.given.network.scale(M)
    words = "the outputs are those of another activation, sigmoid"
    assert work.judged(work.from_dZ(3, scale * (outputs - Y))).mistake.startswith(words)


@every_precision
@pytest.mark.parametrize(
    ("axis", "words"),
    [(1, "over the examples, the wrong axis"), (None, "over the whole batch, not over the classes of each example")],
)
def test_a_softmax_along_the_wrong_axis_is_recognised(axis: int | None, words: str, dtype: str) -> None:
    work = homework(dtype)
    ws, Y = work.ws, np.eye(3)[:, work.ws.Y]
    powers = np.exp(ws.Z[3])
    outputs = powers / powers.sum(axis=axis, keepdims=True)
    dA = -Y / outputs
    along = outputs * (dA - (dA * outputs).sum(axis=axis, keepdims=True))
    for dZ in (outputs - Y, outputs * (dA - (dA * outputs).sum(axis=0)), along):
        assert work.judged(work.from_dZ(3, dZ / M)).mistake == f"softmax is taken {words}"


@every_place
def test_a_softmax_derived_along_the_wrong_axis_is_recognised(layer: int, dtype: str) -> None:
    work = homework(dtype, hidden=("softmax", "softmax"))
    A, dA = work.ws.A[layer], dA_of(work, layer)
    dZ = A * (dA - (dA * A).sum(axis=1, keepdims=True))
    words = "softmax's derivative takes its sum ⟨da, a⟩ over the examples, the wrong axis"
    assert work.judged(work.from_dZ(layer, dZ)).mistake == words
