"""The certified gradient: L and ∂L/∂θ in decimals, from the formulas that choices state.

Forward is computed in plain matrix products of decimals, which are exact or rounded far
below any float's last digit; backward by the chain rule over the stated formulas, so no
derivative that training uses takes part. There is no smallest probability and no 1 − a
that has rounded: log a and log(1 − a) come from the odds a/(1 − a). Everything is computed
twice, with different numbers of digits; what both agree on is certified. Of training's own
forward pass only the side of a kink is taken, and there its value, where rounding decided it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from bpcli.checking.decimals import Decimals, exact, out_of_range, precision, rounded
from bpcli.checking.rewriting import changed
from bpcli.errors import ConfigError
from bpcli.nn import Array
from bpcli.nn.activations import Activation
from bpcli.nn.activations.protocol import activation_statements
from bpcli.nn.expressions import (
    Expression,
    FormulaError,
    Function,
    LogarithmOfOnePlus,
    Number,
    Quotient,
    Slopes,
    Sum,
    Symbol,
    pull_back,
    symbol_names,
)
from bpcli.nn.formulas import parse
from bpcli.nn.gradient_check import Probe
from bpcli.nn.heads import Head
from bpcli.nn.layers import Layer
from bpcli.nn.losses.forms import loss_statements
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.penalties import Penalty
from bpcli.nn.workspace import Workspace

DIGITS = (80, 110)
"""The decimal digits of the two computations."""

MOST_FURTHER = 300
"""Further digits at most: a smaller a − y makes derivatives below any float64."""

CERTAIN = Decimal("1e-22")
"""The largest difference between the two, relative to an array's largest entry."""

SIDE = 1e5
"""Units in the last place by which a pre-activation's rounding may move it across a kink."""


AT_KINK = 16
"""Units in the last place within which a unit is at a kink."""


PER_PRODUCT, PER_PARAMETER = 0.15e-6, 1.5e-6
"""Seconds, about: of a product of decimals and its sum, of which a pass has three for a parameter and an example, and
of what is done once for a parameter."""


@dataclass(frozen=True)
class Reference:
    """L, and ∂L/∂θ as decimals, (P,), at ``theta``; ``certain`` says of which entries, (P,).

    ``A``, ``dZ`` and ``dA`` are the sizes of A_0 … A_{L-1}, dZ_1 … dZ_L and dA_1 … dA_L on the way there, as floats;
    ``own`` those of the terms of ∂L/∂own_1 …, (k, n_l, m) where a layer's activation owns k numbers.
    """

    theta: Array
    loss: Decimal
    gradient: Array
    certain: Array
    A: list[Array]
    dZ: list[Array]  # noqa: N815 - ∂L/∂Z, as everywhere
    dA: list[Array]  # noqa: N815
    own: list[Array]

    def error(self, given: Array) -> Array:
        """given − ∂L/∂θ, (P,), as floats."""
        with precision(DIGITS[0]):
            return rounded(exact(given) - self.gradient)


def seconds_of_reference(network: Network, m: int) -> float:
    """About how long :func:`certify` takes for m examples."""
    return (PER_PRODUCT * 3 * m + PER_PARAMETER) * len(DIGITS) * network.layout.count


def certify(probe: Probe, theta: Array, shares: Sequence[float] = ()) -> Reference:
    """The reference at θ, (P,), on the probe's batch.

    A unit that rounding in θ's precision moves across a kink is on the side on which forward has it. Of a unit at
    a kink the left derivative is taken; ``shares`` says layer by layer how much of the right one instead, 0 to 1.
    """
    probe(theta)
    ws = probe.workspace(theta.dtype)
    more = _further_digits(probe, ws)
    done, again = (_compute(probe, theta, ws, digits + more, shares) for digits in DIGITS)
    certain = np.zeros(theta.size, bool)
    sizes = done.A, done.dZ, done.dA, done.own
    reference = Reference(theta.astype(np.float64), done.loss, done.gradient, certain, *sizes)
    if done.out_of_range:
        return reference
    first, second = done.gradient, again.gradient
    arrays = (probe.network.parameters(of).named() for of in (first, second, certain))
    for one, other, flags in zip(*(named.values() for named in arrays), strict=True):
        agreed, is_zero = _agreement(one, other)
        flags[...] = agreed
        one[...] = 0 * one if is_zero else one
    return reference


