"""The fixture ``check_gradient``, in sessions of pytest of their own."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.cli.support import ROOT, environment

TESTS = """
import sys
import numpy as np

def loss(t):
    return (t ** 3).sum()

POINT = np.array([[1.0, 2.0]])

def test_right(check_gradient):
    found = check_gradient(loss, POINT, 3 * POINT ** 2)
    assert (found.method, found.judged) == ("complex-step", 2)

def test_wrong(check_gradient):
    check_gradient(loss, POINT, 2 * POINT ** 2, method="central", parameters=1, seed=3)

def test_refused(check_gradient):
    check_gradient(loss, POINT, np.zeros(3))

def broken(t):
    return t.nothing

def test_broken(check_gradient):
    check_gradient(broken, POINT, POINT)
"""


def session(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A session of pytest with the plugin, however bp is installed."""
    plugin = ("-p", "no:bp_gradcheck", "-p", "bpcli.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:randomly")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", *plugin, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_fixture_fails_a_test_whose_gradient_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    done = session(tmp_path)
    assert "3 failed, 1 passed" in done.stdout
    assert "the gradient is wrong at 1 of 1 entries, by central\nrow 0, column " in done.stdout.replace("E       ", "")
    assert "error: the gradient has shape (3,), the parameters (1, 2)" in done.stdout
    assert "has no attribute 'nothing'" in done.stdout
    for hidden in ("pytest_plugin.py", "user_", "During handling of the above", "direct cause"):
        assert hidden not in done.stdout


def test_a_session_that_does_not_use_it_does_not_load_the_check(tmp_path: Path) -> None:
    loaded = "[name for name in sys.modules if name.startswith(('bpcli.c', 'bpcli.nn'))]"
    code = f"import sys\ndef test_it():\n    assert not {loaded}\n"
    (tmp_path / "test_it.py").write_text(code, encoding="utf-8")
    done = session(tmp_path)
    assert done.returncode == 0, done.stdout


def test_the_plugin_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert declared["project"]["entry-points"]["pytest11"] == {"bp_gradcheck": "bpcli.pytest_plugin"}
