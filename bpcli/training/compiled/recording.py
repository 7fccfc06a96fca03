"""One training step, recorded: the reference path run on symbols instead of arrays."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from bpcli.nn.metrics import Tally
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer, OptimizerState
from bpcli.nn.workspace import Workspace
from bpcli.training.compiled.operations import Step
from bpcli.training.compiled.symbols import Number, Recorder, Symbol, UntraceableError, written

WIDTH, EXAMPLES = 101, 53
"""The first of the widths, all different, and the examples of a workspace that stands in for every other."""


@dataclass(frozen=True)
class Program:
    """The steps of one update, on ``symbols``; ``loss`` and ``step`` name the numbers that it ends with.

    ``kept`` names the arrays that outlive an update; ``sizes`` and ``settings``
    the numbers it is given. ``inputs`` are X and Y of the batch, ``single`` says
    that batches are of one example.
    """

    steps: tuple[Step, ...]
    symbols: dict[str, Symbol]
    loss: str
    step: str
    kept: tuple[str, ...]
    sizes: tuple[str, ...]
    settings: tuple[str, ...]
    constants: dict[str, str]
    single: bool
    weighted: bool
    class_indices: bool


X, Y = "X", "Y"


def record(network: Network, optimizer: Optimizer, tally: Tally, dtype: np.dtype[Any], *, single: bool) -> Program:
    """What one step of training does.

    Raises:
        UntraceableError: it asks NumPy for something that has no operation.
    """
    try:
        return _recorded(network, optimizer, tally, dtype, single=single)
    except (TypeError, AttributeError, ValueError) as error:
        raise UntraceableError(f"what these choices compute ({error})") from error


def _recorded(network: Network, optimizer: Optimizer, tally: Tally, dtype: np.dtype[Any], *, single: bool) -> Program:
    recorder = Recorder()
    sizes = tuple(Number(recorder, f"n{l}") for l in range(len(network.sizes)))
    opened, rule = _opened(network, optimizer, lambda name, _: Number(recorder, name))
    opened = _resized(opened, sizes)
    theta = recorder.array("theta", (Number(recorder, "P"),), dtype)
    state, memory = _state(optimizer, recorder, theta)
    parameters = _parameters(recorder, theta, sizes)
    gradients = _parameters(recorder, state.dtheta, sizes)  # type: ignore[arg-type]
    ws, constants = _workspace(recorder, network, sizes, dtype, single=single)
    counted = copy.copy(tally)
    counted.n = sizes[-1]  # type: ignore[assignment]
    counted.sums = recorder.array("sums", (Number(recorder, "S"),), np.float64)  # type: ignore[assignment]

    def gradient(_theta: Any, _out: Any, factor: Any) -> None:
        opened.forward(parameters, ws)
        opened.backward(parameters, gradients, ws, factor)

    rule.step(theta, state, gradient)  # type: ignore[arg-type]
    loss = opened.total(ws) * opened.scale(ws.m)
    counted.update(ws.A[-1], ws.Y, ws.output)
    return Program(
        steps=tuple(recorder.steps),
        symbols=recorder.symbols,
        loss=written(loss),
        step=written(state.step),
        kept=("theta", *memory, "sums"),
        sizes=tuple(size.expression for size in sizes),
        settings=tuple(numbers_of(network, optimizer)),
        constants=constants,
        single=single,
        weighted=network.head.loss.examples == "mean",
        class_indices=network.head.loss.targets.class_indices,
    )


def numbers_of(network: Network, optimizer: Optimizer) -> dict[str, float]:
    """Every setting that is a number, by a name of its own."""
    found: dict[str, float] = {}
    _opened(network, optimizer, found.setdefault)
    return found


def _opened(network: Network, optimizer: Optimizer, put: Callable[[str, float], Any]) -> tuple[Network, Optimizer]:
    """Both with ``put(name, value)`` for every setting that is a number."""

    def opened(thing: Any, name: str) -> Any:
        if name.endswith("_initializer"):  # takes no part in a step
            return thing
        if isinstance(thing, float):
            return put(name, thing)
        if isinstance(thing, tuple):
            return tuple(opened(one, f"{name}_{k}") for k, one in enumerate(thing))
        if is_dataclass(thing) and not isinstance(thing, type):
            changed = {one.name: opened(getattr(thing, one.name), f"{name}_{one.name}") for one in fields(thing)}
            return replace(thing, **changed)
        return thing

    return opened(network, "network"), opened(optimizer, "optimizer")


def _resized(network: Network, sizes: tuple[Any, ...]) -> Network:
    """The network with other widths."""
    layers = tuple(replace(layer, units=n) for layer, n in zip(network.layers, sizes[1:], strict=True))
    return replace(network, inputs=sizes[0], layers=layers)


def _state(optimizer: Optimizer, recorder: Recorder, theta: Symbol) -> tuple[OptimizerState, list[str]]:
    """The rule's memory, as long as θ."""
    real = optimizer.start(np.zeros(1))
    memory = {name: recorder.array(f"memory_{name}", theta.shape, theta.dtype) for name in real.memory}
    room = recorder.array("dtheta", theta.shape, theta.dtype), recorder.buffer(theta.shape, theta.dtype)
    state = OptimizerState(memory, *room, Number(recorder, "step"))  # type: ignore[arg-type]
    return state, [symbol.name for symbol in memory.values()]


