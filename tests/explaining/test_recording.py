"""Recorded numbers: read from the tape, formulas give what they give on floats, with their slopes."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.explaining.recording.formulas import recorded
from bpcli.explaining.recording.tape import FUNCTIONS, OPERANDS, OPERATIONS, Recorded, Tape
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.expressions import Floats, FormulaError
from bpcli.nn.workspace import layer_scratch
from tests.explaining import tapes

Z = np.array([[-2.5, -0.7, 0.4], [0.3, 1.9, -1.2]])
"""No kink among them."""


def places(numbers: Array) -> Array:
    return np.array([number.place for number in numbers.reshape(-1)]).reshape(numbers.shape)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activations_formula_on_the_tape_gives_its_numbers_and_slopes(name: str) -> None:
    activation, tape, dA = ACTIVATIONS[name](), Tape(), np.cos(Z)
    own = np.array(list(activation.owned.values()))
    owned = {key: tape.array(np.full(Z.shape, value)) for key, value in activation.owned.items()}
    value, back = recorded(activation.formula, activation, tape, z=tape.inputs(0, Z.shape), **owned)
    slope = back(tape.array(dA))["z"]
    found = tapes.read(tape, Z.reshape(-1).tolist(), [places(value), places(slope)])
    A, dZ = np.empty_like(Z), np.empty_like(Z)
    activation.forward(Z, own, A, layer_scratch(2, 3, np.float64))
    activation.backward(dA, Z, A, own, dZ, np.empty_like(own), layer_scratch(2, 3, np.float64))
    for one, right in zip(found, (A, dZ), strict=True):
        np.testing.assert_allclose(one, right, rtol=0, atol=2e-15 * np.abs(right).max() + 1e-15)


def test_what_changes_nothing_is_not_recorded() -> None:
    tape = Tape()
    x = tape.inputs(0, (1,))[0]
    same = [x + 0, 0 + x, x - 0, x * 1, 1 * x, x / 1, x**1]
    assert {one.place for one in same} == {x.place}
    assert [one.value for one in (x * 0, 0 * x, x**0, tape.constant(2) * 3, 2 ** tape.constant(3))] == [0, 0, 1, 6, 8]
    assert (x**2).place == (x * x).place
    assert len([name for name, *_ in tape.operations if name not in ("input", "constant")]) == 1


def test_the_same_operation_is_recorded_once() -> None:
    tape = Tape()
    x, y = tape.inputs(0, (2,))
    assert (x + y).place == (x + y).place != (y + x).place


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(FormulaError, match="arcsin"):
        Tape().inputs(0, (1,))[0].apply(r"\arcsin")


def test_every_function_that_floats_have_is_recorded_or_made_of_others() -> None:
    assert set(Floats.FUNCTIONS) - {"|"} == set(FUNCTIONS)
    assert set(FUNCTIONS.values()) | set(OPERANDS) <= set(OPERATIONS)
    assert set(tapes.OPERATIONS) == set(OPERATIONS) - {"constant", "input", "slot", "borrowed"}


def test_a_constant_is_equal_to_its_number_and_another_number_to_itself_alone() -> None:
    tape = Tape()
    x, y = tape.inputs(0, (2,))
    assert tape.constant(2) == 2
    assert x == x + 0
    assert x not in (y, 0)
    assert isinstance(hash(x), int)
    assert isinstance(2 / x, Recorded)
