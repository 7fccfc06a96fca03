"""The house's plan: which room may import which, and who alone imports what."""

from __future__ import annotations

import ast
import gc
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bpcli"

ROOMS = [
    "errors",
    "extras",
    "launcher",
    "lines",
    "ending",
    "cgroups",
    "memory",
    "cores",
    "team",
    "readers",
    "side_by_side",
    "seeding",
    "streams",
    "storage",
    "choices",
    "web",
    "nn",
    "data",
    "training",
    "ranks",
    "scaling",
    "config",
    "starting",
    "experiment",
    "runs",
    "diagnosis",
    "checking",
    "plugins",
    "pytest_plugin",
    "explaining",
    "reporting",
    "figures",
    "report",
    "tracking",
    "display",
    "cli",
]
"""From the ground up: a room imports only from those before it."""

ONLY_IN = {
    "yaml": "config/document.py",
    "pandas": "data/files/pandas_reader.py",
    "rich": "display/",
    "typer": "cli/",
    "pydantic": "config/",
    "safetensors": "storage/tensors.py",
    "pytest": "pytest_plugin.py",
    "numba": "training/compiled/",
    "mpi4py": "ranks/",
    "matplotlib": "figures/",
    "jinja2": "report/page.py",
    "tensorboardX": "tracking/tensorboard.py",
}

CHOICE_ROOMS = ["activations", "initializers", "losses", "metrics", "optimizers"]


@cache
def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")


@cache
def trees() -> dict[Path, ast.Module]:
    """Every file of the package, parsed; looking for garbage among so many nodes would take six times as long."""
    gc.disable()
    try:
        return {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
    finally:
        gc.enable()


def tree(path: Path) -> ast.Module:
    return trees()[path]


@cache
def imported(path: Path) -> list[str]:
    """Every dotted name that a module imports, wherever in it."""
    found: list[str] = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def importing(paths: Iterable[Path], unwanted: Callable[[Path, str], bool]) -> list[tuple[str, str]]:
    """Each import of these modules that is unwanted, after its module."""
    return [(place(path), name) for path in paths for name in imported(path) if unwanted(path, name)]


def room_of(dotted: str) -> str | None:
    parts = dotted.split(".")
    return parts[1] if parts[0] == "bpcli" and len(parts) > 1 and parts[1] in ROOMS else None


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_a_room_imports_only_from_rooms_before_it() -> None:
    def looks_up(path: Path, name: str) -> bool:
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        return own != "__init__" and room_of(name) in ROOMS[ROOMS.index(own) + 1 :]

    assert importing(modules(), looks_up) == []


def test_each_library_has_one_importer() -> None:
    def elsewhere(path: Path, name: str) -> bool:
        return not place(path).startswith(ONLY_IN.get(name.split(".")[0], ""))

    assert importing(modules(), elsewhere) == []


@pytest.mark.parametrize("room", CHOICE_ROOMS)
def test_choice_rooms_do_not_import_one_another(room: str) -> None:
    others = {f"bpcli.nn.{other}" for other in CHOICE_ROOMS if other != room}
    files = [path for path in modules() if place(path).startswith((f"nn/{room}.py", f"nn/{room}/"))]
    assert files
    names = {name for path in files for name in imported(path)}
    assert [name for name in names if name.rpartition(".")[0] in others] == []


def test_data_and_training_never_see_a_config() -> None:
    rooms = [path for path in modules() if place(path).startswith(("data/", "training/"))]
    assert importing(rooms, lambda _, name: room_of(name) in {"config", "experiment"}) == []


def test_click_is_imported_nowhere() -> None:
    assert importing(modules(), lambda _, name: name.split(".")[0] == "click") == []


def test_every_room_is_on_the_plan() -> None:
    found = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()} - {"__init__"}
    assert found == set(ROOMS)


@cache
def known() -> frozenset[str]:
    """Every module of bpcli."""
    return frozenset(map(dotted, modules()))


def imports_of(path: Path) -> set[str]:
    """The modules of bpcli that a module imports, wherever in it."""
    found = set()
    for name in imported(path):
        found |= {name, name.rpartition(".")[0]} & known()
    return found - {dotted(path)}


def dotted(path: Path) -> str:
    parts = ("bpcli", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def test_no_modules_import_one_another_in_a_circle() -> None:
    open_modules = {dotted(path): imports_of(path) for path in modules() if path.name != "__init__.py"}
    while open_modules:
        ready = {name for name, needed in open_modules.items() if not needed & open_modules.keys()}
        assert ready, f"a circle among {sorted(open_modules)}"
        open_modules = {name: needed for name, needed in open_modules.items() if name not in ready}
