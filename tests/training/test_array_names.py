"""Which array is which layer's W or b, by the names that frameworks give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.parameters import Layout
from bpcli.training.array_files import array_file
from bpcli.training.array_names import recognise

SIZES = (2, 5, 4, 3)


def layers_of(*paths: str, shapes: tuple[tuple[int, int], ...] = ((5, 2), (4, 5), (3, 4))) -> list[str]:
    """The paths of the layers in the order in which they are read; ``shapes`` are in the file's order."""
    arrays: dict[str, Array] = {}
    for path, shape in zip(paths, shapes, strict=True):
        arrays |= {f"{path}.weight": np.ones(shape), f"{path}.bias": np.ones(shape[0])}
    file = array_file(Path("a.npz"), arrays)
    names = recognise(
        file, Layout((shapes[0][1], *(n for n, _ in shapes)) if len(set(shapes)) == 1 else SIZES), "d"
    ).names
    return [names[f"dW{layer}"].removesuffix(".weight") for layer in (1, 2, 3)]


SQUARE = ((4, 4), (4, 4), (4, 4))


@pytest.mark.parametrize(
    ("paths", "order"),
    [
        (("fc10", "fc2", "fc1"), ["fc1", "fc2", "fc10"]),
        (("net.4", "net.0", "net.2"), ["net.0", "net.2", "net.4"]),
        (("dense_2", "dense_1", "dense"), ["dense", "dense_1", "dense_2"]),
        (("block1.fc2", "block2.fc1", "block1.fc1"), ["block1.fc1", "block1.fc2", "block2.fc1"]),
        (("below", "middle", "above"), ["below", "middle", "above"]),
        (("fc2", "fc1", "out"), ["fc1", "fc2", "out"]),
    ],
    ids=str,
)
def test_numbers_order_the_layers_and_the_file_where_there_are_none(paths: tuple[str, ...], order: list[str]) -> None:
    assert layers_of(*paths, shapes=SQUARE) == order


def test_shapes_order_what_names_leave_open() -> None:
    found = layers_of("head", "layers.1", "layers.0", shapes=((3, 4), (4, 5), (5, 2)))
    assert found == ["layers.0", "layers.1", "head"]


def test_the_orientation_orders_layers_whose_shapes_fit_either_way() -> None:
    arrays: dict[str, Array] = {}
    for path, shape in (("decoder", (4, 2)), ("encoder", (2, 4))):
        arrays |= {f"{path}.weight": np.ones(shape), f"{path}.bias": np.ones(shape[0])}
    file = array_file(Path("a.safetensors"), arrays)
    assert recognise(file, Layout((4, 2, 4)), "d").names["dW1"] == "encoder.weight"


def test_shapes_never_overrule_numbers() -> None:
    assert layers_of("fc3", "fc2", "fc1") == ["fc1", "fc2", "fc3"]


def test_gradients_are_told_from_parameters_in_one_file() -> None:
    arrays = {
        f"0.{kind}{end}": np.ones(shape)
        for kind, shape in (("weight", (3, 2)), ("bias", (3,)))
        for end in ("", ".grad")
    }
    file = array_file(Path("a.npz"), arrays)
    assert recognise(file, Layout((2, 3)), "d").names == {"dW1": "0.weight.grad", "db1": "0.bias.grad"}
    assert recognise(file, Layout((2, 3)), "").names == {"W1": "0.weight", "b1": "0.bias"}


def test_own_names_come_before_a_frameworks() -> None:
    arrays = {name: np.ones((3, 2)) for name in ("0.weight", "0.bias", "dW1")}
    file = array_file(Path("a.npz"), arrays)
    naming = recognise(file, Layout((2, 3)), "d")
    assert (naming.names, naming.words) == ({"dW1": "dW1", "db1": "db1"}, "")
