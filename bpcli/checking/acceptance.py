"""Which arrays of another program's gradient are right, which are wrong, and which cannot be judged.

They are held against the certified gradient. An error beyond the tolerance is excused where rounding
in the array's own precision explains it, up to a small part of the layer's largest derivative.
A framework may take another derivative at a kink: any between the left and the right one is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bpcli.checking.comparison import Verdict
from bpcli.checking.decimals import exact, precision, rounded
from bpcli.checking.error_bounds import error_bounds
from bpcli.checking.precisions import excused_of, last_bit, tolerance_of
from bpcli.checking.reference import DIGITS, Reference, at_kinks, certify
from bpcli.nn import Array
from bpcli.nn.gradient_check import Probe
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters, layer_of
from bpcli.nn.workspace import Workspace


@dataclass(frozen=True)
class ArrayVerdict:
    """The verdict on one array; ``excused`` and ``unjudgeable`` count its entries that differ by rounding."""

    verdict: Verdict
    excused: int = 0
    unjudgeable: int = 0


WRONG = ArrayVerdict("wrong")


@dataclass(frozen=True)
class Acceptance:
    """The arrays dW1, db1, … in ``given``, in bp's shapes, on the batch in ``ws``, X (n_0, m) and Y in float64."""

    network: Network
    parameters: Parameters
    ws: Workspace
    given: Mapping[str, Array]
    _verdicts: dict[str, ArrayVerdict] = field(default_factory=dict)
    _bounds: dict[float, dict[str, Array]] = field(default_factory=dict)

    def of(self, name: str) -> ArrayVerdict:
        """The verdict on an array; one that is not given or has another shape is wrong."""
        if name not in self._verdicts:
            self._verdicts[name] = self._verdict(name)
        return self._verdicts[name]

    def _verdict(self, name: str) -> ArrayVerdict:
        """By the left derivative at kinks or, if that is no agreement, by a share of the right one."""
        left = self._judged(name, self._left)
        if left.verdict == "agrees" or not self._kinked:
            return left
        return min(left, self._judged(name, self._own_choice), key=lambda one: BY_BADNESS[one.verdict])

    @property
    def names(self) -> list[str]:
        """dW1, db1, …."""
        return list(self._named(self.parameters.theta))

    @cached_property
    def probe(self) -> Probe:
        """L on the batch."""
        return Probe(self.network, self.ws.X, self.ws.Y)

    def _judged(self, name: str, reference: Reference) -> ArrayVerdict:
        """The verdict by one certified gradient."""
        array = self.given.get(name)
        right = self._named(reference.gradient)[name]
        if array is None or array.shape != right.shape or not np.isfinite(array).all():
            return WRONG
        if not self._named(reference.certain)[name].all():
            return ArrayVerdict("not judgeable", unjudgeable=array.size)
        with precision(DIGITS[0]):
            errors = np.abs(rounded(exact(array) - right))
        beyond = errors > tolerance_of(array) * np.abs(rounded(right)).max()
        if not beyond.any():
            return ArrayVerdict("agrees")
        scale = max(np.abs(rounded(self._named(reference.gradient)[of])).max() for of in self._beside(name))
        if (errors > self._rounding(name, array) + last_bit(array) ** 2 * scale)[beyond].any():
            return WRONG
        lost = int((beyond & (errors > excused_of(array) * scale)).sum()) if scale else 0
        return ArrayVerdict("not judgeable" if lost else "agrees", int(beyond.sum()) - lost, lost)

    def _named(self, theta: Array) -> dict[str, Array]:
        """A vector as dW1, db1, …, db (n, 1), what activations own (1, 1)."""
        of = self.network.parameters(theta)
        return {f"d{name}": array.reshape(-1, 1) if array.ndim == 1 else array for name, array in of.named().items()}

    def _rounding(self, name: str, array: Array) -> Array:
        """How far rounding in the array's precision may change each of its entries."""
        bit, least = last_bit(array), float(np.finfo(array.dtype).tiny)
        if bit not in self._bounds:
            bound = error_bounds(self.probe, self.parameters.theta, self._left, bit, least, others=True)
            self._bounds[bit] = self._named(bound)
        return self._bounds[bit][name]

    @cached_property
    def _left(self) -> Reference:
        """The certified gradient with the left derivative at kinks, as bp takes it."""
        return certify(self.probe, self.parameters.theta)

    @cached_property
    def _kinked(self) -> list[int]:
        """The layers with a unit at a kink, from 0."""
        return [l for l, units in enumerate(at_kinks(self.probe, self.parameters.theta)) if units.any()]

    @cached_property
    def _own_choice(self) -> Reference:
        """The certified gradient with that share of the right derivative in each layer which fits best, 0 to 1.

        A layer's gradient depends on the shares of the layers above alone, and on its own in a straight line: so
        shares are found from the output downwards.
        """
        shares, theta = [0.0] * len(self.network.layers), self.parameters.theta
        for l in reversed(self._kinked):
            ends = [certify(self.probe, theta, [*shares[:l], end, *shares[l + 1 :]]) for end in (0.0, 1.0)]
            left, right = (self._of_layer(rounded(end.gradient), l + 1) for end in ends)
            given, step = self._given_of_layer(l + 1, rounded(ends[0].gradient)), right - left
            size = float(step @ step)
            shares[l] = float(np.clip(step @ (given - left) / size, 0, 1)) if size else 0.0
        return certify(self.probe, theta, shares)

    def _beside(self, name: str) -> list[str]:
        """The names of all arrays of the layer that an array belongs to."""
        return [f"d{one}" for one in self.network.layout.names(layer_of(name)[1])]

    def _of_layer(self, theta: Array, layer: int) -> Array:
        """The entries of a layer, W by rows, then b."""
        named = self._named(theta)
        return np.concatenate([named[name].ravel() for name in self._beside(f"dW{layer}")])

    def _given_of_layer(self, layer: int, instead: Array) -> Array:
        """The given entries of a layer, as :meth:`_of_layer`; of an absent or misshapen array, those of ``instead``."""
        named = self._named(instead)
        pairs = [(self.given.get(name), named[name]) for name in self._beside(f"dW{layer}")]
        fitting = [other if own is None or own.shape != other.shape else own for own, other in pairs]
        return np.concatenate([array.ravel() for array in fitting], dtype=np.float64)


BY_BADNESS: dict[Verdict, int] = {"agrees": 0, "not judgeable": 1, "wrong": 2}
"""Verdicts, the worst last."""
