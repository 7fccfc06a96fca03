"""The pages of the documentation: their commands run and print what they show, and their YAML is read as a config."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpcli.config.document import dump, parse
from bpcli.config.reading import read_config
from bpcli.errors import BpError
from docs.generate.blocks import SETUP, Commands, fences, prints, steps
from docs.generate.page_runs import PageError, checkout, run_page
from tests.cli.support import bp
from tests.project.test_coming_from import BASE, merged
from tests.test_pytest_plugin import session

ROOT = Path(__file__).parents[2]
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", ROOT / "datasets/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
QUICK = ("README.md", "docs/learn/first-network.md", "docs/look_up/exit-statuses.md")
"""Pages that are run in every test; the others are run by ``make test-slow``."""

RUN = [name for name, text in TEXTS.items() if any(isinstance(step, Commands) for step in steps(text))]


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in RUN]
)
def test_the_commands_of_a_page_run_and_print_what_it_shows(name: str, tmp_path: Path) -> None:
    run_page(TEXTS[name], checkout(tmp_path / "bp"))


def test_the_first_block_of_the_readme_has_two_commands() -> None:
    lines = fences(TEXTS["README.md"])[0][1].splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{SETUP} .venv && ") for line in lines)
    assert lines[0].endswith("bp train configs/digits.yaml")
    assert lines[1].endswith("python -m pytest")


def test_every_config_that_a_page_names_exists() -> None:
    named = {
        (name, config)
        for name, text in TEXTS.items()
        for config in re.findall(r"(?:configs/|`)((?:document|modes|mnist)_\w+\.yaml|(?<=configs/)\w+\.yaml)", text)
    }
    assert len(named) > 20
    assert [pair for pair in named if not (ROOT / "configs" / pair[1]).is_file()] == []


def test_the_yaml_of_every_page_is_read_as_a_config(tmp_path: Path) -> None:
    blocks = [(name, text) for name, page in TEXTS.items() for language, text in fences(page) if language == "yaml"]
    assert len(blocks) > 5
    for name, text in blocks:
        given = parse(text, "page", tmp_path).plain()
        base = {**BASE, "data": {}} if "data" in given else BASE
        file = tmp_path / "c.yaml"
        file.write_text(dump(merged(base, given)), encoding="utf-8")
        try:
            read_config(file, [])
        except BpError as error:
            pytest.fail(f"{name}: {text}\n{error}")


def test_the_whole_configs_of_the_page_on_configs_train(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "bp")
    blocks = [text for language, text in fences(TEXTS["docs/look_up/config.md"]) if language == "yaml"]
    assert len(blocks) == 2
    for text in blocks:
        (folder / "configs" / "page.yaml").write_text(text, encoding="utf-8")
        assert bp("train", "configs/page.yaml", "epochs=3", "expect=null", "--quiet", cwd=folder).status == 0


def test_the_pytest_example_finds_a_mistake(tmp_path: Path) -> None:
    (block,) = (text for _, text in fences(TEXTS["docs/do/find-a-bug.md"]) if text.startswith("# test_gradient.py"))
    wrong = block.replace(" / len(y)\n", "\n")
    assert wrong != block
    (tmp_path / "test_it.py").write_text(wrong, encoding="utf-8")
    assert session(tmp_path).returncode == 1


def test_what_a_page_shows_is_compared_with_what_is_printed() -> None:
    printed = "epoch 1/3  loss 0.8747\n  1.0e-06   ████ 0.98\nepoch 3/3  loss 0.2"
    assert prints(printed, printed)
    assert prints("epoch 1/3 loss 0.88\n…\nepoch 3/3 …", printed)
    assert prints("…\nepoch 3/3 loss 0.21", printed)
    assert not prints("epoch 1/3 loss 0.5\n…", printed)
    assert not prints("epoch 2/3 loss 0.88\n…", printed)
    assert not prints("epoch 1/3 loss 0.8747", printed)


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("```sh\necho so\nfalse\n```\n", "they failed:\nso"),
        ("```sh\necho so\n```\n\nprints:\n\n```text\notherwise\n```\n", "they print\nso"),
        ("```sh\necho 'error: so'\n```\n", "they report an error"),
        ("```sh\ntrue\n```\n\n```sh\necho second; exit 3\n```\n", "they failed:\nsecond"),
    ],
)
def test_a_page_whose_commands_do_otherwise_is_noticed(page: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(PageError, match=problem):
        run_page(page, checkout(tmp_path / "bp"))
