"""Update rules one number at a time, as their sources write them: a second implementation, in plain Python.

Each takes an entry θ, its gradient g, η, the update's number t, the rule's settings s and what the entry
remembers, a dict that is empty at first; it gives the new θ.
"""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, sqrt
from typing import Any

Remembered = dict[str, float]
PlainRule = Callable[[float, float, float, int, Any, Remembered], Any]


def gradient_descent(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    return theta - rate * g


def momentum(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    if s.rate_in == "step":  # torch.optim.SGD, whose buffer has the gradient's sign
        old["b"] = s.momentum * old.get("b", 0.0) + g
        return theta - rate * old["b"]
    old["v"] = s.momentum * old.get("v", 0.0) - rate * g
    return theta + old["v"]


def nesterov(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    if s.rate_in == "step":
        old["b"] = s.momentum * old.get("b", 0.0) + g
        return theta - rate * (g + s.momentum * old["b"])
    old["v"] = s.momentum * old.get("v", 0.0) - rate * g
    return theta + s.momentum * old["v"] - rate * g


def adagrad(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    old["sum"] = old.get("sum", s.initial_sum) + g * g
    return theta - rate * g / (sqrt(old["sum"]) + s.epsilon)


def rmsprop(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    old["v"] = s.decay * old.get("v", 0.0) + (1 - s.decay) * g * g
    variance = old["v"]
    if s.centered:
        old["m"] = s.decay * old.get("m", 0.0) + (1 - s.decay) * g
        variance = old["v"] - old["m"] ** 2
    step = g / (sqrt(variance) + s.epsilon)
    if s.momentum > 0:
        old["b"] = s.momentum * old.get("b", 0.0) + step
        return theta - rate * old["b"]
    return theta - rate * step


def adadelta(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    old["g2"] = s.decay * old.get("g2", 0.0) + (1 - s.decay) * g * g
    change = -sqrt(old.get("x2", 0.0) + s.epsilon) / sqrt(old["g2"] + s.epsilon) * g
    old["x2"] = s.decay * old.get("x2", 0.0) + (1 - s.decay) * change * change
    return theta + rate * change


def _means(g: float, s: Any, old: Remembered) -> tuple[float, float]:
    old["m"] = s.beta1 * old.get("m", 0.0) + (1 - s.beta1) * g
    old["v"] = s.beta2 * old.get("v", 0.0) + (1 - s.beta2) * g * g
    return old["m"], old["v"]


def adam(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    m, v = _means(g, s, old)
    if s.epsilon_at == "uncorrected":  # Kingma & Ba, at the end of section 2
        alpha = rate * sqrt(1 - s.beta2**t) / (1 - s.beta1**t)
        return theta - alpha * m / (sqrt(v) + s.epsilon)
    return theta - rate * (m / (1 - s.beta1**t)) / (sqrt(v / (1 - s.beta2**t)) + s.epsilon)


def amsgrad(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    m, v = _means(g, s, old)
    old["max"] = max(old.get("max", 0.0), v)
    return theta - rate * (m / (1 - s.beta1**t)) / (sqrt(old["max"] / (1 - s.beta2**t)) + s.epsilon)


def adamw(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    m, v = _means(g, s, old)
    step = (m / (1 - s.beta1**t)) / (sqrt(v / (1 - s.beta2**t)) + s.epsilon)
    return theta - rate * (step + s.weight_decay * theta)


def nadam(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    m, v = _means(g, s, old)
    mu, following = (s.beta1 * (1 - 0.5 * 0.96 ** (s.momentum_decay * k)) for k in (t, t + 1))
    old["product"] = old.get("product", 1.0) * mu
    m_hat = following * m / (1 - old["product"] * following) + (1 - mu) * g / (1 - old["product"])
    return theta - rate * m_hat / (sqrt(v / (1 - s.beta2**t)) + s.epsilon)


def radam(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    m, v = _means(g, s, old)
    most = 2 / (1 - s.beta2) - 1
    rho = most - 2 * t * s.beta2**t / (1 - s.beta2**t)
    m_hat = m / (1 - s.beta1**t)
    if rho <= 5:
        return theta - rate * m_hat
    r = sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    return theta - rate * m_hat * r * sqrt(1 - s.beta2**t) / (sqrt(v) + s.epsilon)


def _sign(x: float) -> float:
    return copysign(1.0, x) if x else 0.0


def lion(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    m = old.get("m", 0.0)
    update = _sign(s.beta1 * m + (1 - s.beta1) * g)
    old["m"] = s.beta2 * m + (1 - s.beta2) * g
    return theta - rate * (update + s.weight_decay * theta)


def rprop(theta: float, g: float, rate: float, t: int, s: Any, old: Remembered) -> Any:
    before, step = old.get("g", 0.0), old.get("step", s.learning_rate)
    if g * before > 0:
        step = min(step * s.increase, s.max_step)
    elif g * before < 0:
        step, g = max(step * s.decrease, s.min_step), 0.0
    old["g"], old["step"] = g, step
    return theta - _sign(g) * step


PLAIN: dict[str, PlainRule] = {
    "gradient_descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
    "amsgrad": amsgrad,
    "adamw": adamw,
    "nadam": nadam,
    "radam": radam,
    "lion": lion,
    "rprop": rprop,
}
