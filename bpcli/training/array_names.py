"""Which arrays of a file are W and b of which layer? Found by bp's own names, or by those that frameworks give.

A framework's name has a path to the layer and a word for the array, such as
``fc1.weight`` or ``params/Dense_0/kernel``. Layers are ordered by the numbers in
their paths; paths that differ in more than numbers stand in the order that fits
the network's shapes best, the file's order if several do. Whether W is (units, inputs), as
in bp, or (inputs, units) is a matter of the naming, never of an array's shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise, permutations

from bpcli.errors import DataError
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.parameters import Layout
from bpcli.training.array_files import ArrayFile, listed


@dataclass(frozen=True)
class Convention:
    """A framework's names: a pattern with the groups ``layer``, ``W`` or ``b``, and ``grad`` where it says gradient.

    ``bias`` is the word for b; ``turned``: whether its W is (inputs, units).
    """

    framework: str
    pattern: re.Pattern[str]
    bias: str
    turned: bool


_GRAD = r"(?::0|[./]value)?(?P<grad>[./_:]grad)?$"
"""What may follow a name: TensorFlow's number of an output, the value of Flax's variable, and PyTorch's ``.grad``."""

CONVENTIONS = (
    Convention(
        "scikit-learn",
        re.compile(r"^(?:.*[./])?(?:(?P<W>coef)|(?P<b>intercept))(?P<grad>_grad)?s_(?P<layer>\d+)$"),
        bias="intercept",
        turned=True,
    ),
    Convention("Keras", re.compile(r"^(?P<layer>.*?)[./]vars[./](?:(?P<W>0)|(?P<b>1))" + _GRAD), bias="1", turned=True),
    Convention(
        "Keras and Flax",
        re.compile(r"^(?P<layer>.*?)[./_]?(?:(?P<W>kernel)|(?P<b>bias))" + _GRAD),
        bias="bias",
        turned=True,
    ),
    Convention(
        "PyTorch",
        re.compile(r"^(?P<layer>.*?)[./_]?(?:(?P<W>weight)|(?P<b>bias))" + _GRAD),
        bias="bias",
        turned=False,
    ),
)
"""The first whose weights a file holds is the one that it is read by."""

MOST_STEMS = 5
"""Of more kinds of layer names than this, the orders are not tried."""


@dataclass(frozen=True)
class Naming:
    """The file's name of each of bp's arrays, W1, b1, … or dW1, db1, …, and by whose names they were found.

    ``framework`` is empty for bp's own names; ``turned``: every W is transposed when it is read.
    """

    names: Mapping[str, str]
    framework: str = ""
    turned: bool = False

    def load(self, own: str, file: ArrayFile) -> Array:
        """The array that bp calls ``own``, a W as (units, inputs)."""
        array = file.load(self.names[own])
        return array.T if self.turned and "W" in own else array

    @property
    def words(self) -> str:
        """What was read as what; empty for bp's own names."""
        if not self.framework:
            return ""
        pairs = ", ".join(f"{theirs} → {own}" for own, theirs in self.names.items())
        turned = f"; its weights are (inputs, units), as in {self.framework}: transposed" if self.turned else ""
        return f"read by the names of {self.framework}: {pairs}{turned}"


def own_names(layout: Layout, prefix: str) -> list[str]:
    """W1, b1, … with a prefix, which is d for gradients."""
    return [f"{prefix}{name}" for layer in range(1, len(layout.sizes)) for name in layout.names(layer)]


OWNED = frozenset(name for activation in ACTIVATIONS.values() for name in activation().owned)
"""The names of the numbers that activations own, without a layer."""


def is_own_name(name: str) -> bool:
    """Whether bp calls a parameter of some network so: W1, b1, slope1."""
    kind = name.rstrip("0123456789")
    return kind != name and kind in ("W", "b", *OWNED)


def recognise(file: ArrayFile, layout: Layout, prefix: str) -> Naming:
    """How a file names the arrays of layers of this layout; ``prefix`` is d for gradients, else empty.

    A file of which neither bp nor a framework knows a name is taken to have bp's names, and to lack them. The
    file may also lack the bias of a weight that it holds. What activations own has bp's names in every file, or, in
    PyTorch's, is a weight that is no matrix.

    Raises:
        DataError: a framework's names are those of another number of layers.
    """
    own = own_names(layout, prefix)
    if {f"{prefix}{kind}{layer}" for layer in range(1, len(layout.sizes)) for kind in "Wb"}.isdisjoint(file.names):
        for convention in CONVENTIONS:
            layers = _Layers(convention, file, layout, prefix)
            if layers.weights:
                return layers.naming
    return Naming({name: name for name in own})


