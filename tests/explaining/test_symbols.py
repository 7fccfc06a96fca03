"""The formulas that a choice states agree with the numbers that it computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array, optimizers
from bpcli.nn.activations import Activation, first_values
from bpcli.nn.expressions import Floats
from bpcli.nn.expressions import evaluate as value_of
from bpcli.nn.formulas import parse
from bpcli.nn.losses import LOSSES, Loss, in_symbols
from bpcli.nn.markup import NEW_THETA, filled
from bpcli.nn.optimizers import OPTIMIZERS, Optimizer
from bpcli.nn.workspace import layer_scratch
from tests.explaining.new_choices import NEW_ACTIVATIONS, NEW_LOSSES, NEW_OPTIMIZERS, ScaledArctan
from tests.nn import support
from tests.nn.support import STEP_RULES

N, M = 3, 5

ACTIVATIONS: dict[str, Activation] = {
    **support.activations(),
    **{name: kind() for name, kind in NEW_ACTIVATIONS.items()},
    "scaled_arctan 1e-6": ScaledArctan(1e-6),
}
ELEMENTWISE = [name for name, activation in ACTIVATIONS.items() if activation.elementwise]
ALL_LOSSES: dict[str, Loss] = {name: kind() for name, kind in {**LOSSES, **NEW_LOSSES}.items()} | {
    name: loss for name, (_, loss) in support.SETTINGS.items() if loss.elementwise
}
FIRST_ORDER = {name: OPTIMIZERS[name] for name in STEP_RULES}
WRITTEN: dict[str, Optimizer] = {name: kind() for name, kind in {**FIRST_ORDER, **NEW_OPTIMIZERS}.items()}


def evaluate(markup: str, values: Mapping[str, Any]) -> Any:
    return value_of(parse(markup), values, Floats())


def forward(activation: Activation, Z: Array) -> Array:
    out = np.empty_like(Z)
    activation.forward(Z, first_values(activation, Z.dtype), out, layer_scratch(Z.shape[0], Z.shape[1], Z.dtype))
    return out


def backward(activation: Activation, dA: Array, Z: Array) -> Array:
    out = np.empty_like(Z)
    own, scratch = first_values(activation, Z.dtype), layer_scratch(Z.shape[0], Z.shape[1], Z.dtype)
    activation.backward(dA, Z, forward(activation, Z), own, out, np.empty_like(own), scratch)
    return out


def own_symbols(activation: Activation) -> tuple[dict[str, str], dict[str, float]]:
    """A symbol for each number that an activation owns, and their first values."""
    letters = {name: f"o_{k}" for k, name in enumerate(activation.owned)}
    return letters, {letters[name]: value for name, value in activation.owned.items()}


def pre_activations() -> Array:
    """Random, with a kink's 0 among them."""
    Z = np.random.default_rng(2).normal(0, 2, (N, M))
    Z[0, 0] = 0
    return Z


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_activations_formula_is_its_forward(name: str) -> None:
    activation, Z = ACTIVATIONS[name], pre_activations()
    letters, owned = own_symbols(activation)
    value = evaluate(filled(activation.formula, activation, z="z", **letters), {"z": Z, **owned})
    np.testing.assert_allclose(np.broadcast_to(value, Z.shape), forward(activation, Z), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_activations_derivative_is_its_backward(name: str) -> None:
    activation, Z = ACTIVATIONS[name], pre_activations()
    dA = np.random.default_rng(3).normal(0, 1, Z.shape)
    letters, owned = own_symbols(activation)
    values = {"z": Z, "a": forward(activation, Z), **owned}
    slope = evaluate(filled(activation.derivative, activation, z="z", a="a", **letters), values)
    np.testing.assert_allclose(slope * dA, backward(activation, dA, Z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_elementwise_where_no_unit_depends_on_another(name: str) -> None:
    activation, Z = ACTIVATIONS[name], pre_activations()
    dA = np.zeros_like(Z)
    dA[1] = 1
    others = np.delete(backward(activation, dA, Z), 1, axis=0)
    assert activation.elementwise == (not others.any())


def outputs_and_targets(loss: Loss) -> tuple[Array, Array, Array]:
    """A, Y as the loss takes it, and Y as numbers for each output."""
    rng = np.random.default_rng(4)
    low, high = np.clip(loss.domain, -3, 3)
    A, Y = rng.uniform(low, high, (N, M)), support.targets(loss, N, M, rng)
    if not loss.targets.class_indices:
        Y = np.clip(Y, loss.targets.low, loss.targets.high)
    return A, Y, np.eye(N)[:, Y] if loss.targets.class_indices else Y


@pytest.mark.parametrize("name", ALL_LOSSES)
def test_a_losss_terms_add_up_to_it(name: str) -> None:
    loss = ALL_LOSSES[name]
    A, Y, y = outputs_and_targets(loss)
    terms = evaluate(in_symbols(loss.term, loss, N, y="y", a="a"), {"y": y, "a": A})
    sign = -1 if loss.likelihood else 1
    assert loss.elementwise
    found = np.empty(M)
    loss.terms(A, Y, found, support.output_scratch(A))
    np.testing.assert_allclose(sign * terms.sum(axis=0), found, rtol=1e-13)


@pytest.mark.parametrize("name", ALL_LOSSES)
def test_a_losss_derivative_is_its_backward(name: str) -> None:
    loss = ALL_LOSSES[name]
    A, Y, y = outputs_and_targets(loss)
    out = np.empty_like(A)
    loss.backward(A, Y, 0.25, out, support.output_scratch(A))
    slope = evaluate(in_symbols(loss.term_derivative, loss, N, y="y", a="a"), {"y": y, "a": A})
    sign = -1 if loss.likelihood else 1
    np.testing.assert_allclose(sign * 0.25 * slope, out, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ALL_LOSSES)
def test_a_term_follows_a_sum_or_a_sign(name: str) -> None:
    loss = ALL_LOSSES[name]
    A, _, y = outputs_and_targets(loss)
    term, values = in_symbols(loss.term, loss, N, y="y", a="a"), {"y": y, "a": A}
    np.testing.assert_allclose(evaluate(f"1 - {term}", values), 1 - evaluate(term, values), rtol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", WRITTEN)
def test_a_rules_equations_are_its_step(name: str, sign: int) -> None:
    rule: Any = WRITTEN[name]
    rng = np.random.default_rng(5)
    theta = rng.normal(0, 1, 6)
    state = optimizers.start(rule, theta)
    plus, minus = ("+", "-") if sign == 1 else ("-", "+")
    for step in (1, 2, 3):
        dtheta = rng.normal(0, 1, 6)
        arrays = {**state.memory, NEW_THETA: theta}
        names = {"theta": "w", "gradient": "g", "plus": plus, "minus": minus, "step": str(step)}
        names["sign"] = "-" * (sign == -1)
        names["weight_term"] = filled(getattr(rule, "weight_term", ""), rule, **names)
        symbols = {line.name: filled(line.symbol, rule, **names) for line in rule.equations}
        values: dict[str, Any] = {symbols[name]: array.copy() for name, array in arrays.items()}
        values |= {symbol: getattr(rule, setting) for symbol, setting in getattr(rule, "symbols", {}).items()}
        values[r"\eta"] = rule.learning_rate
        values["g"] = sign * dtheta
        gradient: Any = lambda at, out, factor, g=dtheta: np.copyto(out, factor * g)  # noqa: E731
        optimizers.update(rule, theta, state, gradient, rule.learning_rate)
        for line in rule.equations:
            values[symbols[line.name]] = evaluate(filled(line.formula, rule, **names), values)
            if line.name not in arrays:
                continue
            np.testing.assert_allclose(values[symbols[line.name]], arrays[line.name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_rules_equations_are_of_its_memory_and_end_with_theta(name: str) -> None:
    rule: Any = WRITTEN[name]
    names = [line.name for line in rule.equations]
    assert names[-1] == NEW_THETA
    assert set(names[:-1]) >= set(rule.memory(4))
    assert len(set(names)) == len(names)


def test_a_wrong_formula_is_noticed() -> None:
    activation, Z = ACTIVATIONS["sigmoid"], pre_activations()
    values = {"z": Z, "a": forward(activation, Z)}
    slope = backward(activation, np.ones_like(Z), Z)
    for wrong in (r"<a> \odot (1 + <a>)", "<a> (1 - <z>)", "1 - <a>", r"1.001 \cdot <a> (1 - <a>)"):
        stated = evaluate(filled(wrong, activation, z="z", a="a"), values)
        assert not np.allclose(stated, slope, rtol=1e-12)


@pytest.mark.parametrize("markup", ["a + ", "(a", r"\gamma a", "a b", r"\frac{a}", "a) + 1"])
def test_markup_that_cannot_be_read_is_refused(markup: str) -> None:
    with pytest.raises(ValueError, match=r"expected|left over|no value"):
        evaluate(markup, {"a": 1.0})
