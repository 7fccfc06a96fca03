"""The tree in which gradients are added up, against loops over lists."""

from __future__ import annotations

import pytest

from bpcli.training.shards.adding import additions, depth_first, within
from bpcli.training.shards.cutting import block_of


def level_by_level(names: list[str]) -> str:
    """Neighbours in pairs, an odd one carried, until one is left."""
    while len(names) > 1:
        pairs = [f"({names[k]}+{names[k + 1]})" for k in range(0, len(names) - 1, 2)]
        names = pairs + ([names[-1]] if len(names) % 2 else [])
    return names[0]


@pytest.mark.parametrize("shards", [*range(1, 18), 64, 100])
def test_neighbours_are_added_in_pairs(shards: int) -> None:
    sums = [str(k) for k in range(shards)]
    for into, of in additions(shards):
        sums[into] = f"({sums[into]}+{sums[of]})"
    assert sums[0] == level_by_level([str(k) for k in range(shards)])


@pytest.mark.parametrize("shards", [*range(2, 18), 64, 100])
def test_depth_first_it_is_the_same_tree_in_few_buffers(shards: int) -> None:
    buffers: dict[int, str] = {}
    for left, right, into in depth_first(shards):
        one, other = (str(side) if side >= 0 else buffers[-1 - side] for side in (left, right))
        buffers[into] = f"({one}+{other})"
    assert buffers[0] == level_by_level([str(k) for k in range(shards)])
    assert len(buffers) <= (shards - 1).bit_length()


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 5, 7, 8, 12, 16, 33])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 5, 8])
def test_holders_and_then_all_together_add_up_the_same_tree(shards: int, ranks: int) -> None:
    blocks = [block_of(rank, ranks, shards) for rank in range(ranks)]
    assert [k for block in blocks for k in block] == list(range(shards))
    sums, leaves = {k: str(k) for k in range(shards)}, dict[int, int]()
    for block in blocks:
        own, nodes = within(shards, block)
        for into, of in own:
            assert into in block
            assert of in block
            sums[into] = f"({sums[into]}+{sums.pop(of)})"
        leaves |= nodes
    assert sorted(sums) == [*leaves]
    assert [*leaves.values()] == [*[*leaves][1:], shards]
    buffers: dict[int, str] = {}
    for left, right, into in depth_first(shards, leaves):
        one, other = (sums[side] if side >= 0 else buffers[-1 - side] for side in (left, right))
        buffers[into] = f"({one}+{other})"
    assert buffers.get(0, sums[0]) == level_by_level([str(k) for k in range(shards)])


def test_a_block_of_a_power_of_two_is_one_node() -> None:
    assert [within(16, block_of(rank, 4, 16)).nodes for rank in range(4)] == [{0: 4}, {4: 8}, {8: 12}, {12: 16}]
