"""What ranks send in a step, against a simulation that sends every message of the exchange."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest

from bpcli.scaling.exchange import EAGER, NOTHING, gradient_traffic, nodes_of, own_additions, results_traffic, waits

Node = tuple[int, int]
"""The first shard of a node and the one after its last."""


@dataclass
class Sent:
    """What each rank sent and received: messages, and entries of vectors."""

    sent: Counter[int] = field(default_factory=Counter)
    received: Counter[int] = field(default_factory=Counter)

    def message(self, source: int, target: int) -> None:
        self.sent[source] += 1
        self.received[target] += 1


def holders(shards: int, ranks: int) -> list[int]:
    """The rank of each shard: neighbours are together, and each rank has as many as if they were dealt out."""
    return sorted(shard % ranks for shard in range(shards))


def nodes_apart(shards: int, ranks: int) -> dict[Node, int]:
    """The largest nodes of the tree whose shards are all of one rank, with that rank: levels built from the leaves."""
    rank_of = holders(shards, ranks)
    level = [(shard, shard + 1) for shard in range(shards)]
    owned = dict(zip(level, rank_of, strict=True))
    while len(level) > 1:
        above = [(level[k][0], level[min(k + 1, len(level) - 1)][1]) for k in range(0, len(level), 2)]
        for start, stop in above:
            if len(set(rank_of[start:stop])) == 1:
                for node in [node for node in owned if start <= node[0] and node[1] <= stop]:
                    del owned[node]
                owned[start, stop] = rank_of[start]
        level = above
    return owned


def simulated(shards: int, ranks: int) -> tuple[Sent, Sent]:
    """The messages of the scatter, where each rank gets its share of every node, and of the gather of what it makes."""
    scatter, gather = Sent(), Sent()
    for source in nodes_apart(shards, ranks).values():
        for target in range(ranks):
            if target != source:
                scatter.message(source, target)
    for rank in range(ranks):
        for other in range(ranks):
            if other != rank:
                gather.message(rank, other)
    return scatter, gather


@pytest.mark.parametrize("ranks", [2, 3, 4, 5, 8, 12])
def test_traffic_is_that_of_the_busiest_rank_of_a_simulation(ranks: int) -> None:
    parameters = 120 * ranks
    for shards in range(ranks, 4 * ranks + 2):
        scatter, gather = simulated(shards, ranks)
        messages = max(*scatter.sent.values(), *scatter.received.values()) + max(gather.sent.values())
        found = gradient_traffic(parameters, 4, shards, ranks)
        assert (found.latencies, found.messages) == (2, messages), shards
        assert found.count == messages * 120 * 4, shards


def test_blocks_that_are_subtrees_send_one_node_and_three_ranks_send_more() -> None:
    assert nodes_of(16, 4) == (1, 1, 1, 1)
    assert nodes_of(8, 3) == (2, 2, 1)  # shards 0 1 2 | 3 4 5 | 6 7
    assert nodes_of(3, 3) == (1, 1, 1)
    assert nodes_of(7, 2) == (1, 1)  # 0 1 2 3 | 4 5 6: all; 4+5 with 6
    assert nodes_of(7, 3) == (2, 2, 2)  # 0 1 2 | 3 4 | 5 6: 0+1 and 2; 3 and 4; 5 and 6
    assert [own_additions(shards, 2) for shards in (2, 4, 7, 16)] == [0, 1, 3, 7]
    assert own_additions(8, 3) == 1


def test_results_are_doubled_up_to_all_ranks() -> None:
    for ranks in range(2, 20):
        held, rounds = 1, 0
        while held < ranks:
            held, rounds = 2 * held, rounds + 1
        found = results_traffic(640, 10, 4, ranks, ranks)
        assert (found.latencies, found.messages) == (rounds, rounds)
        whole = 640 * (10 * 4 + 8) + ranks * 16
        assert found.count == pytest.approx(whole - whole / ranks)


def test_one_rank_sends_nothing_and_long_messages_wait_for_an_answer() -> None:
    assert gradient_traffic(1000, 4, 8, 1) == results_traffic(10, 3, 4, 8, 1)
    assert gradient_traffic(1000, 4, 8, 1) == NOTHING
    assert (waits(EAGER), waits(EAGER + 1)) == (1, 3)
