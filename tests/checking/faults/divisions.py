"""The divisions: 1/m and 1/n_L left out, applied twice, or by another number."""

from __future__ import annotations

from .mechanism import Fault, Pass, PerUse, Pieces, biases, of, scale, weights


def m_twice(at: Pass) -> float:
    return scale(at) / at.ws.m


def n_twice(at: Pass) -> float:
    return scale(at) / at.network.sizes[-1]


def with_the_full_size() -> Pieces:
    sizes: list[int] = []

    def wrong(at: Pass) -> float:
        sizes.append(at.ws.m)
        return scale(at) * at.ws.m / max(sizes)

    return Pieces(scale=wrong)


def divided_at_each_hidden_layer(at: Pass, l: int) -> None:
    weights(at, l)
    if l < at.last:
        at.gradient.W[l][...] /= at.ws.m


def undivided(at: Pass, l: int) -> None:
    biases(at, l)
    at.gradient.b[l][...] *= at.ws.m


FAULTS: dict[str, Fault] = {
    "1/m is dropped": Fault(Pieces(scale=lambda at: scale(at) * at.ws.m)),
    "1/m is applied twice": Fault(Pieces(scale=m_twice)),
    "1/m is applied once more at each hidden layer's dW": Fault(
        Pieces(weights=divided_at_each_hidden_layer), layer=2, kinds="W"
    ),
    "1/m is dropped from db alone": Fault(Pieces(biases=undivided), kinds="b"),
    "1/(m − 1) stands for 1/m": Fault(Pieces(scale=lambda at: scale(at) * at.ws.m / (at.ws.m - 1))),
    "the sum over examples is treated as a mean": Fault(Pieces(scale=m_twice), subject=of(examples="sum")),
    "the short batch is averaged with the full size": Fault(PerUse(with_the_full_size), batches=("shorter",)),
    "1/n_L is dropped": Fault(
        Pieces(scale=lambda at: scale(at) * at.network.sizes[-1]),
        subject=of(output="identity", name="half_squared_error"),
    ),
    "1/n_L is applied twice": Fault(
        Pieces(scale=n_twice), subject=of(output="sigmoid", name="binary_cross_entropy", outputs="mean")
    ),
    "the sum over outputs is treated as a mean": Fault(Pieces(scale=n_twice)),
    "1/n_0 stands for 1/m": Fault(
        Pieces(scale=lambda at: scale(at) * at.ws.m / at.network.sizes[0]),
        batches=("full",),  # the shorter one has n_0 examples
    ),
}
