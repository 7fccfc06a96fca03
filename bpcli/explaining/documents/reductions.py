"""Sums and means: a document's loss and gradients against those of the config's loss.

Both add up the same terms; each divides by the number of outputs, of examples,
of both or of neither, and a document may point uphill. So one is the other times
a number, 1 where the config does as the document does.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpcli.explaining.trace import Trace
from bpcli.nn.losses import Reduction


@dataclass(frozen=True)
class Own:
    """A document's way: its reductions, the sign of its gradient, and its letters for n_L and m."""

    outputs: Reduction
    examples: Reduction
    n: str
    m: str
    sign: int = 1
    loss: str = ""


@dataclass(frozen=True)
class Factor:
    """bp's gradient is ``engine`` times the document's; ``markup`` is |engine| in symbols, empty where 1."""

    engine: float
    document: float
    markup: str

    @property
    def uphill(self) -> bool:
        """Whether the document's gradient points the other way."""
        return self.engine < 0


def factor(trace: Trace, own: Own) -> Factor:
    """How bp's numbers become the document's."""
    loss = trace.network.head.loss
    powers = [
        (own.n, trace.outputs, (own.outputs == "mean") - (loss.outputs == "mean")),
        (own.m, trace.m, (own.examples == "mean") - (loss.examples == "mean")),
    ]
    over, under, up, down = 1, 1, [], []
    for letter, size, power in powers:
        if power > 0 and size > 1:
            over *= size
            up.append(letter)
        if power < 0 and size > 1:
            under *= size
            down.append(letter)
    markup = " ".join(up) if not down else rf"\frac{{{' '.join(up) or '1'}}}{{{' '.join(down)}}}"
    return Factor(own.sign * over / under, own.sign * under / over, markup)


def remark(trace: Trace, own: Own) -> tuple[str, ...]:
    """What the loss step says where the config's loss is not the document's."""
    found = factor(trace, own)
    if found.engine == 1:
        return ()
    loss = trace.network.head.loss
    sign = "-" if found.uphill else ""
    times = sign + (rf"{found.markup} \cdot " if found.markup else "") + own.loss
    reductions = f"outputs: {loss.outputs}, examples: {loss.examples}"
    said = f"This config's loss ({reductions}) is ${times}$ = {trace.loss:.6g}"
    if not found.markup:
        return (f"{said}: it is lowered where this document's ${own.loss}$ is raised.",)
    return (f"{said}; its gradients are the ones below times the same factor, ${sign}{found.markup}$.",)
