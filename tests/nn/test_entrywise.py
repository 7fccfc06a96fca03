"""Bounds and slopes, which are computed by the quicker of two ways, are those of the plain way."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.entrywise import at_least, at_most, beyond, clamp, nonzero, within

from .support import PRECISIONS

SPECIAL = (0.0, -0.0, 1.0, -1.0, 6.0, 3.5, -7.0, 1e-45, -1e-45, np.inf, -np.inf, np.nan)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_an_array_beside_a_number_gives_numpys_own_bits(dtype: str) -> None:
    Z = np.resize(np.array(SPECIAL, dtype), (7, 11))
    out, spare, flags = np.empty_like(Z), np.empty_like(Z), np.empty(Z.shape, np.bool_)
    for bound in (0, 6, -1, 0.01):
        at_least(Z, bound, out)
        assert out.tobytes() == np.maximum(Z, bound).tobytes()
        at_most(Z, bound, out)
        assert out.tobytes() == np.minimum(Z, bound).tobytes()
        beyond(Z, bound, out, flags)
        np.testing.assert_array_equal(out, np.where(np.asarray(bound, dtype) < Z, 1, 0))
    clamp(Z, -1, 6, out, spare)
    assert out.tobytes() == np.minimum(np.maximum(Z, -1), 6).tobytes()
    within(Z, -1, 6, out, spare, flags)
    np.testing.assert_array_equal(out, np.where((Z > -1) & (Z <= 6), 1, 0))
    nonzero(Z, out, flags)
    np.testing.assert_array_equal(out, np.where(Z == 0, 0, 1))
