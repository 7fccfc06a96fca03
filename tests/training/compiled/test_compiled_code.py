"""Compiled code between starts: kept for the user alone, checked before it is read, and never a reason to fail."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

pytest.importorskip("numba")

from bpcli.training.compiled import compiled_code, steps
from bpcli.training.compiled.compiled_code import KEPT, MAGIC, UNUSED, CompiledCode, cache_folder, dependencies, prune
from bpcli.training.compiled.private_folder import PrivateFolder
from bpcli.training.compiled.private_folder import private_folder as opened
from bpcli.training.compiled.source import Source
from bpcli.training.compiled.steps import CompiledSteps

from .support import task

A_STEP = """
from numba import njit

def arrays(*given):
    return []

@njit
def run(theta_rows, losses_rows, tally_rows, X, Y, rates, sizes, settings, size, whole, last, most, step):
    return most, whole, step + whole, 0.0
"""

COMPILED = "compiling the steps of this kind of network, for single examples; "
ONCE, EACH = COMPILED + "it is done once", COMPILED + "it is done at each start, because "


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and a kernel that compiles in no time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(steps, "step_source", lambda program: Source(A_STEP))
    return tmp_path / "cache/bp"


def started() -> list[str]:
    """What a start says before it takes a step."""
    one = task(hidden=(), widths=(2, 3))
    steps = CompiledSteps(one.recipe(), one.state(), one.examples())
    said = list(steps.prepare(1))
    assert steps.kernel is not None
    assert steps.kernel.run.signatures  # type: ignore[attr-defined]
    return said


def kept(cache: Path) -> Path:
    """The one file that is kept."""
    (path,) = cache.iterdir()
    return path


def modes(cache: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in (cache.parent, cache, kept(cache))]


def test_code_is_kept_for_the_user_alone_whatever_the_umask(cache: Path) -> None:
    before = os.umask(0)
    try:
        assert started() == [ONCE]
    finally:
        os.umask(before)
    assert modes(cache) == [0o700, 0o700, 0o600]
    assert started() == []


def someone_elses(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file belong to another user: really if root runs the tests, or else by being another user oneself."""
    if os.geteuid() == 0:
        os.chown(path, 4321, -1, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4321)


