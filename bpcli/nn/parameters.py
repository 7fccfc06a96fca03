"""All parameters as one flat vector θ, with views of it as (W, b) per layer.

θ = (W_1, b_1, W_2, b_2, …), each W row by row. A gradient has the same form, so
it is a :class:`Parameters` too. Checkpoints, update rules and the gradient check
use the one array; the equations use the matrices.
"""

from __future__ import annotations

from itertools import pairwise

from bpcli.nn import Array


def count(sizes: tuple[int, ...]) -> int:
    """The number of parameters of layers of these sizes, P = Σ n_l (n_{l-1} + 1)."""
    return sum(n * (fan_in + 1) for fan_in, n in pairwise(sizes))


class Parameters:
    """Views of a vector θ, (P,): ``W[l]``, (n_l, n_{l-1}), and ``b[l]``, (n_l, 1), for l = 1 … L.

    The entries at 0 are empty, so that the index is the layer. Views share θ's
    memory: writing to either changes both.

    Raises:
        ValueError: θ has not the shape that the layer sizes ``sizes`` need.
    """

    def __init__(self, sizes: tuple[int, ...], theta: Array) -> None:
        if theta.shape != (count(sizes),):
            raise ValueError(f"θ has shape {theta.shape}, layers {sizes} need ({count(sizes)},)")
        self.sizes = sizes
        self.theta = theta
        self.W = [theta[:0].reshape(0, 0)]
        self.b = [theta[:0].reshape(0, 1)]
        start = 0
        for fan_in, n in pairwise(sizes):
            self.W.append(theta[start : start + n * fan_in].reshape(n, fan_in))
            start += n * fan_in
            self.b.append(theta[start : start + n].reshape(n, 1))
            start += n

    def named(self) -> dict[str, Array]:
        """The views W1, b1, … by their names in a model file: W (n_l, n_{l-1}), b (n_l,)."""
        layers = range(1, len(self.sizes))
        return {name: array for l in layers for name, array in ((f"W{l}", self.W[l]), (f"b{l}", self.b[l][:, 0]))}
