"""Parameters: one vector θ, and matrices that are views of it."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.parameters import Layout, Parameters

from .support import PRECISIONS

SIZES = (3, 4, 2)
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)


def numbered(sizes: tuple[int, ...] = SIZES) -> Parameters:
    """θ_i = i."""
    return Parameters(Layout(sizes), np.arange(Layout(sizes).count, dtype=np.float64))


@pytest.mark.parametrize(
    ("sizes", "expected"), [((1, 1), 2), ((3, 2), 8), ((3, 4, 2), 26), ((784, 30, 10), 23860), ((2, 1, 1, 1), 7)]
)
def test_count_is_weights_and_biases_of_every_layer(sizes: tuple[int, ...], expected: int) -> None:
    assert Layout(sizes).count == expected


def test_theta_holds_w1_b1_w2_b2_each_weight_matrix_row_by_row() -> None:
    parameters = numbered()
    np.testing.assert_array_equal(parameters.W[1], [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]])
    np.testing.assert_array_equal(parameters.b[1], [[12], [13], [14], [15]])
    np.testing.assert_array_equal(parameters.W[2], [[16, 17, 18, 19], [20, 21, 22, 23]])
    np.testing.assert_array_equal(parameters.b[2], [[24], [25]])


def test_views_cover_theta_without_overlap() -> None:
    parameters = numbered()
    for array in (*parameters.W, *parameters.b):
        array += 100
    np.testing.assert_array_equal(parameters.theta, np.arange(26) + 100)


def test_writing_to_theta_changes_the_views() -> None:
    parameters = numbered()
    parameters.theta[:] = -1
    assert all((array == -1).all() for array in (*parameters.W[1:], *parameters.b[1:]))


def test_views_are_contiguous_and_share_the_given_memory() -> None:
    theta = np.zeros(26)
    parameters = Parameters(Layout(SIZES), theta)
    assert parameters.theta is theta
    for array in (*parameters.W[1:], *parameters.b[1:]):
        assert np.shares_memory(array, theta)
        assert array.flags.c_contiguous


def test_index_is_the_layer_and_the_inputs_own_nothing() -> None:
    parameters = numbered()
    assert [W.shape for W in parameters.W] == [(0, 0), (4, 3), (2, 4)]
    assert [b.shape for b in parameters.b] == [(0, 1), (4, 1), (2, 1)]


def test_named_lists_w1_b1_w2_b2_with_biases_as_vectors() -> None:
    named = numbered().named()
    assert list(named) == ["W1", "b1", "W2", "b2"]
    assert [array.shape for array in named.values()] == [(4, 3), (4,), (2, 4), (2,)]


def test_named_arrays_are_views_too() -> None:
    parameters = numbered()
    parameters.named()["b2"][:] = 7
    np.testing.assert_array_equal(parameters.theta[24:], [7, 7])


@pytest.mark.parametrize("shape", [(25,), (27,), (0,), (26, 1), (1, 26)])
def test_a_vector_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"layers \(3, 4, 2\) need \(26,\)"):
        Parameters(Layout(SIZES), np.zeros(shape))