@dataclass(frozen=True)
class _Layers:
    """The layers of a file by a convention."""

    convention: Convention
    file: ArrayFile
    layout: Layout
    prefix: str

    @cached_property
    def _matches(self) -> list[tuple[str, re.Match[str]]]:
        """The arrays that the convention knows: gradients alone where they are asked for and named so."""
        tried = ((name, self.convention.pattern.match(_plain(name))) for name in self.file.names)
        found = [(name, match) for name, match in tried if match]
        named_so = [one for one in found if one[1]["grad"]]
        if self.prefix:
            return named_so or found
        return [one for one in found if one not in named_so]

    @cached_property
    def weights(self) -> dict[str, str]:
        """The file's names of the weights, by layer."""
        owned = self._owned
        return {match["layer"]: name for name, match in self._matches if match["W"] and name not in owned.values()}

    @cached_property
    def _owned(self) -> dict[str, str]:
        """The file's names of what activations own, by bp's: in PyTorch's manner weights of one number, in their order.

        bp's own names where the file has not as many.
        """
        layout, prefix = self.layout, self.prefix
        needed = [f"{prefix}{kind}{l}" for l in range(1, len(layout.sizes)) for kind in layout.owned(l)]
        weights = {match["layer"]: name for name, match in self._matches if match["W"]}
        found = {layer: name for layer, name in weights.items() if needed and self._shape(name) in ((), (1,))}
        theirs = [found[layer] for layer in sorted(found, key=_numbers)]
        return dict(zip(needed, theirs if len(theirs) == len(needed) else needed, strict=True))

    @cached_property
    def biases(self) -> dict[str, str]:
        """The names of the biases, by layer: the file's, or what it would call one that it lacks."""
        weights = {match["layer"]: match for _, match in self._matches if match["layer"] in self.weights and match["W"]}
        missing = {
            layer: match.string[: match.start("W")] + self.convention.bias + match.string[match.end("W") :]
            for layer, match in weights.items()
        }
        return missing | {match["layer"]: name for name, match in self._matches if match["b"]}

    @property
    def naming(self) -> Naming:
        """The names by bp's own ones.

        Raises:
            DataError: the number of layers is another.
        """
        sizes, prefix = self.layout.sizes, self.prefix
        if len(self.weights) != len(sizes) - 1:
            count = f"{len(self.weights)} layer{'s' * (len(self.weights) != 1)}"
            raise DataError(
                f"it holds {count} ({listed(self.weights.values())}), where the network has {len(sizes) - 1}",
                str(self.file.path),
                f"the network's layers are {'-'.join(map(str, sizes))}",
            )
        ordered = min(_orders(list(self.weights)), key=self._misfits(sizes))
        found = dict(self._owned)
        for l, layer in enumerate(ordered, start=1):
            found |= {f"{prefix}W{l}": self.weights[layer], f"{prefix}b{l}": self.biases[layer]}
        names = {name: found[name] for name in own_names(self.layout, prefix)}
        return Naming(names, self.convention.framework, self.convention.turned)

    def _misfits(self, sizes: tuple[int, ...]) -> Callable[[list[str]], int]:
        """How badly layers in some order fit the network's shapes: 1 for a transposed weight, 2 for another shape."""
        shapes = {layer: self._shape(name) for layer, name in self.weights.items()}
        needed = [(fan_in, n) if self.convention.turned else (n, fan_in) for fan_in, n in pairwise(sizes)]

        def misfit(shape: tuple[int, ...], right: tuple[int, int]) -> int:
            return 0 if shape == right else 1 if shape == right[::-1] else 2

        return lambda order: sum(map(misfit, (shapes[layer] for layer in order), needed))

    def _shape(self, name: str) -> tuple[int, ...]:
        """An array's shape, () if it is no array of numbers (reading it says why)."""
        try:
            return self.file.declared(name).shape
        except DataError:
            return ()


def _plain(name: str) -> str:
    """A name with its path's parts divided by slashes, where JAX writes ['params']['Dense_0']['kernel']."""
    return re.sub(r"\[['\"]?([^\]'\"]*)['\"]?\]", r"/\1", name).lstrip("/")


def _orders(layers: list[str]) -> Iterator[list[str]]:
    """The layers by their numbers, and kinds of names in every order, first in the file's."""
    stems: dict[str, list[str]] = {}
    for layer in layers:
        stems.setdefault(re.sub(r"[\W\d_]+", " ", layer).strip(), []).append(layer)
    groups = [sorted(group, key=_numbers) for group in stems.values()]
    for order in permutations(groups) if len(groups) <= MOST_STEMS else [groups]:
        yield list(chain.from_iterable(order))


def _numbers(layer: str) -> tuple[int, ...]:
    """The numbers in a layer's path; Keras calls its first layer dense and its second dense_1."""
    return tuple(map(int, re.findall(r"\d+", layer))) or (-1,)
