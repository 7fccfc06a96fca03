"""What the system refuses is said with its status, and bytes of names survive."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bpcli.cli.failures import failure_of, report
from bpcli.errors import ExitStatus
from tests.cli.support import command, environment, write_config

CONFIG = """
    data: {path: points.csv}
    network: {hidden: [5]}
    loss: cross_entropy
    engine: numpy
    epochs: 1
"""


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_what_the_system_refuses_is_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    segment = ImportError("x.so: failed to map segment from shared object")
    for error, said in (
        (MemoryError(), "out of memory"),
        (segment, "out of memory"),
        (caused(ImportError("see below"), segment), "out of memory"),
        (RuntimeError("can't start new thread"), "can't start a thread"),
        (ImportError("libpng.so: no such file"), "a library can't be loaded: libpng.so: no such file"),
        (OSError(errno.EIO, "Input/output error", "file"), "file: input/output error"),
    ):
        failure = failure_of(error)
        report(failure)
        assert failure.status is ExitStatus.SYSTEM
        assert capsys.readouterr().err.splitlines()[0] == f"error: {said}"


def test_a_module_of_bp_that_cannot_be_loaded_is_a_defect() -> None:
    failure = failure_of(ImportError("no such name", name="bpcli.nn"))
    assert failure.status is ExitStatus.DEFECT
    traceback = Path(failure.lines[-1].rpartition(" ")[2])
    assert "no such name" in traceback.read_text(encoding="utf-8")
    traceback.unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce the limit of addresses")
def test_too_few_addresses_for_the_libraries_are_refused_before_they_load(tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (150_000_000, 150_000_000))

    words = command("config", "show", "points.yaml")
    done = subprocess.run(words, cwd=tmp_path, env=environment(), capture_output=True, preexec_fn=limited)
    assert (done.returncode, done.stdout) == (ExitStatus.SYSTEM, b"")
    assert done.stderr.startswith(b"error: out of memory: there is no room for the 160 MB of addresses")
    assert done.stderr.count(b"\n") == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are not UTF-8")
def test_what_is_printed_names_the_folder_that_exists(tmp_path: Path) -> None:
    from tests.cli.support import points

    points(tmp_path / "points.csv")
    config = tmp_path / os.fsdecode(b"n\xe9.yaml")
    write_config(config, CONFIG)
    for more, printed in (([], b"runs/n\xe9-001\n"), (["--json"], b'"run": "runs/n\\udce9-002"}\n')):
        words = command("train", config.name, "--quiet", *more)
        done = subprocess.run(words, cwd=tmp_path, env=environment(), capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.endswith(printed)
    assert sorted(os.listdir(os.fsencode(tmp_path / "runs"))) == [b"n\xe9-001", b"n\xe9-002"]
