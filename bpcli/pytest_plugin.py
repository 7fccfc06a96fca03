"""The fixture ``check_gradient`` for pytest: a gradient of one's own against differences of the loss.

pytest loads this module in every session, so the check itself is imported by the tests that use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bpcli.checking.user_slopes import Method
    from bpcli.checking.user_verdicts import CheckedGradient


@pytest.fixture
def check_gradient() -> Callable[..., CheckedGradient]:
    """A function of a loss, its parameters and their gradient that fails the test where the gradient is wrong.

    Parameters and gradient are an array each, or mappings, lists or tuples of arrays alike; the loss takes what
    the parameters are and returns a number. Options: ``method``, "complex-step" or "central"; ``parameters``, how
    many entries of each array are checked; ``seed``, which ones. Returns what was judged and what could not be.
    """

    def check(
        loss: Callable[[Any], Any],
        point: Any,
        gradient: Any,
        /,
        *,
        method: Method | None = None,
        parameters: int | None = None,
        seed: int = 0,
    ) -> CheckedGradient:
        __tracebackhide__ = True
        from bpcli.checking.user_gradient import check_user_gradient
        from bpcli.errors import ConfigError

        try:
            found = check_user_gradient(loss, point, gradient, method=method, parameters=parameters, seed=seed)
        except ConfigError as error:
            refusal = "\n".join(error.lines())
        else:
            refusal = "" if found.passed else found.message
        if refusal:
            pytest.fail(refusal)
        return found

    return check
