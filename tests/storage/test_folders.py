"""Folders that are there with their files, or not at all, and have one writer."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from bpcli.errors import ExitStatus, SystemRefusedError
from bpcli.storage import folders, locks
from bpcli.storage.files import temporary_name, write
from bpcli.storage.folders import NamesTakenError, new_folder
from bpcli.storage.locks import LOCK_FILE, only_writer


def filled(part: Path) -> None:
    write(part / "file", b"data")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def without_locks(*_: object) -> None:
    raise OSError(errno.ENOTSUP, "not supported")


def test_a_folder_has_its_files_from_the_first_moment_on(tmp_path: Path) -> None:
    def fill(part: Path) -> None:
        assert not (tmp_path / "a/b/new").exists()
        assert part.parent == tmp_path / "a/b"
        filled(part)

    with new_folder(tmp_path / "a/b/new", [tmp_path / "a/b/new"], fill) as folder:
        assert names(folder) == [LOCK_FILE, "file"]
    assert names(tmp_path) == ["a", "a/b", "a/b/new", "a/b/new/file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemRefusedError("no space")])
def test_a_folder_that_cannot_be_filled_is_not_there(tmp_path: Path, error: BaseException) -> None:
    def fill(part: Path) -> None:
        filled(part)
        raise error

    with pytest.raises((KeyboardInterrupt, SystemRefusedError)), new_folder(tmp_path / "a", [tmp_path / "a"], fill):
        pass
    assert names(tmp_path) == []


def test_the_first_free_name_is_taken_and_no_other_folder_file_or_link(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("absent")
    taken = [tmp_path / name for name in ("empty", "file", "link")]
    before = names(tmp_path)
    with pytest.raises(NamesTakenError), new_folder(tmp_path / "x", taken, filled):
        pass
    assert names(tmp_path) == before
    with new_folder(tmp_path / "x", [*taken, tmp_path / "free"], filled) as folder:
        assert folder == tmp_path / "free"


def test_a_name_that_is_taken_at_the_last_moment_is_anothers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_text("other")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with new_folder(tmp_path / "a", [tmp_path / "a", tmp_path / "b"], filled) as folder:
        assert folder == tmp_path / "b"
    assert (tmp_path / "a/file").read_text() == "other"


def test_what_dead_processes_left_is_removed_and_what_living_ones_fill_is_not(tmp_path: Path) -> None:
    dead, empty, living = (temporary_name(tmp_path / name) for name in ("dead", "empty", "living"))
    for folder in (dead, empty, living):
        folder.mkdir()
    (dead / LOCK_FILE).write_text("1 on host")
    filled(dead)
    with only_writer(living), new_folder(tmp_path / "new", [tmp_path / "new"], filled):
        assert names(tmp_path) == sorted([living.name, f"{living.name}/.lock", "new", "new/.lock", "new/file"])


def test_parents_are_on_the_disk_before_what_is_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(folders, "sync_folder", synced.append)
    with new_folder(tmp_path / "a/b/new", [tmp_path / "a/b/new"], filled):
        assert synced == [tmp_path, tmp_path / "a", tmp_path / "a/b"]


HOLDING = """
import sys
from pathlib import Path
from bpcli.storage.locks import only_writer

with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_told_which_process_on_which_host_is_the_first(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(SystemRefusedError) as caught, only_writer(tmp_path):
            pass
        assert caught.value.status == ExitStatus.SYSTEM
        assert caught.value.message == f"process {holder.pid} on {platform.node()} is writing to it"
        holder.kill()
    assert names(tmp_path) == [LOCK_FILE]
    with only_writer(tmp_path):  # a dead holder does not block
        assert (tmp_path / LOCK_FILE).read_text() == f"{os.getpid()} on {platform.node()}"
    assert names(tmp_path) == []


def test_a_lock_file_removed_by_its_last_holder_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, removals = locks._lock, [1]

    def lock_after_removal(descriptor: int, *, required: bool) -> None:
        if removals and removals.pop():
            (tmp_path / LOCK_FILE).unlink()
        lock(descriptor, required=required)

    monkeypatch.setattr(locks, "_lock", lock_after_removal)
    with only_writer(tmp_path):
        assert names(tmp_path) == [LOCK_FILE]


def test_where_there_are_no_locks_nobody_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcntl.flock", without_locks)
    with only_writer(tmp_path), only_writer(tmp_path):
        pass
    assert names(tmp_path) == []


def test_where_there_are_no_locks_no_folder_is_taken_for_a_dead_processs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcntl.flock", without_locks)
    living = temporary_name(tmp_path / "living")
    living.mkdir()
    with only_writer(living), new_folder(tmp_path / "new", [tmp_path / "new"], filled):
        assert living.is_dir()
