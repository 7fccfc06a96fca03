"""A name is given only where the numbers bear it out: not by chance, and not where the mistake cannot be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bpcli.checking.known_mistakes.diagnosis import UNRECOGNISED
from bpcli.nn import Array

from .test_known_mistakes import Homework, M, bias, homework, squared

Spoiled = Callable[[Array, np.random.Generator], Array]

GARBAGE: dict[str, Spoiled] = {
    "noise": lambda right, rng: right + rng.normal(0, np.abs(right).max(), right.shape),
    "a thousandth of noise": lambda right, rng: right * (1 + 1e-3 * rng.normal(0, 1, right.shape)),
    "a millionth of noise": lambda right, rng: right * (1 + 1e-6 * rng.normal(0, 1, right.shape)),
    "other numbers": lambda right, rng: rng.normal(0, 1, right.shape),
}


@pytest.mark.parametrize("seeds", [[0], pytest.param([1, 2, 3], marks=pytest.mark.slow)], ids=["one", "more"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("spoil", GARBAGE.values(), ids=GARBAGE)
def test_what_no_mistake_makes_gets_no_name(spoil: Spoiled, dtype: str, seeds: list[int]) -> None:
    rng = np.random.default_rng(0)
    for seed in seeds:
        work = homework(dtype, seed=seed)
        for names in (("dW3",), ("db3",), ("dW2", "db2"), ("dW1",)):
            found = work.judged(work.changed(**{name: spoil(work.right[name], rng) for name in names}))
            if found.layer:  # a millionth is nothing in float32
                assert (found.mistake, found.recognised) == (UNRECOGNISED, False)


def test_entries_of_dW_in_any_order_get_no_name() -> None:
    work = homework()
    shuffled = np.random.default_rng(0).permutation(work.right["dW2"].reshape(-1)).reshape(5, 5)
    assert work.judged(work.changed(dW2=shuffled)).mistake == UNRECOGNISED


@pytest.mark.parametrize("layer", [3, 2, 1])
@pytest.mark.parametrize("c", [1 + 3e-9, 1 + 1e-6, 1 - 1e-5])
def test_a_factor_close_to_1_is_printed_with_the_digits_that_tell_it_from_1(c: float, layer: int) -> None:
    work = squared()
    for name in (f"db{layer}", f"dW{layer}"):
        words = work.judged(work.changed(**{name: c * work.right[name]})).mistake
        assert words.startswith(f"{name[:2]} is right, but scaled by a constant: ")
        told = float(words.split(": ")[1].split()[0])
        assert abs(told - c) < 0.01 * abs(c - 1)


def test_a_mistake_in_the_inputs_is_no_name_for_db() -> None:
    work = squared()
    assert "layer below" not in bias(work, 2, (1 + 3e-9) * work.right["db2"]).mistake


def test_a_gradient_in_single_precision_stored_in_double_is_told_so() -> None:
    work = squared()
    stored = {name: array.astype(np.float32).astype(np.float64) for name, array in work.right.items()}
    assert work.judged(stored).mistake == "right, but in single precision (float32)"
    turned = stored | {"dW3": stored["dW3"].T}
    assert "dW is transposed" in work.judged(turned).mistake


def test_zeros_are_zeros_and_not_an_example_that_contributes_nothing() -> None:
    work = homework(hidden=("relu", "relu"))
    work.given.parameters.b[2].fill(-3)
    work = Homework(work.given)
    assert (~work.ws.dZ[2].any(axis=0)).any()
    found = work.judged(work.changed(dW2=0 * work.right["dW2"], db2=0 * work.right["db2"]))
    assert found.mistake == "it is all zeros"


def test_weights_of_as_many_examples_as_equations_explain_nothing() -> None:
    """One output unit: any error whatsoever is its dZ with other weights of the examples."""
    work = squared(sizes=(4, 5, 2, 1))
    given = work.from_dZ(3, np.random.default_rng(0).normal(0, 1, (1, M)))
    found = work.judged(given)
    assert (found.layer, found.mistake) == (3, UNRECOGNISED)


def test_weights_of_few_examples_are_found_where_other_numbers_are_not() -> None:
    work = homework(sizes=(4, 5, 5, 4))
    weights = np.array([1, 2, 0.5, 1, 1, 3, 1])
    found = work.judged(work.from_dZ(3, work.ws.dZ[3] * weights))
    assert found.mistake == "the examples are weighted, by 1, 2, 0.5, 1, 1, 3, 1"


def test_one_number_everywhere_is_a_sum_over_both_axes_only_if_it_is_that_sum() -> None:
    work = squared()
    total = np.full(3, work.ws.dZ[3].sum())
    assert bias(work, 3, total).mistake == "db is summed over both axes"
    assert bias(work, 3, 1.7 * total).mistake == UNRECOGNISED


TINY = [1e-13, 1e-15, 1e-16, 1e-30, 1e-300]


def test_a_tiny_multiple_of_the_gradient_is_a_multiple_and_no_sum_that_cancels() -> None:
    work = homework(hidden=("tanh",), sizes=(4, 8, 3))
    for c in TINY:
        words = f"right, but scaled by a constant: {c:g} times what it should be"
        assert work.judged({name: c * array for name, array in work.right.items()}).mistake == words
        for name in ("dW2", "db2", "dW1"):
            given = work.right | {name: c * work.right[name]}
            assert work.judged(given).mistake == f"{name[:2]} is {words}"
        turned = work.right | {"dW2": c * work.right["dW2"].T}
        assert work.judged(turned).mistake == words.replace("right,", "dW is transposed,")


def test_noise_at_the_level_of_rounding_is_practically_zero() -> None:
    work, rng = homework(hidden=("tanh",), sizes=(4, 8, 3)), np.random.default_rng(0)
    for size in TINY[2:]:
        noise = {name: size * rng.normal(0, 1, array.shape) for name, array in work.right.items()}
        zero = "is practically zero, smaller than rounding"
        assert work.judged(noise).mistake == f"it {zero}"
        for name in ("dW2", "db2", "dW1"):
            assert work.judged(work.right | {name: noise[name]}).mistake == f"{name[:2]} {zero}"


def test_terms_that_cancel_each_other_explain_nothing() -> None:
    """W − W is small, and so is anything that is made of nearly equal parts."""
    work, rng = homework(hidden=("tanh",), sizes=(4, 8, 3)), np.random.default_rng(0)
    for dtype, size in (("float64", 1e-13), ("float64", 1e-12), ("float32", 1e-6), ("float32", 1e-5)):
        noise = {name: (size * rng.normal(0, 1, a.shape)).astype(dtype) for name, a in work.right.items()}
        assert "λ" not in work.judged(noise).mistake
        assert "added" not in work.judged(work.right | {"dW2": noise["dW2"]}).mistake


def test_a_number_beside_zeros_is_a_multiple_of_any_other_beside_them() -> None:
    """Where all examples are of one class, −Y/A has one row that is not zero, and so has whatever is made of it."""
    work = homework(sizes=(3, 1, 3), hidden=("tanh",), m=3)
    work.ws.Y[...] = 1
    Z, Y = work.ws.Z[1], np.eye(3)[:, work.ws.Y]
    work.right = work.backward()
    dA = -Y / work.ws.A[2] / 3
    said = work.judged(work.changed(dW2=dA @ Z.T)).mistake
    assert "scaled by a constant" not in said


def test_a_sum_of_softmax_errors_over_both_axes_is_one_number_and_noise_is_none() -> None:
    """The sum is rounding alone, which few binary digits hold, as if it were of a coarse precision."""
    work, noise = homework(), 2.0**-54
    summed = work.judged(work.changed(db3=np.full(3, noise * 1.75)))
    assert summed.mistake == "db is summed over both axes"
    several = work.judged(work.changed(db3=noise * np.array([1.75, 1.25, -1.5])))
    assert several.mistake == "db is practically zero, smaller than rounding"