def _further_digits(probe: Probe, ws: Workspace) -> int:
    """Digits that a − y needs besides, where outputs are saturated and the loss does not take them as logarithms."""
    head = probe.network.head
    stated = activation_statements(head.activation)
    if not (stated.odds or stated.stable_formula) or substituted_logarithms(_parsed(head.loss.term)) is not None:
        return 0
    largest = float(np.nan_to_num(np.abs(ws.Z[-1]).max(initial=0.0), posinf=np.inf))
    return min(MOST_FURTHER, int(min(largest, 1e6) * 2 / np.log(10)))


def _agreement(one: Array, other: Array) -> tuple[bool, bool]:
    """Whether two computations of an array agree, and whether it is 0: what shrinks with its last digit is rounding."""
    with precision(DIGITS[1]):
        sizes = [Decimal(max(map(abs, array.reshape(-1)))) for array in (one, other)]
        largest = sizes[1]
        if not largest.is_finite() or not sizes[0].is_finite():
            return False, False
        noise = sizes[0].scaleb(DIGITS[0] - DIGITS[1] + 8)
        if largest <= noise:
            return True, True
        return bool(max(map(abs, (one - other).reshape(-1))) <= CERTAIN * largest), False


def at_kinks(probe: Probe, theta: Array) -> list[Array]:
    """Which units are at a kink of their activation, as closely as float64 can tell: (n_l, m) truth values by layer."""
    probe(theta)
    ws, parameters = probe.workspace(theta.dtype), probe.network.parameters(theta)
    found = []
    for l, activation in enumerate(probe.network.activations, start=1):
        near = AT_KINK * _last_places(ws, parameters.W[l], parameters.b[l], l)
        at = [np.abs(ws.Z[l] - kink) <= near for kink in activation.kinks]
        found.append(np.logical_or.reduce(at) if at else np.zeros(ws.Z[l].shape, bool))
    return found


@dataclass(frozen=True)
class _LayerSlopes:
    """dZ and dA of a layer, (n_l, m), and the terms of ∂L/∂own, (k, n_l, m), of the k numbers that f_l owns."""

    dZ: Array  # noqa: N815 - ∂L/∂Z, as everywhere
    dA: Array  # noqa: N815
    own: Array


@dataclass(frozen=True)
class _Pass:
    """L, ∂L/∂θ, the sizes that a :class:`Reference` has, and whether a number left the range of decimals."""

    loss: Decimal
    gradient: Array
    A: list[Array]
    dZ: list[Array]  # noqa: N815 - ∂L/∂Z, as everywhere
    dA: list[Array]  # noqa: N815
    own: list[Array]
    out_of_range: bool


def _compute(probe: Probe, theta: Array, ws: Workspace, digits: int, shares: Sequence[float]) -> _Pass:
    """Forward and backward in decimals of so many digits."""
    network = probe.network
    kinked = at_kinks(probe, theta) if shares else []
    with precision(digits) as context:
        parameters, gradient = network.parameters(exact(theta)), network.parameters(exact(np.zeros(theta.size)))
        A, backs = [exact(ws.X)], []
        for l, layer in enumerate(network.layers, start=1):
            Z = parameters.W[l].dot(A[l - 1]) + parameters.b[l]
            own, noise = parameters.own[l], ws.noise[l]
            value, back = _activate(layer, _on_side(layer.activation, Z, ws, parameters, l), own, noise)
            A.append(value)
            if shares:
                back = _mixed(layer, Z, own, back, shares[l - 1], kinked[l - 1], noise)
            backs.append(back)
        of_layers: list[_LayerSlopes] = []
        loss, slopes = _output(network.head, Z, A[-1], backs[-1], ws)
        for l in range(len(network.layers), 0, -1):
            of_layers.append(slopes)
            dZ = slopes.dZ
            gradient.W[l][...], gradient.b[l][...] = dZ.dot(A[l - 1].T), dZ.sum(axis=1, keepdims=True)
            gradient.own[l][...] = slopes.own.sum(axis=(1, 2))
            if l > 1:
                slopes = backs[l - 2](parameters.W[l].T.dot(dZ))
        loss += sum((_penalise(penalty, parameters, gradient, probe) for penalty in probe.penalties), Decimal(0))
        of_layers.reverse()
        return _Pass(
            loss,
            gradient.theta,
            _sizes(A[:-1]),
            dZ=_sizes(one.dZ for one in of_layers),
            dA=_sizes(one.dA for one in of_layers),
            own=_sizes(one.own for one in of_layers),
            out_of_range=out_of_range(context),
        )


