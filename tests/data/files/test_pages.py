"""Memory: pages given back and read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.data.files.pages import Pages, blocks

from ..support import write


def test_blocks_make_up_all_rows_and_depend_on_the_shape_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", 12)

    assert list(blocks(7, 4)) == [(0, 3), (3, 6), (6, 7)]
    assert list(blocks(2, 100)) == [(0, 1), (1, 2)]
    assert list(blocks(0, 4)) == []


def test_pages_of_a_file_are_read_again_after_they_were_given_back(tmp_path: Path) -> None:
    values = np.arange(40_000.0)
    with Path(write(tmp_path, "f", b"x" * 12 + values.tobytes())).open("rb") as file:
        pages = Pages.of_file(file)
    read = pages.array((200, 200), np.dtype(np.float64), 12)

    assert pages.lasting
    for order in (read, read.T):
        pages.release(order)
        np.testing.assert_array_equal(read.reshape(-1), values)
    for rows in (np.array([3, 199, 0]), np.arange(5), np.array([7])):
        pages.prefetch(read, rows)
        np.testing.assert_array_equal(pages.bytes_of(read)[rows].view(np.float64), read[rows])
    assert not read.flags.writeable


def test_room_is_empty_once_it_was_given_back_but_for_its_last_page() -> None:
    pages = Pages.of_memory(80_000)
    room = pages.array((10_000,), np.dtype(np.float64))
    room.fill(1)

    pages.release(room[:5000])

    assert not pages.lasting
    assert room[0] == 0
    assert (room[5000:] == 1).all()


def test_arrays_lie_in_either_order() -> None:
    pages = Pages.of_memory(48)
    pages.array((6,), np.dtype(np.float64))[:] = range(6)

    assert pages.array((2, 3), np.dtype(np.float64)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert pages.array((2, 3), np.dtype(np.float64), fortran=True).tolist() == [[0, 2, 4], [1, 3, 5]]
