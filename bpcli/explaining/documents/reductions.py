"""Sums and means: how a document's loss and gradients differ from those of the config's loss.

Both add up the same terms. Each divides by the number of outputs, of examples,
of both or of neither, and a document's gradient may point uphill. So one is the
other times a number, which is 1 where document and config agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpcli.explaining.trace import Trace
from bpcli.nn.losses import Reduction


@dataclass(frozen=True)
class DocumentReduction:
    """A document's reductions, its letters for n_L and m and for the loss, and the sign of its gradient."""

    outputs: Reduction
    examples: Reduction
    n: str
    m: str
    sign: int = 1
    loss: str = ""


@dataclass(frozen=True)
class GradientRatio:
    """bp's gradient is ``engine`` times the document's, and the document's is ``document`` times bp's.

    ``markup`` is |engine| in symbols; it is empty where that is 1.
    """

    engine: float
    document: float
    markup: str

    @property
    def uphill(self) -> bool:
        """Whether the document's gradient points the other way."""
        return self.engine < 0


def gradient_ratio(trace: Trace, reduction: DocumentReduction) -> GradientRatio:
    """The ratio of bp's gradient and the document's."""
    loss = trace.network.head.loss
    powers = [
        (reduction.n, trace.outputs, (reduction.outputs == "mean") - (loss.outputs == "mean")),
        (reduction.m, trace.m, (reduction.examples == "mean") - (loss.examples == "mean")),
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
    return GradientRatio(reduction.sign * over / under, reduction.sign * under / over, markup)


def loss_notes(trace: Trace, reduction: DocumentReduction) -> tuple[str, ...]:
    """What the loss step says where the config's loss is not the document's."""
    ratio = gradient_ratio(trace, reduction)
    if ratio.engine == 1:
        return ()
    loss = trace.network.head.loss
    sign = "-" if ratio.uphill else ""
    product = sign + (rf"{ratio.markup} \cdot " if ratio.markup else "") + reduction.loss
    reductions = f"outputs: {loss.outputs}, examples: {loss.examples}"
    equation = f"This config's loss ({reductions}) is ${product}$ = {trace.loss:.6g}"
    if not ratio.markup:
        return (f"{equation}: it is lowered where this document's ${reduction.loss}$ is raised.",)
    return (f"{equation}; its gradients are the ones below times the same factor, ${sign}{ratio.markup}$.",)