def _parameters(recorder: Recorder, theta: Symbol, sizes: tuple[Number, ...]) -> Any:
    """W and b as views of θ."""
    W, b, start = [theta], [theta], "0"
    for fan_in, n in pairwise(size.expression for size in sizes):
        middle = f"{start} + {n} * {fan_in}"
        end = f"{middle} + {n}"
        shape = Number(recorder, n), Number(recorder, fan_in)
        W.append(recorder.view(theta, f"{{}}[{start}:{middle}].reshape({n}, {fan_in})", shape, contiguous=True))
        b.append(recorder.view(theta, f"{{}}[{middle}:{end}].reshape({n}, 1)", (shape[0], 1), contiguous=True))
        start = end
    return SimpleNamespace(W=W, b=b, theta=theta, sizes=sizes)


def _workspace(
    recorder: Recorder, network: Network, sizes: tuple[Number, ...], dtype: np.dtype[Any], *, single: bool
) -> tuple[Workspace, dict[str, str]]:
    """The arrays of a real workspace, each a symbol; and those that hold constants, with their values."""
    widths = tuple(WIDTH + 2 * l for l in range(len(sizes)))
    lengths: dict[int, Any] = dict(zip(widths, sizes, strict=True))
    if not single:
        lengths[EXAMPLES] = Number(recorder, "m")
    m = 1 if single else EXAMPLES
    real = _resized(network, widths).workspace(m, dtype)

    def symbol(array: Any) -> Symbol:
        return recorder.buffer([lengths.get(n, n) for n in array.shape], array.dtype)

    ws = _mapped(real, symbol)
    ws.m = ws.batch = lengths.get(m, m)
    ws.X = ws.A[0] = recorder.array(X, (sizes[0], ws.m), dtype, contiguous=False)
    given = recorder.array(Y, ws.Y.shape, real.Y.dtype, contiguous=False)
    np.copyto(ws.Y, given)  # type: ignore[arg-type]
    length = ws.m.expression if isinstance(ws.m, Number) else ws.m
    return ws, {
        ws.ones.name: f"np.ones(({length}, 1), np.{dtype.name})",
        ws.output.columns.name: f"np.arange({length})",
    }


def _mapped(thing: Any, symbol: Callable[[Any], Symbol]) -> Any:
    """A copy with a symbol for each array."""
    if isinstance(thing, np.ndarray):
        return symbol(thing)
    if isinstance(thing, list):
        return [_mapped(one, symbol) for one in thing]
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{one.name: _mapped(getattr(thing, one.name), symbol) for one in fields(thing)})
    if isinstance(thing, Workspace):
        copied = copy.copy(thing)
        vars(copied).update({name: _mapped(value, symbol) for name, value in vars(thing).items()})
        return copied
    return thing
