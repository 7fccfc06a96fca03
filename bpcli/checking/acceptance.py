"""Which arrays of another program's gradient are right, which are wrong, and which cannot be judged.

They are held against the certified gradient. An error beyond the tolerance is excused where rounding
in the array's own precision explains it, up to a small part of the layer's largest derivative.
A framework may take another derivative at a kink: any between the left and the right one is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpcli.checking.comparison import Verdict
from bpcli.checking.decimals import rounded
from bpcli.checking.precisions import excused_of, last_bit, tolerance_of
from bpcli.checking.reference import Reference, at_kinks, certify
from bpcli.nn import Array
from bpcli.nn.gradient_check import Probe, rounding
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.streams import stream


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

    def of(self, name: str) -> ArrayVerdict:
        """The verdict on an array; one that is not given or has another shape is wrong."""
        strict = self._judged(name, self._left)
        return strict if strict.verdict != "wrong" or not self._kinked else self._judged(name, self._own_choice)

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
        errors = np.abs(self._named(self._errors(reference, array, name))[name])
        beyond = errors > tolerance_of(array) * np.abs(rounded(right)).max()
        if not beyond.any():
            return ArrayVerdict("agrees")
        if (errors > self._rounding(name, array))[beyond].any():
            return WRONG
        scale = max(np.abs(rounded(self._named(reference.gradient)[of])).max() for of in _of_layer(name))
        lost = int((beyond & (errors > excused_of(array) * scale)).sum())
        return ArrayVerdict("not judgeable" if lost else "agrees", int(beyond.sum()) - lost, lost)

    def _errors(self, reference: Reference, array: Array, name: str) -> Array:
        """The errors of one array, among zeros, (P,)."""
        given = np.zeros(self.parameters.theta.size)
        self._named(given)[name][...] = array
        return reference.error(given)

    def _named(self, theta: Array) -> dict[str, Array]:
        """A vector as dW1, db1, …, db (n, 1)."""
        of = self.network.parameters(theta)
        named: dict[str, Array] = {}
        for l in range(1, len(self.network.layers) + 1):
            named |= {f"dW{l}": of.W[l], f"db{l}": of.b[l]}
        return named

    def _rounding(self, name: str, array: Array) -> Array:
        """How far rounding in the array's precision may change each of its entries."""
        bound = rounding(self.probe, self.parameters.theta, stream(0, "gradient check"), last_bit(array))
        return self._named(bound)[name] + float(np.finfo(array.dtype).smallest_subnormal)

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
        """The certified gradient with that share of the right derivative in each layer which fits best, 0 to 1."""
        layers = len(self.network.layers)
        left, theta = rounded(self._left.gradient), self.parameters.theta
        steps = [rounded(certify(self.probe, theta, np.eye(layers)[l].tolist()).gradient) - left for l in self._kinked]
        wanted = np.zeros(theta.size)
        for name, array in self._named(wanted).items():
            own = self.given.get(name)
            array[...] = own if own is not None and own.shape == array.shape else self._named(left)[name]
        fitted = np.linalg.lstsq(np.array(steps).T, wanted - left, rcond=None)[0]
        shares = np.zeros(layers)
        shares[self._kinked] = np.clip(fitted, 0, 1)
        return certify(self.probe, theta, shares.tolist())


def _of_layer(name: str) -> tuple[str, str]:
    """The names of both arrays of the layer that an array belongs to."""
    return f"dW{name[2:]}", f"db{name[2:]}"
