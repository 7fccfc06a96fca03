"""The rate at which this machine multiplies: one large product, the easiest work there is for a BLAS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.workers.protocol import Task, Trainer, serve

SIDE = 2048
"""Of the square matrices, float32."""


class LargeProduct:
    """A product of two square matrices into a third."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.left, self.right = (rng.standard_normal((SIDE, SIDE), dtype=np.float32) for _ in range(2))
        self.out = np.empty_like(self.left)

    def reset(self) -> None:
        """Nothing changes."""

    def run(self, measurement: int) -> list[float]:
        """The product, once; there is no loss."""
        np.dot(self.left, self.right, self.out)
        return []


def build(task: Task) -> dict[str, Callable[[], Trainer]]:  # noqa: ARG001 - of an interface
    """One way."""
    return {"": LargeProduct}


if __name__ == "__main__":
    serve(build, {"numpy": np.__version__})
