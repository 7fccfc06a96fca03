"""The noise of each update, whatever engine takes it and wherever training continues.

Numbers are drawn for blocks of updates, each block from a stream of its own: to open a stream for
every update of a few examples would cost more than the update. An update's numbers follow
from its number alone, so any update can be taken again by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import Workspace
from bpcli.streams import Purpose, stream
from bpcli.training.recipe import Recipe

EXAMPLES = 256
"""Examples whose updates draw from one stream."""

Arrays = Sequence[Array | None]
"""Arrays by layer, None for a layer without noise."""


@dataclass
class Blocks:
    """The numbers of blocks of updates, (updates, …) each; the last block is kept.

    ``shapes`` gives the arrays' shapes for one update of so many examples.
    """

    seed: int
    purpose: Purpose
    dtype: np.dtype[Any]
    shapes: Callable[[int], list[tuple[int, int] | None]]
    draw: Callable[[Arrays, np.random.Generator], None]
    kept: tuple[int, int] = (-1, 0)
    arrays: list[Array | None] = field(default_factory=list)

    def parts(self, first: int, count: int, width: int) -> Iterator[tuple[slice, list[Array | None]]]:
        """The numbers of ``count`` updates of ``width`` examples from number ``first``, from 0, block by block.

        Each part says which of these updates it is of. It lasts until the next one.
        """
        together = max(1, EXAMPLES // width)
        done = 0
        while done < count:
            block, start = divmod(first + done, together)
            stop = min(together, start + count - done)
            drawn = self._block(block, together, width)
            yield slice(done, done + stop - start), [None if one is None else one[start:stop] for one in drawn]
            done += stop - start

    def _block(self, block: int, together: int, width: int) -> list[Array | None]:
        """The numbers of one block."""
        if self.kept[1] != width:
            self.arrays = [
                None if shape is None else np.empty((together, *shape), self.dtype) for shape in self.shapes(width)
            ]
        if self.kept != (block, width):
            self.draw(self.arrays, stream(self.seed, self.purpose, step=block))
            self.kept = block, width
        return self.arrays


class Noise:
    """What a recipe draws for its updates in the precision ``dtype``: of layers, and of inputs.

    Both have streams of their own. A batch of fewer examples than the plan's has the first ones' numbers.
    """

    def __init__(self, recipe: Recipe, dtype: np.dtype[Any]) -> None:
        self.network, self.of_input, self.batch_size = recipe.network, recipe.input_noise, recipe.plan.batch_size
        sizes, noisy = self.network.sizes, self.network.noisy
        self.layers = Blocks(
            recipe.plan.seed,
            "noise",
            dtype,
            lambda width: [(n, width) if l in noisy else None for l, n in enumerate(sizes)],
            self.network.draw,
        )
        self.inputs = Blocks(
            recipe.plan.seed, "input noise", dtype, lambda width: [(width, sizes[0])], self._draw_for_inputs
        )

    @property
    def exists(self) -> bool:
        """Whether anything is drawn."""
        return bool(self.network.noisy) or self.of_input is not None

    def fill(self, first: int, m: int, noise: Arrays, columns: slice | None = None) -> None:
        """Fill the noise of each layer, (updates, n_l, m), for consecutive updates from number ``first``.

        ``m`` is a batch's number of examples; ``columns`` those of them that the arrays are of.
        """
        if not self.network.noisy:
            return
        count = next(len(one) for one in noise if one is not None)
        for here, drawn in self.layers.parts(first, count, max(m, self.batch_size)):
            for own, numbers in zip(noise, drawn, strict=True):
                if own is not None and numbers is not None:
                    np.copyto(own[here], numbers[..., columns or slice(m)])

    def perturb(self, first: int, m: int, X: Array, rows: slice | None = None) -> None:
        """Change inputs in place, (updates, m, n_0): an example is a row."""
        if self.of_input is None:
            return
        for here, (numbers,) in self.inputs.parts(first, len(X), max(m, self.batch_size)):
            assert numbers is not None
            self.of_input.apply(X[here], numbers[:, rows or slice(m)])

    def apply(self, update: int, m: int, ws: Workspace, columns: slice | None = None) -> None:
        """Fill the noise in a workspace for one update, and change its X, as soon as X is gathered."""
        self.fill(update, m, [None if one is None else one[None] for one in ws.noise], columns)
        self.perturb(update, m, ws.X.T[None], columns)

    def _draw_for_inputs(self, arrays: Arrays, rng: np.random.Generator) -> None:
        (array,) = arrays
        assert self.of_input is not None
        assert array is not None
        self.of_input.draw(array, rng)
