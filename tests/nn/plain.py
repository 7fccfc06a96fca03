"""A network's loss and gradient once more: number by number, in plain loops, with so many digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

from bpcli.nn import Array
from bpcli.nn.activations import Activation
from bpcli.nn.gradient_check import Probe
from bpcli.nn.parameters import Parameters


def logistic(x: Any) -> Any:
    """σ(x)."""
    return 1 / (1 + mpmath.exp(-x))


def softened(x: Any) -> Any:
    """tanh(log(1 + e^x)), and by its own small numbers where it is small."""
    e = mpmath.exp(x)
    return (e * e + 2 * e) / (e * e + 2 * e + 2)


def cubic(x: Any) -> tuple[Any, Any]:
    """Twice the argument of gelu's tanh, and its slope."""
    c = 2 * mpmath.sqrt(2 / mpmath.pi)
    return c * (x + mpmath.mpf("0.044715") * x**3), c * (1 + 3 * mpmath.mpf("0.044715") * x**2)


def by_tanh(x: Any) -> tuple[Any, Any]:
    """gelu by tanh: ½ x (1 + tanh u) = x σ(2u)."""
    w, slope = cubic(x)
    return x * logistic(w), logistic(w) + x * slope * logistic(w) * logistic(-w)


def normal(x: Any) -> tuple[Any, Any]:
    """gelu by the error function."""
    below = mpmath.erfc(-x / mpmath.sqrt(2)) / 2
    return x * below, below + x * mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


def below_zero(x: Any, scale: Any, alpha: Any) -> tuple[Any, Any]:
    """elu and selu."""
    return (scale * x, scale) if x > 0 else (scale * alpha * mpmath.expm1(x), scale * alpha * mpmath.exp(x))


SELU = mpmath.mpf(1.0507009873554804934193349852946), mpmath.mpf(1.6732632423543772848170429916717)
"""λ and α: bp's function is that of the floats nearest to the paper's constants, whatever the digits."""


def between(x: Any, low: int, high: int, value: tuple[Any, Any], above: tuple[Any, Any]) -> tuple[Any, Any]:
    """``value`` from ``low``, where 0 ends, to ``high``, then ``above``."""
    return (mpmath.mpf(0), mpmath.mpf(0)) if x <= low else value if x <= high else above


def unit(f: Activation, x: Any, own: Any = ()) -> tuple[Any, Any]:
    """f(x) and f′(x) of an elementwise activation; ``own`` is what it owns."""
    one, third = mpmath.mpf(1), (x + 3) / 6
    found: dict[str, Callable[[], tuple[Any, Any]]] = {
        "Identity": lambda: (x, one),
        "ExponentialOutput": lambda: (mpmath.exp(x), mpmath.exp(x)),
        "Sigmoid": lambda: (logistic(x), logistic(x) * logistic(-x)),
        "Tanh": lambda: (mpmath.tanh(x), mpmath.sech(x) ** 2),
        "Softsign": lambda: (x / (1 + abs(x)), 1 / (1 + abs(x)) ** 2),
        "HardTanh": lambda: (max(-one, min(x, one)), one if -1 < x <= 1 else 0 * one),
        "HardSigmoid": lambda: between(x, -3, 3, (third, one / 6), (one, 0 * one)),
        "HardSwish": lambda: between(x, -3, 3, (x * third, (2 * x + 3) / 6), (x, one)),
        "Relu": lambda: (max(x, 0 * one), one if x > 0 else 0 * one),
        "Relu6": lambda: between(x, 0, 6, (x, one), (6 * one, 0 * one)),
        "LeakyRelu": lambda: (x, one) if x > 0 else (mpmath.mpf(f.slope) * x, mpmath.mpf(f.slope)),  # type: ignore[attr-defined]
        "PRelu": lambda: (x, one) if x > 0 else (mpmath.mpf(own[0]) * x, mpmath.mpf(own[0])),
        "Elu": lambda: below_zero(x, one, mpmath.mpf(f.alpha)),  # type: ignore[attr-defined]
        "Selu": lambda: below_zero(x, *SELU),
        "Softplus": lambda: (mpmath.log1p(mpmath.exp(x)), logistic(x)),
        "Silu": lambda: (x * logistic(x), logistic(x) * (1 + x * logistic(-x))),
        "Mish": lambda: (x * softened(x), softened(x) + x * logistic(x) * (1 - softened(x) ** 2)),
        "Gelu": lambda: normal(x) if f.approximate == "none" else by_tanh(x),  # type: ignore[attr-defined]
    }
    return found[type(f).__name__]()


def activated(f: Activation, z: list[Any], own: Any = ()) -> tuple[list[Any], list[list[Any]]]:
    """A and J of one example."""
    units = range(len(z))
    if not f.elementwise:
        powers = [mpmath.exp(one - max(z)) for one in z]
        a = [power / mpmath.fsum(powers) for power in powers]
        return a, [[a[i] * ((i == k) - a[k]) for k in units] for i in units]
    each = [unit(f, one, own) for one in z]
    return [value for value, _ in each], [[each[i][1] if i == k else mpmath.mpf(0) for k in units] for i in units]


Two = tuple[Any, Any]


