"""Files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bpcli.errors import ExitStatus, SystemRefusedError
from bpcli.storage import files
from bpcli.storage.files import write


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


def test_a_link_planted_under_a_temporary_name_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    monkeypatch.setattr("secrets.token_hex", lambda _: "00000000")
    files.temporary_name(tmp_path / "file").symlink_to(tmp_path / "victim")
    with pytest.raises(SystemRefusedError, match="can't write: file exists"):
        write(tmp_path / "file", b"data")
    assert (tmp_path / "victim").read_bytes() == b"mine"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_file_keeps_its_permissions_and_a_link_to_it(tmp_path: Path, mode: int) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(mode)
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "other name").hardlink_to(tmp_path / "file")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
    assert (tmp_path / "other name").read_bytes() == b"old"


def test_a_name_as_long_as_the_system_takes_can_be_written(tmp_path: Path) -> None:
    write(tmp_path / ("ß" * 127), b"data")
    assert (tmp_path / ("ß" * 127)).read_bytes() == b"data"


def test_temporaries_are_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = ["file", ".file.part", "x.file.1-00000000.part", ".file.1-0000000g.part"]
    for name in [*kept, ".file.1-00000000.part", ".a.b\n.99-89abcdef.part"]:
        (tmp_path / name).touch()
    (tmp_path / ".folder.1-00000000.part").mkdir()
    files.remove_temporaries(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, ".folder.1-00000000.part"])
