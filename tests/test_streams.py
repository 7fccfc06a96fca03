"""A stream of randomness for each purpose."""

from __future__ import annotations

from itertools import combinations
from typing import get_args

import numpy as np
import pytest
from numpy.random import SeedSequence

from bpcli.seeding import states
from bpcli.streams import TOGETHER, Purpose, stream, stream_of_epoch

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def draws(seed: int, purpose: Purpose, epoch: int = 0, step: int | None = None) -> list[int]:
    return [int(number) for number in stream(seed, purpose, epoch, step).integers(0, 2**63, 8)]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_same_key_gives_the_same_numbers(purpose: Purpose) -> None:
    assert draws(3, purpose, 5) == draws(3, purpose, 5)


def test_seeds_purposes_and_epochs_each_give_numbers_of_their_own() -> None:
    keys = [(seed, purpose, epoch) for seed in (0, 1, 2**40) for purpose in PURPOSES for epoch in (0, 1, 2)]
    for one, other in combinations([draws(*key) for key in keys], 2):
        assert not set(one) & set(other)


def test_any_epoch_is_entered_without_drawing_those_before() -> None:
    for epoch in range(1, 5):
        stream(0, "shuffle", epoch).permutation(100)
    assert draws(0, "shuffle", 9) == stream(0, "shuffle", 9).integers(0, 2**63, 8).tolist()


def test_each_step_has_numbers_of_its_own_that_need_none_of_the_steps_before() -> None:
    found = {(epoch, step): draws(3, "noise", epoch, step) for epoch in (1, 2) for step in (0, 1, 2**33)}
    for one, other in combinations(found.values(), 2):
        assert not set(one) & set(other)
    assert draws(3, "noise", 2, 1) == found[2, 1]


PINNED: dict[Purpose, int] = {
    "split": 13393391021066065925,
    "initial weights": 7174749904311707011,
    "shuffle": 6977378544889128361,
    "noise": 8451794954964937139,
    "input noise": 612229951689498397,
    "gradient check": 5218870184134476753,
}


@pytest.mark.parametrize("purpose", list(PINNED))
def test_the_numbers_stay_the_same_from_version_to_version(purpose: Purpose) -> None:
    assert int(stream(7, purpose, 2).bit_generator.random_raw()) == PINNED[purpose]


def test_the_numbers_of_a_step_stay_the_same_from_version_to_version() -> None:
    assert int(stream(7, "noise", 2, 5).bit_generator.random_raw()) == 4558217958392351250


def test_seed_and_epoch_do_not_run_into_each_other() -> None:
    assert not np.array_equal(draws(1, "shuffle", 2), draws(2, "shuffle", 1))


KEYS = [(0, 0), (7, 2**32 - 1), (2**40, 3), (2**64 + 5, 77), (2**130 - 1, 2**31), (1, 2, 3, 4, 5)]


@pytest.mark.parametrize("first", [0, 1, 2**32 - 40, 2**32, 2**33 + 64, 2**70])
def test_the_states_of_many_keys_are_those_that_numpy_gives_each(first: int) -> None:
    for key in KEYS:
        found = states(key, range(first, first + 40))
        expected = [SeedSequence((*key, number)).generate_state(4, np.uint64) for number in range(first, first + 40)]
        np.testing.assert_array_equal(found, expected)


def test_numbers_that_differ_in_higher_words_have_no_states_together() -> None:
    with pytest.raises(AssertionError, match="higher words"):
        states((1,), range(2**32 - 1, 2**32 + 1))


def test_the_streams_of_epochs_are_those_that_are_opened_one_by_one() -> None:
    for seed in (0, 9, 2**50):
        for epoch in (1, 2, 2, TOGETHER - 1, TOGETHER, 1, 5 * TOGETHER + 3, 2**32 + 1):
            found, expected = stream_of_epoch(seed, "shuffle", epoch), stream(seed, "shuffle", epoch)
            assert found.permutation(150).tolist() == expected.permutation(150).tolist()
            assert found.bit_generator.state == expected.bit_generator.state
