"""Mistakes with a number in them, several at once, and what holds for the whole gradient."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn import Array

from .test_known_mistakes import Homework, M, every_precision, homework, squared

LAYERS = pytest.mark.parametrize("layer", [3, 2, 1])


def decayed(work: Homework, layer: int, strength: float) -> Array:
    return work.right[f"dW{layer}"] + strength * work.given.parameters.W[layer]


@every_precision
@LAYERS
@pytest.mark.parametrize("strength", [0.5, 0.01, 0.0317])
def test_weight_decay_in_dW_is_named_with_its_strength(strength: float, layer: int, dtype: str) -> None:
    work = homework(dtype)
    words = work.judged(work.changed(**{f"dW{layer}": decayed(work, layer, strength)})).mistake
    assert words.startswith("dW: λ W is added (weight decay, L2) with λ = ")
    assert abs(float(words.split(" = ")[1]) / strength - 1) < (1e-5 if dtype == "float64" else 1e-2)


def test_weight_decay_is_named_beside_a_factor_and_beside_a_transpose() -> None:
    work = homework(sizes=(4, 5, 6, 3))
    W = work.given.parameters.W[2]
    scaled = work.judged(work.changed(dW2=M * work.right["dW2"] + 0.1 * W, db2=M * work.right["db2"]))
    assert scaled.mistake == (
        "1) it is 7 times what it should be, without the division by the m examples (1/m); "
        "2) λ W is added (weight decay, L2) with λ = 0.1"
    )
    turned = work.judged(work.changed(dW2=decayed(work, 2, 0.1).T))
    assert turned.mistake == "1) dW is transposed; 2) λ W is added (weight decay, L2) with λ = 0.1"


@LAYERS
def test_the_updated_weights_are_told_from_their_gradient(layer: int) -> None:
    work = homework()
    W = work.given.parameters.W[layer]
    updated = work.judged(work.changed(**{f"dW{layer}": W - 0.25 * work.right[f"dW{layer}"]}))
    assert updated.mistake == "dW is W already updated, W − η dW with η = 0.25, in place of the gradient"
    assert "parameters" in work.judged(work.changed(**{f"dW{layer}": W})).mistake


def test_weights_updated_too_early_are_named_with_their_learning_rate() -> None:
    work = homework()
    early = work.given.parameters.W[3] - 0.3 * work.right["dW3"]
    dA, ws, dZ = early.T @ work.ws.dZ[3], work.ws, np.empty_like(work.ws.dZ[2])
    none = np.empty(0)
    work.given.network.activations[1].backward(dA, ws.Z[2], ws.A[2], none, dZ, none, ws.scratch[2])
    found = work.judged(work.from_dZ(2, dZ))
    assert (found.layer, found.mistake) == (2, "W of the layer above is already updated, W − η dW with η = 0.3")


def norm(work: Homework) -> float:
    return float(np.sqrt(sum(np.sum(array**2) for array in work.right.values())))


def test_a_clip_by_the_norm_of_the_whole_gradient_is_named_with_that_norm() -> None:
    work = squared()
    bound = float(f"{0.3 * norm(work):.0e}")
    found = work.judged({name: array * bound / norm(work) for name, array in work.right.items()})
    assert f"clipped by norm, with the norm of the whole gradient brought to {bound:.6g}" in found.mistake


@every_precision
def test_a_clip_by_value_is_named_with_that_value(dtype: str) -> None:
    work = squared(dtype)
    bound = float(np.quantile(np.abs(work.right["dW2"]), 0.7))
    found = work.judged(work.changed(dW2=np.clip(work.right["dW2"], -bound, bound)))
    assert found.mistake == f"dW is clipped by value, to ±{np.float64(np.dtype(dtype).type(bound)):.6g}"


def test_inputs_that_were_not_scaled_are_named_with_scale_and_shift() -> None:
    work = homework()
    scales, shifts = np.array([[2], [3], [0.5], [10]]), np.array([[1], [-2], [0.25], [4]])
    found = work.judged(work.changed(dW1=work.ws.dZ[1] @ (scales * work.ws.X + shifts).T))
    inputs = "2 x + 1, 3 x − 2, 0.5 x + 0.25, 10 x + 4"
    assert found.mistake == f"dW is of inputs that are not scaled, s x + t for x: {inputs}"


def test_two_mistakes_at_once_are_both_named() -> None:
    work = homework(sizes=(4, 5, 5, 3))
    rolled = {name: M * np.roll(work.right[name], 1, axis=0) for name in ("dW2", "db2")}
    assert work.judged(work.changed(**rolled)).mistake == (
        "its rows are rolled by 1, but without the division by the m examples (1/m): 7 times what it should be"
    )
    apart = work.judged(work.changed(dW2=decayed(work, 2, 0.1), db2=0 * work.right["db2"]))
    assert apart.mistake == "dW: λ W is added (weight decay, L2) with λ = 0.1; db is all zeros"
    assert apart.recognised


def test_labels_in_another_order_are_named_with_the_order() -> None:
    work = homework(sizes=(4, 8, 8, 3))
    order = np.array([3, 1, 6, 0, 2, 5, 4])
    dZ = (work.ws.A[3] - np.eye(3)[:, work.ws.Y[order]]) / M
    words = work.judged(work.from_dZ(3, dZ)).mistake
    assert words.startswith("dW: the targets are those of other examples")  # db is right, the sum over all
    named = [int(number) for number in words.split("those of ")[-1].split(", ")]
    np.testing.assert_array_equal(work.ws.Y[named], work.ws.Y[order])
