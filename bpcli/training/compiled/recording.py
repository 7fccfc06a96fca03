"""One training step, or the forward pass by itself, recorded: the reference path run on symbols instead of arrays."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from bpcli.choices import name_of
from bpcli.nn.layers import LAYERS
from bpcli.nn.loss_sums import LossSums, weight_of
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer, OptimizerState
from bpcli.nn.tallies import Tallies
from bpcli.nn.transformations import Transformation, early, finish
from bpcli.nn.workspace import Workspace
from bpcli.training.compiled.operations import Operation
from bpcli.training.compiled.recorder import Recorder
from bpcli.training.compiled.symbols import Number, Symbol, UntraceableError, written
from bpcli.training.recipe import Recipe

WIDTH, EXAMPLES = 101, 53
"""The first of the widths, all different, and the examples of a workspace that stands in for every other."""

X, Y, WEIGHTS, RATE = "X", "Y", "weights", "rate"
"""What a step is given besides arrays that last: a batch, and the learning rate."""


IDLE = frozenset({"initializer", "learning_rate"})
"""Settings that take no part in a step: the learning rate is among what it is given."""


@dataclass(frozen=True)
class Program:
    """Operations on ``symbols``: those of one update, or of the forward pass.

    ``kept`` names the arrays that it is given and leaves changed, ``results`` the
    numbers that it ends with: for an update the sum of the loss's terms and the
    number of updates. ``sizes`` and ``settings`` name the numbers it is given,
    ``constants`` the arrays that never change, with their source. ``inputs`` are the
    arrays of the batch; ``single`` says that batches are of one example.
    """

    steps: tuple[Operation, ...]
    symbols: dict[str, Symbol]
    kept: tuple[str, ...]
    results: tuple[str, ...]
    sizes: tuple[str, ...]
    settings: tuple[str, ...]
    constants: dict[str, str]
    inputs: tuple[str, ...]
    single: bool
    class_indices: bool


def record(recipe: Recipe, tallies: Tallies, dtype: np.dtype[Any], *, single: bool, weighted: bool = False) -> Program:
    """What one step of training does.

    Raises:
        UntraceableError: it asks NumPy for something that has no operation.
    """
    stage = _Stage(recipe.network, dtype, single=single, weighted=weighted)
    network, ws, recorder = stage.network, stage.ws, stage.recorder
    opened: Any = _opened(_acting(recipe), lambda name, _: Number(recorder, name))
    state = _state(recipe.optimizer, recorder, stage.theta)
    losses, counted = _sums(network, tallies, recorder)
    chain: tuple[Transformation, ...] = opened["chain"]
    weight = weight_of(ws)
    scratch = stage.parameters(recorder.buffer(stage.theta.shape, dtype))

    def gradient(theta: Any, out: Any, factor: Any) -> Any:
        parameters, gradients = stage.parameters(theta), stage.parameters(out)
        network.forward(parameters, ws)
        network.backward(parameters, gradients, ws, early(chain, factor) * network.scale(weight))
        return finish(chain, parameters, gradients, scratch, weight, factor)

    added = opened["optimizer"].step(stage.theta, state, gradient, Number(recorder, RATE))
    total = np.add.reduce(network.terms(ws))
    losses.add(total, weight)
    if recipe.penalties:
        losses.add_penalty(added, weight)
    counted.update(ws.A[-1], ws.Y, ws.output)
    lasting: list[Any] = [stage.theta, *state.memory.values(), losses.sums, *counted.tensors().values()]
    results = [written(total), written(state.step)]
    return stage.program([array.name for array in lasting], results, settings_of(recipe))


def record_forward(network: Network, dtype: np.dtype[Any]) -> Program:
    """What the forward pass does, by itself: from θ and X to A_L, which is kept last.

    Raises:
        UntraceableError: it asks NumPy for something that has no operation.
    """
    stage = _Stage(network, dtype, single=False, weighted=False)
    stage.network.forward(stage.parameters(stage.theta), stage.ws)
    outputs: Any = stage.ws.A[-1]
    settings: dict[str, float] = {}
    _opened(_acting_network(network), settings.setdefault)
    return stage.program([stage.theta.name, outputs.name], [], settings)


def settings_of(recipe: Recipe) -> dict[str, float]:
    """Every setting of the recipe that is a number and takes part in a step, by a name of its own."""
    found: dict[str, float] = {}
    _opened(_acting(recipe), found.setdefault)
    return found


def _acting_network(network: Network) -> dict[str, Any]:
    """The parts of a network that take part in the forward and backward pass."""
    return {"layers": network.layers, "head": network.head}


def _acting(recipe: Recipe) -> dict[str, Any]:
    """The parts of a recipe that take part in a step."""
    return {**_acting_network(recipe.network), "optimizer": recipe.optimizer, "chain": recipe.chain}


def _opened(thing: Any, put: Callable[[str, float], Any], name: str = "") -> Any:
    """A copy of the thing with ``put(name, value)`` for every setting that is a number with a point."""
    if isinstance(thing, float):
        return put(name, thing)
    if isinstance(thing, tuple):
        return tuple(_opened(one, put, f"{name}_{k}") for k, one in enumerate(thing))
    if isinstance(thing, dict):
        return {key: _opened(one, put, key) for key, one in thing.items()}
    if is_dataclass(thing) and not isinstance(thing, type):
        acting = [one.name for one in fields(thing) if one.name not in IDLE]
        return replace(thing, **{key: _opened(getattr(thing, key), put, f"{name}_{key}") for key in acting})
    return thing


class _Stage:
    """A network on symbols: its widths, θ and a workspace, all unknown."""

    def __init__(self, network: Network, dtype: np.dtype[Any], *, single: bool, weighted: bool) -> None:
        if network.noisy:
            layer = network.layers[network.noisy[0] - 1]
            raise UntraceableError(f"layer {name_of(LAYERS, layer)}, which draws numbers for each step")
        self.recorder = recorder = Recorder()
        self.single, self.weighted = single, weighted
        self.sizes = tuple(Number(recorder, f"n{l}") for l in range(len(network.sizes)))
        opened = _opened(_acting_network(network), lambda name, _: Number(recorder, name))
        self.network = _resized(replace(network, layers=opened["layers"], head=opened["head"]), self.sizes)
        self.theta = recorder.array("theta", (Number(recorder, "P"),), dtype)
        self.ws, self.constants = self._workspace(network, dtype)

    def parameters(self, vector: Symbol) -> Any:
        """W and b as views of a vector as long as θ."""
        W, b, start = [vector], [vector], "0"
        for fan_in, n in pairwise(self.sizes):
            middle = f"{start} + {n} * {fan_in}"
            end = f"{middle} + {n}"
            W.append(vector.range(start, middle, Number(self.recorder, f"{n} * {fan_in}")).reshape(n, fan_in))
            b.append(vector.range(middle, end, n).reshape(n, 1))
            start = end
        return SimpleNamespace(W=W, b=b, theta=vector, sizes=self.sizes)

    def _workspace(self, network: Network, dtype: np.dtype[Any]) -> tuple[Workspace, dict[str, str]]:
        """The arrays of a real workspace, each a symbol; and those that hold constants, with their source."""
        recorder, sizes = self.recorder, self.sizes
        widths = tuple(WIDTH + 2 * l for l in range(len(sizes)))
        lengths: dict[int, Any] = dict(zip(widths, sizes, strict=True))
        if not self.single:
            lengths[EXAMPLES] = Number(recorder, "m")
        m = 1 if self.single else EXAMPLES
        real = _resized(network, widths).workspace(m, dtype, weighted=self.weighted)

        def symbol(array: Any) -> Symbol:
            return recorder.buffer([lengths.get(n, n) for n in array.shape], array.dtype)

        ws = _mapped(real, symbol)
        ws.m = lengths.get(m, m)
        ws.X = ws.A[0] = recorder.array(X, (sizes[0], ws.m), dtype, contiguous=False)
        for name, own in ((Y, ws.Y), (WEIGHTS, ws.weights))[: 1 + self.weighted]:
            np.copyto(own, recorder.array(name, own.shape, own.dtype, contiguous=False))
        length = written(ws.m)
        return ws, {
            ws.ones.name: f"np.ones(({length}, 1), np.{dtype.name})",
            ws.output.columns.name: f"np.arange({length})",
        }

    def program(self, kept: list[str], results: list[str], settings: dict[str, float]) -> Program:
        """What was recorded."""
        return Program(
            steps=tuple(self.recorder.steps),
            symbols=self.recorder.symbols,
            kept=tuple(kept),
            results=tuple(results),
            sizes=tuple(size.expression for size in self.sizes),
            settings=tuple(settings),
            constants=self.constants,
            inputs=(X, Y, WEIGHTS) if self.weighted else (X, Y),
            single=self.single,
            class_indices=self.network.head.loss.targets.class_indices,
        )


def _resized(network: Network, sizes: tuple[Any, ...]) -> Network:
    """The network with other widths."""
    layers = tuple(replace(layer, units=n) for layer, n in zip(network.layers, sizes[1:], strict=True))  # type: ignore[type-var]
    return replace(network, inputs=sizes[0], layers=layers)


def _state(optimizer: Optimizer, recorder: Recorder, theta: Symbol) -> OptimizerState:
    """What the rule works on, as it declares it."""
    size, dtype = theta.size, theta.dtype
    memory = {
        name: recorder.array(f"memory_{name}", shape, dtype) for name, (shape, _) in optimizer.memory(size).items()
    }
    buffers = {name: recorder.buffer(shape, dtype) for name, shape in optimizer.buffers(size).items()}
    dtheta = recorder.array("dtheta", theta.shape, dtype)
    return OptimizerState(memory, buffers, dtheta, Number(recorder, "step"))  # type: ignore[arg-type]


def _sums(network: Network, tallies: Tallies, recorder: Recorder) -> tuple[LossSums, Tallies]:
    """The sums that losses and metrics are counted in, of unknown lengths."""
    n: Any = network.sizes[-1]
    losses, counted = LossSums(network.head.loss, n), tallies.fresh()
    losses.sums = recorder.array("losses", (3,), np.float64)  # type: ignore[assignment]
    for tally in counted.by_kind.values():
        symbolic: Any = copy.copy(tally)
        symbolic.n = n
        symbolic.sums = recorder.array(f"tally_{tally.kind}", (Number(recorder, f"S_{tally.kind}"),), np.float64)
        counted.by_kind[type(tally)] = symbolic
    return losses, counted


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