def _sizes(arrays: Iterable[Array]) -> list[Array]:
    """Absolute values as floats."""
    return [np.abs(rounded(array)) for array in arrays]


def _activate(layer: Layer, Z: Array, own: Array, noise: Array | None) -> tuple[Array, Any]:
    """A of a layer, and the function from dA to what it gives; ``own``, (k,), is what the layer's activation owns."""
    activation = layer.activation
    extra = {} if noise is None else {"noise": exact(noise)}
    Z, before = _pull(layer.before, layer, z=Z, **extra)
    formula = activation_statements(activation).stable_formula or activation.formula
    everywhere = {name: np.full(Z.shape, value) for name, value in zip(activation.owned, own, strict=True)}
    of_units, through = _pull(formula, activation, z=Z, **everywhere)
    value, after = _pull(layer.after, layer, a=of_units, **extra)

    def back(dA: Array) -> _LayerSlopes:
        slopes = through(after(dA)["a"])
        terms = np.array([slopes[name] for name in everywhere], object).reshape(-1, *Z.shape)
        return _LayerSlopes(before(slopes["z"])["z"], dA, terms)

    return value, back


def _mixed(layer: Layer, Z: Array, own: Array, left: Any, share: float, kinked: Array, noise: Array | None) -> Any:
    """The same function with a share of the right derivative in dZ where units are at a kink."""
    kinks = np.array([Decimal(kink) for kink in layer.activation.kinks])
    if not share or not kinked.any():
        return left
    nearest = kinks[np.argmin(np.abs(rounded(Z)[..., None] - rounded(kinks)), axis=-1)]
    beyond = nearest + Decimal(10) ** (-2 * DIGITS[1])
    _, right = _activate(layer, np.where(kinked, beyond, Z), own, noise)
    part = Decimal(share)

    def back(dA: Array) -> _LayerSlopes:
        slopes: _LayerSlopes = left(dA)
        dZ = slopes.dZ
        return replace(slopes, dZ=np.where(kinked, (1 - part) * dZ + part * right(dA).dZ, dZ))

    return back


def _on_side(activation: Activation, Z: Array, ws: Workspace, parameters: Parameters, l: int) -> Array:
    """Z, with forward's own where rounding has moved it across a kink."""
    own = ws.Z[l]
    across = np.zeros(own.shape, bool)
    for kink in activation.kinks:
        across |= (own > kink) != (kink < Z).astype(bool)
    if not across.any():
        return Z
    reach = SIDE * _last_places(ws, rounded(parameters.W[l]), rounded(parameters.b[l]), l)
    across &= np.abs(rounded(Z - exact(own))) <= reach
    return np.where(across, exact(own), Z)


def _last_places(ws: Workspace, W: Array, b: Array, l: int) -> Array:
    """The last place of the terms that make up each pre-activation of a layer, (n_l, m)."""
    kind = np.finfo(ws.Z[l].dtype)
    return np.asarray(float(kind.eps) * (np.abs(W) @ np.abs(ws.A[l - 1]) + np.abs(b)) + float(kind.tiny))


def _output(head: Head, Z: Array, A: Array, back: Any, ws: Workspace) -> tuple[Decimal, _LayerSlopes]:
    """L without penalties, and the slopes of the output layer, which ``back`` makes of its dA.

    Where the loss takes nothing of a but log a and log(1 − a), they come from the stated odds a/(1 − a).
    """
    loss, n, m = head.loss, *A.shape
    Y = exact(np.eye(n)[:, ws.Y] if ws.Y.ndim == 1 else ws.Y)
    weights = exact(np.ones(m) if ws.weights is None else ws.weights)
    divisor = (n if loss.outputs == "mean" else 1) * (weights.sum() or 1 if loss.examples == "mean" else 1)
    share = np.broadcast_to(weights * ((-1 if loss.likelihood else 1) / Decimal(divisor)), A.shape)
    if loss.sides is not None:
        differs = loss.sides(A, Y).astype(bool) != loss.sides(ws.A[-1], rounded(Y))
        A = np.where(differs, exact(ws.A[-1]), A)
    stated_odds = "" if head.activation.owned else activation_statements(head.activation).odds
    of_outputs = loss_statements(loss).of_outputs(n)
    given = {"y": Y} | {name: exact(np.asarray(value))[()] for name, value in of_outputs.items()}
    of_odds = substituted_logarithms(_parsed(loss.term)) if stated_odds else None
    if of_odds is None:
        terms, slopes = _pull(loss.term, loss, **given, a=A)
        return Decimal((terms * share).sum()), back(slopes(share)["a"])
    odds, through = _pull(stated_odds, head.activation, z=Z)
    terms, slopes = _pulled(of_odds, loss, **given, odds=odds)
    dZ = through(slopes(share)["odds"])["z"]
    return Decimal((terms * share).sum()), _LayerSlopes(dZ, 0 * dZ, np.empty((0, *Z.shape), object))


