"""Tables that grow by whole rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bpcli.errors import SystemRefusedError
from bpcli.storage.tables import GrowingTable

from .test_files import failing

HEAD = "a,b\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


@pytest.fixture
def append(path: Path) -> Iterator[Callable[[str], None]]:
    with closing(GrowingTable(path)) as table:
        yield lambda row: table.append(HEAD, row)


def test_text_is_added_at_the_end_as_it_is(path: Path, append: Callable[[str], None]) -> None:
    for row in ("1,ß\r\n", "2,ü\n"):
        append(row)
    assert path.read_bytes() == "a,b\n1,ß\r\n2,ü\n".encode()


def test_text_that_cannot_be_added_is_the_systems_refusal(tmp_path: Path) -> None:
    with pytest.raises(SystemRefusedError, match="can't write: is a directory"):
        GrowingTable(tmp_path).append(HEAD, "row")


def test_the_file_is_opened_once(path: Path, append: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    append("1,2\n")
    monkeypatch.setattr(os, "open", failing)
    for row in ("3,4\n", "5,6\n"):
        append(row)
    assert path.read_text() == "a,b\n1,2\n3,4\n5,6\n"


def test_rows_go_on_in_what_is_under_the_name(path: Path, append: Callable[[str], None]) -> None:
    append("1,2\n")
    path.unlink()
    append("3,4\n")
    assert path.read_text() == "a,b\n3,4\n"
    other = path.with_name("other")
    other.write_text("a,b\n5,6\n")
    other.replace(path)
    append("7,8\n")
    assert path.read_text() == "a,b\n5,6\n7,8\n"
    os.truncate(path, 8)
    append("9,0\n")
    assert path.read_text() == "a,b\n5,6\n9,0\n"
    os.truncate(path, 0)
    append("1,1\n")
    assert path.read_text() == "a,b\n1,1\n"


def test_a_link_put_in_the_place_of_the_file_is_not_followed(path: Path, append: Callable[[str], None]) -> None:
    append("1,2\n")
    kept = path.rename(path.with_name("kept.csv"))
    path.symlink_to(kept)
    with pytest.raises(SystemRefusedError, match="can't write"):
        append("3,4\n")
    assert kept.read_text() == "a,b\n1,2\n"


def test_a_system_that_writes_a_few_bytes_at_a_time_writes_all(
    path: Path, append: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole(descriptor, data[:3]))
    append("1,22222\n")
    assert path.read_bytes() == b"a,b\n1,22222\n"


def test_a_row_for_which_there_is_no_room_is_cut_back(
    path: Path, append: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, room = os.write, [3]

    def short(descriptor: int, data: bytes) -> int:
        if not room:
            failing()
        return whole(descriptor, data[: room.pop()])

    append("1,2\n")
    monkeypatch.setattr(os, "write", short)
    with pytest.raises(SystemRefusedError, match="can't write: no space left on device"):
        append("3,4\n")
    assert path.read_bytes() == b"a,b\n1,2\n"