def huber(a: Any, y: Any) -> Two:
    """With δ = 1."""
    d = a - y
    return (d**2 / 2, d) if abs(d) <= 1 else (abs(d) - mpmath.mpf(1) / 2, mpmath.sign(d))


def focal(a: Any, y: Any) -> Two:
    """With γ = 2 and α = ¼; a part whose weight is 0 is 0."""
    q = 1 - a
    yes = (-(q**2) * mpmath.log(a), 2 * q * mpmath.log(a) - q**2 / a) if y else (0, 0)
    no = (-(a**2) * mpmath.log(q), a**2 / q - 2 * a * mpmath.log(q)) if y != 1 else (0, 0)
    return tuple((y * one + 3 * (1 - y) * other) / 4 for one, other in zip(yes, no, strict=True))


FORMULAS: dict[str, Callable[[Any, Any], Two]] = {
    "HalfSquaredError": lambda a, y: ((a - y) ** 2 / 2, a - y),
    "AbsoluteError": lambda a, y: (abs(a - y), 1 if a > y else -1),
    "Huber": huber,
    "LogCosh": lambda a, y: (mpmath.log(mpmath.cosh(a - y)), mpmath.tanh(a - y)),
    "Quantile": lambda a, y: (abs(a - y) / 2, mpmath.mpf(1 if a > y else -1) / 2),
    "Poisson": lambda a, y: (a - y + (y * mpmath.log(y / a) if y else 0), 1 - y / a),
    "Gamma": lambda a, y: (y / a - 1 - mpmath.log(y / a), 1 / a - y / a**2),
    "Hinge": lambda a, y: (1 - y * a, -y) if y * a < 1 else (0, 0),
    "SquaredHinge": lambda a, y: ((1 - y * a) ** 2, -2 * y * (1 - y * a)) if y * a < 1 else (0, 0),
    "Focal": focal,
    "CategoricalFocal": lambda a, y: tuple(4 * one for one in focal(a, 1)) if y else (0, 0),
    "KullbackLeibler": lambda a, y: (y * mpmath.log(y / a), -y / a) if y else (0, 0),
}
"""One output's term and its derivative by a, of the losses but the two cross-entropies."""


def term(name: str, a: Any, y: Any) -> Two:
    """One output's term of the loss and its derivative by a."""
    if name in FORMULAS:
        return FORMULAS[name](a, y)
    yes = (-y * mpmath.log(a), -y / a) if y else (0, 0)
    no = (-(1 - y) * mpmath.log(1 - a), (1 - y) / (1 - a)) if y != 1 and name == "BinaryCrossEntropy" else (0, 0)
    return yes[0] + no[0], yes[1] + no[1]


def backpropagated(probe: Probe, theta: Array, digits: int) -> tuple[Any, dict[str, list[list[Any]]]]:
    """The loss of a batch, and dW1, db1, … as rows, dslope1 too where a layer learns its slope."""
    with mpmath.workdps(digits):
        network, loss = probe.network, probe.network.head.loss
        given = Parameters(network.layout, theta)
        W = [[[mpmath.mpf(float(w)) for w in row] for row in matrix] for matrix in given.W[1:]]
        b = [[mpmath.mpf(float(row[0])) for row in column] for column in given.b[1:]]
        n, m, layers = network.sizes[-1], probe.X.shape[1], range(len(W))
        dW = [[[mpmath.mpf(0)] * len(row) for row in matrix] for matrix in W]
        db = [[[mpmath.mpf(0)] for _ in column] for column in b]
        dslope = {f"dslope{l + 1}": [[mpmath.mpf(0)]] for l in layers if given.own[l + 1].size}
        divisor = (n if loss.outputs == "mean" else 1) * (m if loss.examples == "mean" else 1)
        total = mpmath.mpf(0)
        for j in range(m):
            a, J, Z = [[mpmath.mpf(float(x)) for x in probe.X[:, j]]], [], []
            for l, activation in enumerate(network.activations):
                z = [mpmath.fdot(row, a[-1]) + bias for row, bias in zip(W[l], b[l], strict=True)]
                value, jacobian = activated(activation, z, [float(one) for one in given.own[l + 1]])
                a.append(value)
                J.append(jacobian)
                Z.append(z)
            y = probe.Y[:, j] if probe.Y.ndim == 2 else [float(k == probe.Y[j]) for k in range(n)]
            terms = [term(type(loss).__name__, out, mpmath.mpf(float(one))) for out, one in zip(a[-1], y, strict=True)]
            total += mpmath.fsum(one for one, _ in terms)
            dA = [slope for _, slope in terms]
            for l in reversed(layers):
                if f"dslope{l + 1}" in dslope:
                    dslope[f"dslope{l + 1}"][0][0] += mpmath.fdot(dA, [min(x, mpmath.mpf(0)) for x in Z[l]]) / divisor
                dZ = [mpmath.fdot(dA, [row[k] for row in J[l]]) / 1 for k in range(len(J[l]))]
                for i, error in enumerate(dZ):
                    db[l][i][0] += error / divisor
                    for k, below in enumerate(a[l]):
                        dW[l][i][k] += error * below / divisor
                dA = [mpmath.fdot(dZ, [row[k] for row in W[l]]) for k in range(len(a[l]))]
        named = {f"dW{l + 1}": dW[l] for l in layers} | {f"db{l + 1}": db[l] for l in layers}
        return total / divisor, named | dslope