def substituted_logarithms(term: Expression) -> Expression | None:
    """A term with odds in place of a, where it takes the logarithm of a or of 1 − a, else None.

    log a = −log(1 + 1/odds), log(1 − a) = −log(1 + odds), a = 1/(1 + 1/odds), 1 − a = 1/(1 + odds).
    """
    a, odds, one = Symbol("a"), Symbol("odds"), Number("1")
    against, rest = Quotient(one, odds), Sum(((1, one), (-1, a)))
    logarithms: dict[Expression, Expression] = {
        Function(name, argument): Sum(((-1, LogarithmOfOnePlus(ratio)),))
        for name in (r"\log", r"\ln")
        for argument, ratio in ((a, against), (rest, odds))
    }
    without = changed(term, lambda node: logarithms.get(node, node))
    if without == term:
        return None
    without = changed(without, lambda node: Quotient(one, Sum(((1, one), (1, odds)))) if node == rest else node)
    return changed(without, lambda node: Quotient(one, Sum(((1, one), (1, against)))) if node == a else node)


def _penalise(penalty: Penalty, parameters: Parameters, gradient: Parameters, probe: Probe) -> Decimal:
    """Add a penalty's derivative to each dW; return its value. At a kink it is the mean of those on both sides."""
    total, weight = Decimal(0), exact(np.asarray(float(probe.weight)))[()]

    def slope(W: Array) -> Array:
        _, back = _pull(penalty.term, penalty, w=W, weight=weight)
        return np.asarray(back(np.full(W.shape, Decimal(1)))["w"])

    for W, dW in zip(parameters.W[1:], gradient.W[1:], strict=True):
        terms, _ = _pull(penalty.term, penalty, w=W, weight=weight)
        total += terms.sum()
        of_terms = slope(W)
        for kink in penalty.kinks:
            at, beside = np.asarray(Decimal(kink) == W, bool), Decimal(10) ** (-2 * DIGITS[1])
            if at.any():
                of_terms = np.where(at, (slope(W - beside) + slope(W + beside)) / 2, of_terms)
        dW[...] = dW + of_terms
    return total


def _pull(formula: str, choice: Any, **symbols: Any) -> tuple[Array, Any]:
    """The formula's value, and the function from its adjoint to those of its symbols, 0 where it has none."""
    return _pulled(_exact(formula), choice, **symbols)


def _pulled(expression: Expression, choice: Any, **symbols: Any) -> tuple[Array, Any]:
    """The same of an expression."""
    names = [name for name in symbol_names(expression) - symbols.keys() if hasattr(choice, name)]
    settings = {name: Decimal(getattr(choice, name)) for name in names}
    try:
        value, back = pull_back(expression, settings | symbols, Decimals())
    except FormulaError as error:
        raise ConfigError(
            f"the formula of {type(choice).__name__} cannot be evaluated: {error}",
            where="gradient check",
            hint="state it with the functions that CONTRIBUTING.md lists",
        ) from error

    def slopes(adjoint: Array) -> Slopes:
        return {name: 0 * one for name, one in symbols.items()} | back(adjoint)

    return value, slopes


@cache
def _parsed(formula: str) -> Expression:
    return parse(formula)


@cache
def _exact(formula: str) -> Expression:
    """The formula, in which log(1 + u) keeps the digits of a small u."""
    return changed(_parsed(formula), _with_log1p)


def _with_log1p(node: Expression) -> Expression:
    """log(1 + u) as a function of u."""
    match node:
        case Function(name=r"\log" | r"\ln", argument=Sum(terms=((1, Number(text="1")), (sign, term)))):
            return LogarithmOfOnePlus(term if sign > 0 else Sum(((-1, term),)))
    return node
