"""The symbols that Biswas' equations share: the loss of one data point, gradients, derivatives and their chains."""

from __future__ import annotations

LOSS = r"\mathcal{L}"
NABLA = r"\nabla_{%s}"


def by(of: str, below: str) -> str:
    """∂of/∂below."""
    return rf"\frac{{\partial {of}}}{{\partial {below}}}"


def product_of_jacobians(last: int, *, thin: bool) -> str:
    """∂ℒ/∂W_111 as the product of one factor for each step from the loss down to the first weight.

    The hidden layers of a thin network have one unit each: from the last of them down every factor is a number.
    """
    a, h = (_entry if thin else _vector)("a"), (_entry if thin else _vector)("h")
    output = r"\underline{\hat{y}}"
    factors = [rf"\left( {by(LOSS, output)} \right)^\top", by(output, rf"\underline{{a}}_{{{last}}}")]
    for l in range(last, 0, -1):
        of = rf"\underline{{a}}_{{{l}}}" if l == last else a.replace("<l>", str(l))
        if l < last:
            factors.append(by(h.replace("<l>", str(l)), of))
        factors.append(by(of, h.replace("<l>", str(l - 1)) if l > 1 else "W_{1,1,1}"))
    return r" \cdot ".join(factors)


def _vector(letter: str) -> str:
    return rf"\underline{{{letter}}}_{{<l>}}"


def _entry(letter: str) -> str:
    return f"{letter}_{{<l>,1}}"
