"""The seconds of a step and the plan made of them: what must grow, what must fall, and where more ranks stop paying."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from bpcli.scaling.arithmetic import Arithmetic
from bpcli.scaling.cluster import Cluster, Network, ethernet
from bpcli.scaling.cost import COUNTING, epoch_seconds, step_seconds
from bpcli.scaling.job import Job
from bpcli.scaling.plan import LEAST_EFFICIENCY, WORTH_DOUBLING, plan, rank_counts, shards_for, worthwhile

CORE = Arithmetic((8, 512), (1, 512), ((1e9, 3e10), (1e10, 6e10)), memory=2e10, call=1e-5)
LARGE = Job((784, 2048, 2048, 10), 4096, 64, 60_000, 5, validation=10_000)
SMALL = Job((4, 10, 3), 32, 1, 150, 100)


def cluster(latency: float = 3e-5, bandwidth: float = 1e9) -> Cluster:
    return Cluster(CORE, Network(latency, bandwidth))


def test_a_step_is_the_sum_of_what_it_consists_of() -> None:
    step = step_seconds(LARGE, cluster(), 8)
    assert step.total == step.arithmetic + step.update + step.exchange
    assert step_seconds(LARGE, Cluster(CORE), 1).exchange == 0


@pytest.mark.parametrize("ranks", [2, 3, 8, 64])
def test_a_better_network_and_a_narrower_network_cost_less(ranks: int) -> None:
    seconds = step_seconds(LARGE, cluster(), ranks).total
    assert step_seconds(LARGE, cluster(latency=1e-5), ranks).total < seconds
    assert step_seconds(LARGE, cluster(bandwidth=2e9), ranks).total < seconds
    assert step_seconds(replace(LARGE, sizes=(784, 1024, 1024, 10)), cluster(), ranks).total < seconds
    assert step_seconds(replace(LARGE, kept=2), cluster(), ranks).total > seconds
    assert step_seconds(replace(LARGE, itemsize=8), cluster(), ranks).total > seconds


def test_more_ranks_have_less_arithmetic_and_never_more_than_their_speed_up() -> None:
    for before, after in zip((1, 2, 4, 8, 16, 32), (2, 4, 8, 16, 32, 64), strict=True):
        one, two = (step_seconds(LARGE, cluster(), ranks) for ranks in (before, after))
        assert two.arithmetic < one.arithmetic
        assert two.total > one.total / 2
    assert all(row.speed_up <= row.ranks for row in plan(LARGE, cluster(), 64))


def test_a_rule_compiled_with_its_step_is_one_pass_and_after_shards_is_not() -> None:
    job = replace(SMALL, kept=2, compiled=True)
    theta = job.parameters * job.itemsize / CORE.memory
    assert step_seconds(job, cluster(), 1).update == pytest.approx((3 + 2 * 2) * theta)
    assert step_seconds(replace(job, kept=0), cluster(), 1).update == 0  # products change θ at once
    for other in (replace(job, compiled=False), replace(job, shards=2)):
        assert step_seconds(other, cluster(), 1).update >= 3 * (1 + 4 * 2) * theta


def test_every_rank_draws_the_numbers_of_the_whole_batch_and_applies_those_of_its_shards() -> None:
    slow = Cluster(replace(CORE, drawing={"gaussian": 1e-3, "dropout": 1e-4}), Network(3e-5, 1e9))
    noisy = replace(LARGE, drawn={"gaussian": 784, "dropout": 10})

    def added(ranks: int) -> float:
        return step_seconds(noisy, slow, ranks).arithmetic - step_seconds(LARGE, slow, ranks).arithmetic

    drawn = 4096 * (784 * 1e-3 + 10 * 1e-4)
    applied = 8 * 4096 * 794 * 4 / CORE.memory
    for ranks in (1, 4):
        assert added(ranks) == pytest.approx(drawn + applied / ranks, rel=1e-9)
    unknown = step_seconds(replace(LARGE, drawn={"own": 1}), slow, 64).arithmetic
    assert unknown - step_seconds(LARGE, slow, 64).arithmetic == pytest.approx(4096 * 1e-3, rel=1e-3)


def test_limited_weights_are_passed_over_in_each_update() -> None:
    job = replace(LARGE, limited=1_000_000)
    more = step_seconds(job, cluster(), 1).update - step_seconds(LARGE, cluster(), 1).update
    assert more == pytest.approx(7 * 4e6 / CORE.memory)


def test_threads_share_out_the_large_products_of_one_kernel_and_the_bands_of_one_shard() -> None:
    swift = Cluster(replace(CORE, call=0.0, memory=1e30), Network(0.0, 1e30))
    job = Job((784, 512, 512, 10), 128, 1, 1280, 1, compiled=True)
    head = 512 * 10 * 128 / CORE.rate(10, 128)  # W₃A₂ and two more of 655,360 multiplications: too few for a crew

    def saved(job: Job, ranks: int = 1) -> float:
        one, two = (step_seconds(job, swift, ranks, threads).arithmetic for threads in (1, 2))
        return 2 * (one - two) / one

    whole = step_seconds(job, swift, 1).arithmetic
    banded = replace(job, compiled=False)
    assert saved(job) == pytest.approx(1 - 3 * head / whole)
    assert saved(banded) == pytest.approx(1 - 2 * head / whole)  # dA₂ is of layer 2
    assert saved(replace(banded, shards=2)) == pytest.approx(1)
    assert saved(replace(banded, shards=2), 2) > 0.9  # each rank has one shard, in bands
    for other in (replace(job, batch_size=32, sizes=(784, 128, 10)), replace(job, shards=2)):
        assert saved(other, other.shards) == 0
    assert saved(replace(job, shards=2, sizes=(4, 10, 3))) == 0  # too little for a thread


def test_a_plan_gives_a_rank_as_many_shards_as_are_quickest_for_its_threads() -> None:
    job, at = Job((784, 2048, 2048, 10), 4096, 1, 60_000, 1), cluster(0.0, 1e30)
    assert shards_for(job, 1, 4) == [1]
    assert shards_for(job, 2, 4) == [2, 4, 8]
    assert shards_for(replace(job, shards=4), 2, 3) == [4, 6]
    for row in plan(job, at, 4, 4):
        others = [
            epoch_seconds(replace(job, shards=count), at, row.ranks, 4) for count in shards_for(job, row.ranks, 4)
        ]
        assert row.epoch == min(others)


def test_ranks_update_their_own_entries_where_nothing_is_as_a_whole() -> None:
    theta = LARGE.parameters * LARGE.itemsize / CORE.memory
    here = Cluster(CORE, Network(1e-6, 1e10, common_memory=True))
    adam = replace(LARGE, shards=8, kept=2)
    adding = 2 + 1 + 3 * 3 / 4  # four ranks have two shards each, and leave four nodes
    for job, at, rule in (
        (replace(adam, kept=0), cluster(), (3 + 4) / 4),
        (adam, here, (3 + 24 + 4) / 4),
        (adam, cluster(), 3 + 24 + 4),
        (replace(adam, elementwise=False), here, 3 + 24 + 4),
        (replace(adam, limited=LARGE.parameters), here, 3 + 24 + 4 + 7),
    ):
        assert step_seconds(job, at, 4).update == pytest.approx((adding + rule) * theta)
    assert step_seconds(adam, here, 1).update == pytest.approx((7 + 3 + 24) * theta)


def test_ranks_of_several_hosts_exchange_the_last_layers_while_backward_goes_on() -> None:
    job = Job((784, 2048, 2048, 10), 512, 2, 512, 1)
    core = replace(CORE, call=0.0, memory=1e30)
    upper, lower = (4 * (2049 * 2048 + 2049 * 10) / 2, 4 * 785 * 2048 / 2)  # bytes of half of a bucket, each way
    results = 512 * (10 * 4 + 8) / 2 + 2 * 16 / 2
    backward = 784 * 2048 * 256 / CORE.rate(784, 256)  # dW₁ of the rank's shard

    def seconds(latency: float, bandwidth: float, *, common_memory: bool = False) -> float:
        network = Network(latency, bandwidth, common_memory)
        return step_seconds(job, Cluster(core, network), 2).exchange

    whole = 2 * (upper + lower) + results
    assert backward < upper / 1e8
    assert seconds(0.0, 1e8) == pytest.approx(whole / 1e8 - backward)
    assert seconds(0.0, 1e8, common_memory=True) == pytest.approx(whole / 1e8)
    assert seconds(0.0, 1e10) == pytest.approx((results + lower + upper + lower) / 1e10)
    assert seconds(1e-3, 1e30) == pytest.approx(6e-3)  # the last bucket is announced, and what is made of it
    assert seconds(1e-3, 1e30, common_memory=True) == pytest.approx(7e-3)


def test_the_compiled_engine_goes_by_its_own_products_where_they_were_measured() -> None:
    job = replace(LARGE, compiled=True)
    twice = replace(CORE, compiled_rates=((2e9, 6e10), (2e10, 1.2e11)), call=0.0, memory=1e30)
    fast, slow = (step_seconds(one, Cluster(twice), 1).arithmetic for one in (job, LARGE))
    assert fast == pytest.approx(slow / 2)
    assert step_seconds(job, Cluster(replace(twice, compiled_rates=None)), 1).arithmetic == pytest.approx(slow)


def test_ranks_without_a_shard_change_nothing() -> None:
    few = replace(LARGE, shards=4)
    assert step_seconds(few, cluster(), 9) == step_seconds(few, cluster(), 4)


def test_threads_share_out_a_ranks_shards() -> None:
    one, four = (step_seconds(LARGE, cluster(), 8, threads) for threads in (1, 4))
    beside = CORE.call * (1 + COUNTING * LARGE.shards)
    assert four.arithmetic - beside == pytest.approx((one.arithmetic - beside) / 4)
    assert four.exchange == one.exchange


def test_an_epoch_has_its_updates_and_forward_passes_over_the_validation_part_shared_out_over_ranks() -> None:
    assert LARGE.updates == 15

    def validation(job: Job, ranks: int, threads: int = 1, at: Cluster = cluster(0.0, 1e30)) -> float:  # noqa: B008
        alone = epoch_seconds(replace(job, validation=0), at, ranks, threads)
        assert alone == pytest.approx(15 * step_seconds(job, at, ranks, threads).total)
        return epoch_seconds(job, at, ranks, threads) - alone

    def close(seconds: float) -> object:
        return pytest.approx(seconds, rel=0.01)  # calls of the exchanges

    ten = validation(LARGE, 1)
    assert ten > 0
    assert validation(LARGE, 2) == close(ten / 2)  # rounds of 8 and 2 passes of 1,024 examples
    assert validation(LARGE, 3) == close(ten * 4 / 10)
    assert validation(LARGE, 2, threads=4) == close(ten * 2 / 10)
    sent = validation(LARGE, 2, at=cluster(0.0, 1e6)) - validation(LARGE, 2)
    assert sent == pytest.approx(10 * (1024 * (10 * 4 + 8) + 16) / 2 / 1e6, rel=1e-3)
    short = replace(LARGE, validation=1000)
    assert validation(short, 2) == pytest.approx(validation(short, 1))
    small = replace(LARGE, sizes=(784, 30, 10))
    assert validation(small, 2) == pytest.approx(validation(small, 1))
    assert validation(replace(LARGE, shards=1), 2) == pytest.approx(ten)


def test_the_worthwhile_number_of_ranks_follows_from_its_two_rules() -> None:
    rows = plan(LARGE, cluster(), 1024)
    best = worthwhile(rows)
    at = rows.index(best)
    assert 1 < best.ranks < 1024
    gains = [after.speed_up / before.speed_up for before, after in pairwise(rows)]
    assert all(gain >= WORTH_DOUBLING for gain in gains[:at])
    assert gains[at] < WORTH_DOUBLING or rows[at + 1].efficiency < LEAST_EFFICIENCY
    assert worthwhile(plan(LARGE, cluster(0.0, 1e30), 8)).ranks == 8


def test_a_second_rank_makes_a_small_network_slower() -> None:
    rows = plan(SMALL, Cluster(CORE, ethernet()), 4)
    assert rows[1].speed_up < 1
    assert worthwhile(rows) is rows[0]


def test_a_plan_gives_every_rank_a_shard_and_ends_with_the_batch() -> None:
    assert rank_counts(6) == [1, 2, 4, 6]
    assert [(row.ranks, row.shards) for row in plan(SMALL, cluster(), 1000)] == [
        *((ranks, ranks) for ranks in (1, 2, 4, 8, 16, 32))
    ]
    assert [row.shards for row in plan(LARGE, cluster(), 128)][-2:] == [64, 128]


def test_memory_and_rank_hours_are_counted_as_by_hand() -> None:
    job = Job((2, 3), 8, 4, 8, 3600, kept=2)
    (first, second) = plan(job, cluster(), 2)
    assert job.parameters == 9
    for row, shards, columns in ((first, 4, 8 + 8), (second, 2, 4 + 8)):  # θ, Adam, both again; kept, dθ of each shard;
        of_parameters = 9 * (2 * (1 + 2) + 1 + shards)
        of_columns = columns * (2 + 3 * 3 + 6 * 3)  # of a batch's part and of evaluation: X, Z, A, dZ, and six as wide
        assert row.memory == 4 * (of_parameters + of_columns)
    assert second.rank_hours == pytest.approx(2 * second.epoch)


def test_calls_count_where_there_is_little_else() -> None:
    idle = Cluster(Arithmetic((1,), (1,), ((1e30,),), memory=1e30, call=1.0), Network(0.0, 1e30))
    job = Job((4, 10, 3), 32, 1, 150, 1)
    assert step_seconds(job, idle, 1).total == pytest.approx(2 + 1)  # two layers, and what is beside them
    assert step_seconds(replace(job, compiled=True), idle, 1).total == pytest.approx(0)
    two = step_seconds(replace(job, shards=2), idle, 2)
    assert two.arithmetic == pytest.approx(2 + 1 + 2 * COUNTING)
    assert two.exchange == pytest.approx(3)  # the scatter, the ring, the results
