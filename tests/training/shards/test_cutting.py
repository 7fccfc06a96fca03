"""Into how many shards a batch is cut, and into how many bands a layer's units, by the work alone, and how."""

from __future__ import annotations

import pytest

from bpcli.training.shards.cutting import LINE, bands, block_of, pieces, slices, usual_shards


@pytest.mark.parametrize(
    ("m", "parameters", "shards"),
    [
        (32, 101_770, 1),
        (128, 669_706, 1),
        (256, 5_824_522, 1),
        (511, 5_824_522, 1),
        (512, 5_824_522, 2),
        (2048, 5_824_522, 8),
        (1_000_000, 5_824_522, 16),
        (60_000, 1_000, 1),
        (1_000_000, 1_000, 8),
    ],
)
def test_a_batch_is_cut_where_every_shard_has_enough_columns_and_work(m: int, parameters: int, shards: int) -> None:
    assert usual_shards(m, parameters) == shards


@pytest.mark.parametrize(
    ("units", "below", "m", "shards", "count"),
    [
        (511, 784, 4096, 1, 1),
        (512, 512, 32, 1, 1),
        (512, 512, 128, 1, 2),
        (2048, 784, 512, 1, 4),
        (2048, 784, 256, 2, 2),
        (2048, 784, 128, 4, 1),
        (100_000, 784, 512, 1, 4),
    ],
)
def test_a_layer_has_bands_where_each_has_enough_units_and_work(
    units: int, below: int, m: int, shards: int, count: int
) -> None:
    found = bands(units, below, m, shards)
    assert (len(found), found[0].start, found[-1].stop) == (count, 0, units)


@pytest.mark.parametrize("length", [1, 7, 32_768, 32_769, 100_001])
def test_pieces_and_slices_cover_everything_once_and_are_even(length: int) -> None:
    for cut in (pieces(slice(0, length)), slices(length, min(length, 5))):
        assert [k for one in cut for k in range(length)[one]] == list(range(length))
        sizes = [one.stop - one.start for one in cut]
        assert max(sizes) - min(sizes) <= (1 if len(cut) == 5 else 2 * LINE)
        assert max(sizes) < (1 << 15) + LINE or len(cut) == 5


def test_no_rank_has_more_shards_of_a_batch_with_fewer() -> None:
    for ranks in range(1, 10):
        before = [0] * ranks
        for shards in range(40):
            blocks = [block_of(rank, ranks, shards) for rank in range(ranks)]
            assert [k for block in blocks for k in block] == [*range(shards)]
            now = [len(block) for block in blocks]
            assert max(now) - min(now) <= 1
            assert all(few <= many for few, many in zip(before, now, strict=True)), (ranks, shards)
            before = now
