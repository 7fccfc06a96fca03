"""Many small cases in one test."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any


def each(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As pytest's parametrize, in one test, whose failure says which case it is.

    Thousands of cases of a millisecond take longer to be told of, one by one, than to be tried.
    """
    given = (names,) if isinstance(names, str) else names
    tried = [(case,) if isinstance(names, str) else tuple(case) for case in cases]
    assert tried, "a test of no case cannot fail"

    def decorated(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def whole(**others: Any) -> None:
            for case in tried:
                values = dict(zip(given, case, strict=True))
                try:
                    test(**others, **values)
                except BaseException as error:
                    error.add_note(f"in the case {values}")
                    raise

        signature = inspect.signature(test)
        asked = [one for name, one in signature.parameters.items() if name not in given]
        whole.__signature__ = signature.replace(parameters=asked)  # type: ignore[attr-defined]
        return whole

    return decorated
