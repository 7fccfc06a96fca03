"""A core measured: by the products of the engine that trains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bpcli.scaling import products
from bpcli.scaling.compiled_products import compiled, working_memory
from bpcli.scaling.job import Job


def test_compiled_products_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    shapes = (5, 9), (9, 20), (5, 20), (5, 9), (9, 20)
    W, X, Z, dW, dA = (rng.random(shape).astype(np.float32) for shape in shapes)
    X = np.asfortranarray(X)
    compiled()(W, X, Z, dW, dA, working_memory())
    for found, expected in ((Z, W @ X), (dW, Z @ X.T), (dA, W.T @ Z)):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_job_is_measured_by_its_engines_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "blas_rate", lambda *_: 1e9)
    monkeypatch.setattr(products, "compiled_rate", lambda *_: 2e9)
    job = Job((4, 8, 3), 32, 1, 150, 1)
    found = products.measure_for(job, [1, 2])
    assert (found.rates, found.compiled_rates, found.drawing) == (((1e9, 1e9), (1e9, 1e9)), None, {})
    found = products.measure_for(replace(job, compiled=True, drawn={"gaussian": 4}), [1, 2])
    assert found.compiled().rates == ((2e9, 2e9), (2e9, 2e9))
    assert found.drawing["gaussian"] > found.drawing["dropout"] > 0
    assert products.measure_for(replace(job, itemsize=8), [1]).rates == ((2e9,), (2e9,))
