"""θ in buckets, and passes that report a layer once its gradient is there, in both engines."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.team import SERIAL, Team
from bpcli.training.compiled import shard_passes
from bpcli.training.compiled.shard_passes import CompiledPasses
from bpcli.training.shards import NumpyPasses, PassesOf, cutting
from bpcli.training.shards.buckets import LEAST_BYTES, Bucket, Reports, buckets_of
from bpcli.training.shards.passes import PassInputs, Views
from tests.training.compiled.support import interpreted, task


def layers(*megabytes: float) -> list[slice]:
    bounds = np.cumsum([0, *(int(one * LEAST_BYTES) // 4 for one in megabytes)]).tolist()
    return [slice(*pair) for pair in pairwise(bounds)]


@pytest.mark.parametrize(
    ("megabytes", "lowest"),
    [
        ((0.4, 0.1), [1]),
        ((3.0,), [1]),
        ((6.0, 16.0, 0.1), [2, 1]),
        ((3.0, 4.0, 4.0, 4.0, 0.1), [4, 3, 2, 1]),
        ((0.1, 0.5, 0.6, 0.3, 0.8), [4, 2, 1]),
    ],
)
def test_layers_are_joined_from_the_last_one_on_until_a_bucket_is_large(
    megabytes: tuple[float, ...], lowest: list[int]
) -> None:
    cut = layers(*megabytes)
    found = buckets_of(cut, 4, overlaps=True)
    assert [bucket.lowest for bucket in found] == lowest
    assert [bucket.entries.start for bucket in found] == [cut[l - 1].start for l in lowest]
    assert [bucket.entries.stop for bucket in found[1:]] == [bucket.entries.start for bucket in found[:-1]]
    assert found[0].entries.stop == cut[-1].stop


def test_where_nothing_overlaps_there_is_one_bucket() -> None:
    assert buckets_of(layers(6, 16, 0.1), 4, overlaps=False) == [Bucket(1, slice(0, layers(6, 16, 0.1)[-1].stop))]


def test_a_bucket_is_done_when_every_shard_has_reported_its_lowest_layer() -> None:
    reports, bucket = Reports(3, 4), Bucket(2, slice(0, 1))
    reports.of_shard[0, 2] = reports.of_shard[1, 3:] = 1
    assert not reports.done(bucket, 2)
    reports.of_shard[1, 2] = 1
    assert reports.done(bucket, 2)
    assert not reports.done(bucket, 3)
    reports.clear()
    assert not reports.done(bucket, 1)


class Seen:
    """Reports that keep what the gradient is when a layer is reported."""

    def __init__(self, out: Array) -> None:
        self.out, self.found = out, dict[int, Array]()

    def __setitem__(self, l: int, one: int) -> None:
        assert one == 1
        self.found[l] = self.out.copy()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("engine", [NumpyPasses, CompiledPasses])
def test_a_layer_is_reported_once_its_gradient_is_there(
    engine: PassesOf, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the layers below, nothing is there yet."""
    monkeypatch.setattr(shard_passes, "load_kernel", interpreted)
    for name in ("ROWS_REPEATED", "LEAST_BAND"):
        monkeypatch.setattr(cutting, name, 1)
    one = task(hidden=("prelu", "tanh", "relu"), widths=(4, 8, 6, 5, 3))
    network, theta = one.network, one.state().theta
    out = np.full_like(theta, np.nan)
    team = SERIAL if threads == 1 else Team(threads)
    passes = engine(PassInputs(one.recipe(), Views(network, [theta, out]), theta.dtype, False, 1, team))
    ws = network.workspace(5, theta.dtype, weighted=False, noisy=True)
    one.examples().gather(np.arange(5), ws.X, ws.Y, None, None)
    seen: Any = Seen(out)
    passes.of(ws, seen)(theta, out, 0.1)
    assert [*seen.found] == [4, 3, 2, 1]
    for l, entries in enumerate(network.layout.layers, start=1):
        then = seen.found[l]
        assert np.isfinite(out[entries]).all()
        assert then[entries.start :].tobytes() == out[entries.start :].tobytes()
        assert np.isnan(then[: entries.start]).all()
