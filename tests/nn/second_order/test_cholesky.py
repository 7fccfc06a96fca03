"""Equations by Cholesky's factor, against NumPy's general solver."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.optimizers.second_order import cholesky


@pytest.mark.parametrize("size", [1, 5, 63, 64, 65, 150])
def test_solutions_and_traces_are_those_of_the_general_solver(size: int) -> None:
    rng = np.random.default_rng(size)
    J = rng.normal(size=(size + 3, size))
    matrix, right = J.T @ J + np.eye(size), rng.normal(size=size)
    L = cholesky.factor(matrix)
    assert L is not None
    np.testing.assert_allclose(cholesky.solve(L, right), np.linalg.solve(matrix, right), rtol=1e-10)
    assert cholesky.trace_of_inverse(L) == pytest.approx(np.trace(np.linalg.inv(matrix)), rel=1e-10)


def test_what_is_not_positive_definite_has_no_factor() -> None:
    assert cholesky.factor(np.array([[1.0, 2.0], [2.0, 1.0]])) is None
    assert cholesky.factor(np.array([[np.nan, 0.0], [0.0, 1.0]])) is None
