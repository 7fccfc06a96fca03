"""The page with the map of the house: every module is on it, and its walk is what a training calls."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, SimpleNamespace
from typing import Any, NamedTuple

import pytest

from bpcli.config.registries import offered
from bpcli.training.compiled import kernels
from docs.generate.commands import command_pages
from tests.cli.support import good
from tests.project.test_layers import PACKAGE, tree
from tests.training.compiled.support import run_in_python

ROOT = PACKAGE.parent
PAGE = (ROOT / "docs" / "understand" / "map.md").read_text(encoding="utf-8")
BLOCK = re.search(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
assert BLOCK is not None
SCREEN = BLOCK[1].splitlines()
NUMPY, NUMBA = BLOCK[1].split("\n\nengine: numba\n")

MODULES = re.findall(r"^\| `([\w/.]+)` \|", PAGE, re.MULTILINE)


class Line(NamedTuple):
    """A line of the walk: a function, and those that it stands below."""

    name: str
    above: tuple[str, ...]


def walk(block: str) -> list[Line]:
    """The functions of a block, in its order."""
    lines: list[Line] = []
    above: list[tuple[int, str]] = []
    for line in block.splitlines():
        depth, name = len(line) - len(line.lstrip()), line.split()[0]
        above = [(further, caller) for further, caller in above if further < depth]
        lines.append(Line(name, tuple(caller for _, caller in above)))
        above.append((depth, name))
    return lines


LINES = walk(NUMPY) + walk(NUMBA)


def file_of(module: str) -> Path:
    """The file for which a path of the map stands."""
    return PACKAGE / module / "__init__.py" if module.endswith("/") else PACKAGE / module


@cache
def defined() -> set[str]:
    """Every class and function of the package by its dotted name, those within others too."""

    def names(body: list[ast.stmt], within: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield f"{within}.{node.name}"
                yield from names(node.body, f"{within}.{node.name}")

    return {name for path in PACKAGE.rglob("*.py") for name in names(tree(path).body, dotted(path))}


def dotted(path: Path) -> str:
    """A file of the package as a dotted name without ``bpcli``."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def test_every_module_is_on_the_map_once() -> None:
    package = PACKAGE / "__init__.py"
    assert sorted(map(file_of, MODULES)) == sorted(path for path in PACKAGE.rglob("*.py") if path != package)


def imports(path: Path) -> Iterator[Path]:
    """The files of the package that a module imports when it is imported."""
    for node in tree(path).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "bpcli":
            for alias in node.names:
                name = "/".join(f"{node.module}.{alias.name}".split(".")[1:])
                for found in (name, name.rpartition("/")[0]):
                    file = PACKAGE / f"{found}.py"
                    if found and file.is_file():
                        yield file
                        break


def test_modules_stand_in_the_order_of_imports() -> None:
    place = {file_of(module): number for number, module in enumerate(MODULES)}
    late = [(dotted(file), dotted(other)) for file in place for other in imports(file) if place[other] > place[file]]
    assert late == []


def test_every_function_of_the_walk_exists() -> None:
    assert [line.name for line in LINES if line.name not in defined()] == []


def test_the_walk_fits_one_screen() -> None:
    assert len(SCREEN) <= 45
    assert max(map(len, SCREEN)) <= 110


PAGES = ["README.md", "CONTRIBUTING.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))]
MADE = {f"commands/{page}" for page in command_pages()} | {f"choices/{kind}.md" for kind in (*offered(), "index")}
"""Pages that are made when the site is built, by folder and name."""

NAMED = re.compile(r"`((?:[\w.]+/)+[\w.]+\.(?:py|md|yaml)|[\w/]+/)`|\]\(([\w/.]+\.md)\)")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_folder_that_a_page_names_exists(page: str) -> None:
    named = [file or link for file, link in NAMED.findall((ROOT / page).read_text(encoding="utf-8"))]
    within = (ROOT, PACKAGE, (ROOT / page).parent)
    written = [name for name in named if "/".join(Path(name).parts[-2:]) not in MADE]
    assert [name for name in written if not any((folder / name).exists() for folder in within)] == []


GLOSSARY = re.findall(
    r"^\| ([\w ]+) \| .+ \| (?:`([\w/]+\.py)`(?: `([\w.]+)`)?|\[\w+\.md\]\(\w+\.md\)) \|$",
    (ROOT / "docs" / "understand" / "glossary.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_the_words_of_the_glossary_stand_in_order() -> None:
    words = [word for word, _, _ in GLOSSARY]
    lines = (ROOT / "docs" / "understand" / "glossary.md").read_text(encoding="utf-8").splitlines()
    assert len(words) == len([line for line in lines if line.startswith("| ")]) - 1
    assert words == sorted(words)


@pytest.mark.parametrize(("file", "name"), [(file, name) for _, file, name in GLOSSARY if file])
def test_what_the_glossary_names_exists(file: str, name: str) -> None:
    path = PACKAGE / file
    assert path.is_file()
    assert not name or f"{dotted(path)}.{name}" in defined() | assigned(path)


def assigned(path: Path) -> set[str]:
    """The names that a module assigns, by their dotted names."""
    targets = [
        target
        for node in tree(path).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    return {f"{dotted(path)}.{target.id}" for target in targets if isinstance(target, ast.Name)}


def called(run: Callable[[], Any]) -> list[Line]:
    """Every call of a function of the walk, with those of them that are under way."""
    names = {line.name for line in LINES}
    found: list[Line] = []

    @cache
    def name_of(code: CodeType) -> str:
        path = Path(code.co_filename)
        if not path.is_relative_to(PACKAGE):
            return ""
        function = code.co_qualname.replace(".<locals>", "").removesuffix(".__init__")
        return f"{dotted(path)}.{function}"

    def notice(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or (name := name_of(frame.f_code)) not in names:
            return
        under_way, caller = [], frame.f_back
        while caller is not None:
            under_way.append(name_of(caller.f_code))
            caller = caller.f_back
        found.append(Line(name, tuple(under_way)))

    before = sys.getprofile()
    sys.setprofile(notice)
    try:
        run()
    finally:
        sys.setprofile(before)
    return found


def not_called(lines: list[Line], calls: list[Line]) -> str:
    """The first line that is not called after those before it, from those above it; nothing if all are."""
    rest = iter(calls)
    for line in lines:
        if not any(call.name == line.name and set(line.above) <= set(call.above) for call in rest):
            return line.name
    return ""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    """The calls of a training by the NumPy engine."""
    folder = tmp_path_factory.mktemp("walk")
    return called(lambda: train(folder, "numpy"))


def train(folder: Path, engine: str) -> None:
    good("train", str(ROOT / "configs/iris.yaml"), "epochs=1", f"engine={engine}", "--quiet", cwd=folder)


def test_a_training_calls_what_the_walk_says(trained: list[Line]) -> None:
    assert not_called(walk(NUMPY), trained) == ""


def test_a_walk_in_another_order_or_depth_is_noticed(trained: list[Line]) -> None:
    build, read = Line("experiment.build", ()), Line("config.reading.read_config", ())
    assert not_called([read, build], trained) == ""
    assert not_called([build, read], trained) == read.name
    assert not_called([read._replace(above=(build.name,))], trained) == read.name


def test_the_compiled_engine_branches_off_where_the_walk_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")

    monkeypatch.setattr(kernels, "_module", lambda name, text: SimpleNamespace(**run_in_python(text)))
    calls = called(lambda: train(tmp_path, "numba"))
    assert not_called(walk(NUMBA), calls) == ""
    assert "training.numpy_steps.NumpySteps.run" not in {call.name for call in calls}