def test_nothing_is_read_from_where_others_can_write(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started()
    read: list[str] = []
    monkeypatch.setattr(PrivateFolder, "read", lambda self, name: read.append(name))
    before = kept(cache).read_bytes()
    for folder, mode in [(cache, 0o777), (cache, 0o720), (cache, 0o1777), (cache.parent, 0o777), (cache.parent, 0o770)]:
        usual = folder.stat().st_mode & 0o7777
        folder.chmod(mode)
        assert started() == [f"{EACH}{folder} can be written to by others (mode {mode:04o})"]
        folder.chmod(usual)
    assert read == []
    assert kept(cache).read_bytes() == before


@pytest.mark.parametrize("which", ["", ".."])
def test_nothing_is_read_from_anothers_folder(which: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started()
    folder = (cache / which).resolve()
    someone_elses(folder, monkeypatch)
    (said,) = started()
    assert said.startswith(EACH)
    assert said.endswith("'s")
    assert os.geteuid() or said == f"{EACH}{folder} is user 4321's"


def test_a_sticky_folder_may_lie_on_the_way(cache: Path) -> None:
    cache.parent.mkdir(mode=0o700)
    cache.parent.chmod(0o1777)
    assert [started(), started()] == [[ONCE], []]


def test_ones_own_link_to_ones_own_folder_is_followed(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir(mode=0o700)
    cache.parent.symlink_to("scratch/../scratch")
    assert [started(), started()] == [[ONCE], []]
    assert kept(tmp_path / "scratch/bp").is_file()


def test_a_link_is_as_good_as_its_owner_and_where_it_leads(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    cache.parent.symlink_to(tmp_path / "open")
    assert started() == [f"{EACH}{tmp_path}/open can be written to by others (mode 0777)"]
    (tmp_path / "open").chmod(0o700)
    someone_elses(cache.parent, monkeypatch)
    (said,) = started()
    assert os.geteuid() or said == f"{EACH}the link {cache.parent} is user 4321's"
    cache.parent.unlink()
    cache.parent.symlink_to(cache.parent.name)
    assert started()[0].startswith(EACH)


def test_a_planted_file_is_not_read(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that others can write to, nor a link, a pipe or a folder."""
    started()
    path = kept(cache)
    path.chmod(0o666)
    assert started() == [ONCE]
    moved = path.rename(tmp_path / "elsewhere")
    path.symlink_to(moved)
    assert started() == [ONCE]
    assert not path.is_symlink()
    path.unlink()
    os.mkfifo(path)
    assert started() == [ONCE]
    path.unlink()
    path.mkdir()
    assert started() == [ONCE]
    assert [name.name for name in cache.iterdir()] == [path.name]
    if os.geteuid() == 0:
        path.rmdir()
        moved.rename(path)
        someone_elses(path, monkeypatch)
        assert started() == [ONCE]


class Attack:
    """What runs a function when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return os.mkdir, (self.folder,)


def test_code_without_the_right_digest_is_not_unpickled(cache: Path, tmp_path: Path) -> None:
    started()
    path = kept(cache)
    good = path.read_bytes()
    attack = pickle.dumps(Attack(tmp_path / "attacked"))
    head = len(MAGIC) + 32
    middle = len(good) // 2
    damaged = [good[:head] + attack, attack, b"", good[:head], good[:-1], b"x" + good[1:]]
    damaged.append(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
    for content in damaged:
        path.write_bytes(content)
        assert started() == [ONCE]
        assert not (tmp_path / "attacked").exists()
    other = path.with_name(path.name[:-1] + ("0" if path.name[-1] != "0" else "1"))
    path.rename(other)
    assert started() == [ONCE]


def test_intact_code_that_numba_cannot_read_is_compiled_again(cache: Path) -> None:
    started()
    path = kept(cache)
    data = pickle.dumps("not compiled code")
    path.write_bytes(MAGIC + compiled_code._digest(path.name, data) + data)
    assert started() == []
    assert len(path.read_bytes()) > 1000


def test_whatever_compiled_code_depends_on_is_in_its_name(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: set[str] = set()

    def start() -> None:
        started()
        names.update(path.name for path in cache.iterdir())

    start()
    for change in ["numba", "llvmlite", "numpy", "scipy"]:
        with monkeypatch.context() as patch:
            versions = metadata.version
            patch.setattr(metadata, "version", lambda name: versions(name) + "+" * (name == change))  # noqa: B023
            start()
    with monkeypatch.context() as patch:
        patch.setattr(compiled_code, "__version__", "0")
        start()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version", "4.0")
        start()
    monkeypatch.setattr(steps, "step_source", lambda program: Source(A_STEP + "\n"))
    start()
    assert len(names) == 8


def test_a_cache_that_cannot_be_used_is_done_without(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parent.write_text("", encoding="utf-8")
    (said,) = started()
    assert said.startswith(f"{EACH}the cache cannot be used: ")
    cache.parent.unlink()
    monkeypatch.setattr(PrivateFolder, "write", full)
    assert [started(), started()] == [[ONCE], [ONCE]]


def full(*given: object, **named: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_write_that_fails_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", full)
    assert started() == [ONCE]
    assert list(cache.iterdir()) == []


def test_a_relative_cache_folder_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("here", "", "./here"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / ".cache/bp"


def test_old_code_is_deleted(cache: Path) -> None:
    cache.mkdir(parents=True, mode=0o700)
    now = 1e9
    ages = {f"kernel_{k:04d}": float(k) for k in range(KEPT + 20)}
    ages |= {"kernel_unused": UNUSED + 1, ".kernel_x.part": 10.0, ".kernel_y.part": 4000.0, "notes": 2 * UNUSED}
    for name, age in ages.items():
        (cache / name).write_bytes(b"")
        os.utime(cache / name, (now - age, now - age))
    with opened(cache) as folder:
        prune(folder, now)
    left = {path.name for path in cache.iterdir()}
    assert left == {f"kernel_{k:04d}" for k in range(KEPT)} | {".kernel_x.part", "notes"}


def test_use_counts_and_not_the_day_of_compiling(cache: Path) -> None:
    started()
    os.utime(kept(cache), (0, 0))
    assert started() == []
    assert kept(cache).stat().st_mtime > 0


STARTS = """
import sys
from tests.training.compiled.support import task
from bpcli.training.compiled import kernels, steps
from bpcli.training.compiled.source import Source
from bpcli.training.compiled.steps import CompiledSteps
from tests.training.compiled.test_compiled_code import A_STEP
steps.step_source = lambda program: Source(A_STEP)
one = task(hidden=(), widths=(2, 3))
sys.stdin.read()  # until all are there
started = CompiledSteps(one.recipe(), one.state(), one.examples())
for message in started.prepare(1): pass
for name in range(30):
    code = kernels.CompiledCode(started.kernel.run._cache.name)
    assert code.found and not code.not_kept, code.not_kept
"""


@pytest.mark.slow
def test_simultaneous_starts_on_an_empty_cache_agree(cache: Path) -> None:
    words = [sys.executable, "-c", STARTS]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    starts = [subprocess.Popen(words, **pipes) for _ in range(8)]  # type: ignore[call-overload]
    for start in starts:
        start.stdin.close()
        start.stdin = None
    assert [start.communicate() for start in starts] == [(b"", b"")] * 8
    assert len(list(cache.iterdir())) == 1
    assert CompiledCode(kept(cache).name.split("-")[0]).found


@pytest.mark.parametrize("setting", ["OPT", "LOOP_VECTORIZE", "DUMP_LLVM"])
def test_code_compiled_by_other_settings_of_numba_is_not_taken(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dependencies()
    assert dependencies() == before
    monkeypatch.setattr(f"numba.core.config.{setting}", 7)
    assert dependencies() != before


def test_code_does_not_depend_on_the_number_of_numbas_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dependencies()
    monkeypatch.setattr("numba.core.config.NUMBA_NUM_THREADS", 7)
    assert dependencies() == before
