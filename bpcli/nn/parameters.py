"""All parameters as one flat vector θ, seen as (W, b) per layer through views.

θ = (W_1, b_1, W_2, b_2, …), each W row by row. A gradient has the same form, so
it is a :class:`Parameters` too. A checkpoint, an update rule and the gradient
check see one array; the equations see matrices.
"""

from __future__ import annotations

from itertools import pairwise

from bpcli.nn import Array


def count(sizes: tuple[int, ...]) -> int:
    """P = Σ n_l (n_{l-1} + 1)."""
    return sum(n * (fan_in + 1) for fan_in, n in pairwise(sizes))


class Parameters:
    """Views of a vector θ, (P,): ``W[l]``, (n_l, n_{l-1}), and ``b[l]``, (n_l, 1), for l = 1 … L.

    The entries at 0 are empty, so that the index is the layer. Views share θ's
    memory: writing to either changes both.
    """

    def __init__(self, sizes: tuple[int, ...], theta: Array) -> None:
        if theta.shape != (count(sizes),):
            raise ValueError(f"θ has shape {theta.shape}, layers {sizes} need ({count(sizes)},)")
        self.sizes = sizes
        self.theta = theta
        self.W = [theta[:0].reshape(0, 0)]
        self.b = [theta[:0].reshape(0, 1)]
        place = 0
        for fan_in, n in pairwise(sizes):
            self.W.append(theta[place : place + n * fan_in].reshape(n, fan_in))
            place += n * fan_in
            self.b.append(theta[place : place + n].reshape(n, 1))
            place += n

    def named(self) -> dict[str, Array]:
        """W1, b1, … as a model file holds them: W (n_l, n_{l-1}), b (n_l,)."""
        layers = range(1, len(self.sizes))
        return {name: array for l in layers for name, array in ((f"W{l}", self.W[l]), (f"b{l}", self.b[l][:, 0]))}
