"""Files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bpcli.errors import ExitStatus, SystemRefusedError
from bpcli.storage.files import append, write


def failing(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_holds_what_was_written(tmp_path: Path) -> None:
    for data in (b"first", b"", b"\0\xff" * 100_000):
        write(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, call, failing)
    with pytest.raises(SystemRefusedError) as caught:
        write(tmp_path / "file", b"new")
    assert caught.value.status == ExitStatus.SYSTEM
    assert caught.value.lines() == [
        f"error: {tmp_path}/file: can't write: no space left on device",
        "hint: check the path, its permissions and the space left",
    ]
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_a_write_that_is_interrupted_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "file", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_a_file_is_synced_before_it_takes_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        calls.append("sync")
        fsync(descriptor)

    def replaced(source: Path, target: Path) -> None:
        calls.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write(tmp_path / "file", b"data")
    assert calls == ["sync", "rename", "sync"]


def test_text_is_added_at_the_end_as_it_is(tmp_path: Path) -> None:
    for text in ("a,b\n", "1,ß\r\n"):
        append(tmp_path / "table.csv", text)
    assert (tmp_path / "table.csv").read_bytes() == "a,b\n1,ß\r\n".encode()


def test_text_that_cannot_be_added_is_the_systems_refusal(tmp_path: Path) -> None:
    with pytest.raises(SystemRefusedError, match="can't write: is a directory"):
        append(tmp_path, "text")
