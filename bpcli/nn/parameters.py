"""All parameters as one flat vector θ, with views of it by layer: W, b, and what the activation owns.

θ = (W_1, b_1, own_1, W_2, b_2, own_2, …), each W row by row. A gradient has the same
form, so it is a :class:`Parameters` too. Checkpoints, update rules and the gradient check
use the one array; the equations use the matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from bpcli.nn import Array


@dataclass(frozen=True)
class Layout:
    """Which parameters layers of n_0 … n_L units, ``sizes``, have.

    ``own`` names, for l = 1 … L, the numbers that the layer's activation owns besides W_l and b_l; empty where no
    activation owns any.
    """

    sizes: tuple[int, ...]
    own: tuple[tuple[str, ...], ...] = ()

    def owned(self, l: int) -> tuple[str, ...]:
        """The names of what layer l owns besides W_l and b_l."""
        return self.own[l - 1] if self.own else ()

    @property
    def count(self) -> int:
        """The number of parameters, P = Σ n_l (n_{l-1} + 1) + what activations own."""
        return sum(n * (fan_in + 1) for fan_in, n in pairwise(self.sizes)) + sum(map(len, self.own))

    @property
    def weights(self) -> tuple[slice, ...]:
        """Where W_1, W_2, … lie in θ."""
        found, start = [], 0
        for l, (fan_in, n) in enumerate(pairwise(self.sizes), start=1):
            found.append(slice(start, start + n * fan_in))
            start += n * (fan_in + 1) + len(self.owned(l))
        return tuple(found)

    @property
    def layers(self) -> tuple[slice, ...]:
        """Where layers 1, 2, … lie in θ."""
        starts = [W.start for W in self.weights]
        return tuple(slice(*bounds) for bounds in pairwise([*starts, self.count]))

    def names(self, l: int) -> tuple[str, ...]:
        """The names of layer l's arrays in θ's order: W1, b1, slope1."""
        return tuple(f"{kind}{l}" for kind in ("W", "b", *self.owned(l)))


def layer_of(name: str) -> tuple[str, int]:
    """The kind and the layer of an array by its name, such as W and 1 of W1."""
    kind = name.rstrip("0123456789")
    return kind, int(name.removeprefix(kind))


class Parameters:
    """Views of a vector θ, (P,): ``W[l]``, (n_l, n_{l-1}), ``b[l]``, (n_l, 1), and ``own[l]``, (k,), for l = 1 … L.

    ``own[l]`` holds the numbers that the layer's activation owns, in its order. The
    entries at 0 are empty, so that the index is the layer. Views share θ's
    memory: writing to either changes both.

    Raises:
        ValueError: θ has not the shape that the layout needs.
    """

    def __init__(self, layout: Layout, theta: Array) -> None:
        if theta.shape != (layout.count,):
            raise ValueError(f"θ has shape {theta.shape}, layers {layout.sizes} need ({layout.count},)")
        self.layout = layout
        self.theta = theta
        self.W = [theta[:0].reshape(0, 0)]
        self.b = [theta[:0].reshape(0, 1)]
        self.own = [theta[:0]]
        start = 0
        for l, (fan_in, n) in enumerate(pairwise(layout.sizes), start=1):
            of_b = start + n * fan_in
            of_own = of_b + n
            end = of_own + len(layout.owned(l))
            self.W.append(theta[start:of_b].reshape(n, fan_in))
            self.b.append(theta[of_b:of_own].reshape(n, 1))
            self.own.append(theta[of_own:end])
            start = end

    def named(self) -> dict[str, Array]:
        """The views W1, b1, … by their names in a model file: W (n_l, n_{l-1}), b (n_l,), what is owned (1,)."""
        found: dict[str, Array] = {}
        for l in range(1, len(self.layout.sizes)):
            own = self.own[l]
            arrays = (self.W[l], self.b[l][:, 0], *(own[k : k + 1] for k in range(own.size)))
            found |= dict(zip(self.layout.names(l), arrays, strict=True))
        return found
