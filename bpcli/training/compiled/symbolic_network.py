"""A network of symbols: widths, settings, θ and a workspace, by which a step or a shard's gradient is recorded."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from bpcli.nn.network import Network
from bpcli.nn.workspace import Workspace
from bpcli.training.compiled.program import METRIC_WEIGHTS, NOISE, ROOM, WEIGHTS, Program, X, Y
from bpcli.training.compiled.recorder import Recorder
from bpcli.training.compiled.settings import parts_of_network, with_settings
from bpcli.training.compiled.symbols import SymbolicArray, SymbolicNumber, number_source

FIRST_WIDTH, EXAMPLES = 101, 53
"""Lengths of a sample workspace, all different, so that each axis shows which symbolic length it has."""


class SymbolicNetwork:
    """A network with symbolic widths and settings, its symbolic θ and workspace."""

    def __init__(
        self,
        network: Network,
        dtype: np.dtype[Any],
        *,
        single: bool,
        weighted: bool = False,
        metrics_weighted: bool = False,
    ) -> None:
        self.recorder = recorder = Recorder()
        self.single, self.weighted, self.metrics_weighted = single, weighted, metrics_weighted
        self.noisy = network.noisy
        self.inputs, self.handed_out = [X], list[str]()
        self.sizes = tuple(SymbolicNumber(recorder, f"n{l}") for l in range(len(network.sizes)))
        parts = with_settings(parts_of_network(network), lambda name, _: SymbolicNumber(recorder, name))
        layers, head = parts["layers"], replace(parts["head"], activation=parts["layers"][-1].activation)
        self.network = _resized(replace(network, layers=layers, head=head), self.sizes)
        self.theta = recorder.array("theta", (SymbolicNumber(recorder, "P"),), dtype)
        self.ws, self.constants = self._workspace(network, dtype)

    def parameters(self, vector: SymbolicArray) -> Any:
        """Views of a vector of θ's length: W_l (n_l, n_{l-1}), b_l (n_l, 1), and what the layer owns besides."""
        W, b, own, start = [vector], [vector], [vector], "0"
        for (fan_in, n), layer in zip(pairwise(self.sizes), self.network.layers, strict=True):
            k = len(layer.activation.owned)
            middle = f"{start} + {n} * {fan_in}"
            end = f"{middle} + {n}"
            W.append(vector.range(start, middle, SymbolicNumber(self.recorder, f"{n} * {fan_in}")).reshape(n, fan_in))
            b.append(vector.range(middle, end, n).reshape(n, 1))
            start = f"{end} + {k}" if k else end
            own.append(vector.range(end, start, k))
        return SimpleNamespace(W=W, b=b, own=own, theta=vector, sizes=self.sizes)

    def _workspace(self, network: Network, dtype: np.dtype[Any]) -> tuple[Workspace, dict[str, str]]:
        """A symbolic workspace, made from a real one; the expressions that make its constant arrays, by name."""
        recorder, sizes = self.recorder, self.sizes
        widths = tuple(FIRST_WIDTH + 2 * l for l in range(len(sizes)))
        lengths: dict[int, Any] = dict(zip(widths, sizes, strict=True))
        if not self.single:
            lengths[EXAMPLES] = SymbolicNumber(recorder, "m")
        m = 1 if self.single else EXAMPLES
        real = _resized(network, widths).workspace(
            m, dtype, weighted=self.weighted, metrics_weighted=self.metrics_weighted, noisy=bool(self.noisy)
        )

        def symbol(array: Any) -> SymbolicArray:
            return recorder.buffer([lengths.get(n, n) for n in array.shape], array.dtype)

        ws = _with_symbols(real, symbol)
        ws.m = lengths.get(m, m)
        ws.X = ws.A[0] = recorder.array(X, (sizes[0], ws.m), dtype, contiguous=False)
        for name, own in ((Y, ws.Y), (WEIGHTS, ws.weights), (METRIC_WEIGHTS, ws.metric_weights)):
            if own is not None:
                np.copyto(own, recorder.array(name, own.shape, own.dtype, contiguous=False))
                self.inputs.append(name)
        for l in self.noisy:
            ws.noise[l] = recorder.array(f"{NOISE}{l}", (sizes[l], ws.m), dtype)
            self.inputs.append(f"{NOISE}{l}")
        length = number_source(ws.m)
        recorder.array(ROOM, (SymbolicNumber(recorder, "ROOM"),), np.uint8)
        return ws, {
            ws.ones.name: f"np.ones(({length}, 1), np.{dtype.name})",
            ws.output.columns.name: f"np.arange({length})",
        }

    def hand_out(self, name: str, array: Any) -> None:
        """Copy an array into one that the caller gives for it."""
        np.copyto(self.recorder.array(name, array.shape, array.dtype, contiguous=False), array)  # type: ignore[arg-type]
        self.inputs.append(name)
        self.handed_out.append(name)

    def program(self, kept: list[str], results: list[str], settings: dict[str, float]) -> Program:
        """The operations recorded so far as a program."""
        return Program(
            operations=tuple(self.recorder.operations),
            symbols=self.recorder.symbols,
            kept=(*kept, *self.handed_out),
            results=tuple(results),
            sizes=tuple(size.expression for size in self.sizes),
            settings=tuple(settings),
            constants=self.constants,
            inputs=tuple(self.inputs),
            single=self.single,
            class_indices=self.network.head.loss.targets.class_indices,
        )


def _resized(network: Network, sizes: tuple[Any, ...]) -> Network:
    """The network with other widths, n_0 … n_L."""
    layers = tuple(replace(layer, units=n) for layer, n in zip(network.layers, sizes[1:], strict=True))  # type: ignore[type-var]
    return replace(network, inputs=sizes[0], layers=layers)


def _with_symbols(thing: Any, symbol: Callable[[Any], SymbolicArray]) -> Any:
    """A copy in which ``symbol(array)`` replaces every array."""
    if isinstance(thing, np.ndarray):
        return symbol(thing)
    if isinstance(thing, list):
        return [_with_symbols(one, symbol) for one in thing]
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{one.name: _with_symbols(getattr(thing, one.name), symbol) for one in fields(thing)})
    if isinstance(thing, Workspace):
        copied = copy.copy(thing)
        vars(copied).update({name: _with_symbols(value, symbol) for name, value in vars(thing).items()})
        return copied
    return thing
