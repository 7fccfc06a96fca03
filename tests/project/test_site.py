"""The documentation site: what is looked up is all there, links lead somewhere, nothing is loaded from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpcli.choices import settings_of
from bpcli.config.registries import KINDS, offered
from bpcli.errors import ExitStatus
from bpcli.runs.folder import RUN_FILES
from docs.generate import choices, sources
from docs.generate.commands import command_pages, commands
from docs.generate.facts import exit_statuses, run_files
from docs.generate.formulas import formula_lines
from docs.generate.keys import key_tables, meaning_and_default, sections
from docs.generate.links import problems
from docs.generate.pictures import picture


def test_every_key_says_what_it_means_and_what_holds_without_it() -> None:
    keys = [(path, key, field) for path, section in sections() for key, field in section.known_keys().items()]
    silent = [f"{path}.{key}" for path, key, field in keys if not all(meaning_and_default(field))]
    assert silent == [f"network.hidden.{key}" for key in ("units", "activation", "initializer", "dropout", "max_norm")]
    table = key_tables()
    assert [key for _, key, _ in keys if f"{key}`" not in table] == []


def test_every_command_has_a_page_with_its_options_and_an_example() -> None:
    pages = command_pages()
    for words, command in commands():
        page = pages[f"{words.removeprefix('bp ').replace(' ', '-')}.md"]
        assert f"```text\n{words} " in page
        assert f"For example:\n\n```text\n{words} " in page
        assert [param.name for param in command.params if param.opts[0] not in page and param.metavar not in page] == []


def test_an_option_keeps_its_two_hyphens() -> None:
    pages = command_pages()
    for name in pages:
        prose = re.sub(r"```.*?```|`[^`]*`", "", pages[name], flags=re.DOTALL)
        assert " --" not in prose.replace("| ---", ""), name
    assert "With `--derive` also" in pages["explain.md"]


def test_every_choice_has_a_chapter_with_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "picture", lambda kind, name, entry: None)
    pages, pictures = choices.choice_pages()
    assert pictures == {}
    assert pages.keys() - {"index.md"} == {f"{kind}.md" for kind in offered()}
    for kind, registry in offered().items():
        for name, entry in registry.items():
            assert f"\n## `{name}`\n" in pages[f"{kind}.md"]
            for setting in settings_of(entry):
                assert f"| `{setting.name}` |" in pages[f"{kind}.md"]


def test_every_choice_with_a_formula_shows_it_with_the_names_of_its_settings() -> None:
    for kind in ("activations", "losses", "penalties", "clippings", "schedules"):
        for name, entry in KINDS[kind].registry.items():
            lines = formula_lines(kind, entry)
            assert lines, name
            assert all(line.startswith('<p class="formula"><math alttext="') for line in lines)
            assert not any("&lt;" in line for line in lines)
    assert "<mtext>slope</mtext>" in formula_lines("activations", KINDS["activations"].registry["leaky_relu"])[0]


def test_a_formula_has_the_numbers_that_its_choice_fixes_and_no_word_for_a_sign() -> None:
    selu = formula_lines("activations", KINDS["activations"].registry["selu"])
    assert all("1.0507009873554805" in line and "SCALE" not in line for line in selu)
    for name in ("adadelta", "rprop"):
        assert not any("sign" in line for line in formula_lines("optimizers", KINDS["optimizers"].registry[name]))


@pytest.mark.parametrize(("kind", "name"), [("activations", "prelu"), ("losses", "poisson"), ("schedules", "warmup")])
def test_a_choice_is_drawn_from_its_formula(kind: str, name: str) -> None:
    pytest.importorskip("matplotlib")
    data = picture(kind, name, KINDS[kind].registry[name])
    assert data is not None
    assert data.startswith(b"<?xml")
    assert picture("metrics", "accuracy", KINDS["metrics"].registry["accuracy"]) is None


def test_every_status_and_every_file_of_a_run_is_in_its_table() -> None:
    assert [
        status for status in ExitStatus if f"| `{int(status)}` | {status.meaning[:10]}" not in exit_statuses()
    ] == []
    assert [name for name in RUN_FILES if f"| `{name}` |" not in run_files()] == []


def test_every_table_is_on_a_page() -> None:
    texts = [(sources.DOCS / page).read_text(encoding="utf-8") for page in sources.pages()]
    assert {name for text in texts for name in sources.INSERT.findall(text)} == sources.TABLES.keys()


def test_a_link_that_leads_nowhere_and_what_is_loaded_from_elsewhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "two.html").write_text('<h1 id="there">two</h1>')
    (tmp_path / "own.css").write_text("@import url(own2.css); p { background: url(//example.org/x.png) }")
    good = (
        '<a href="two.html#there">x</a><a href="https://example.org">x</a><link href="own.css"><a href="#top" id="top">'
    )
    (tmp_path / "one.html").write_text(good)
    assert list(problems(tmp_path)) == ["own.css: url(//"]
    bad = '<a href="three.html">x</a><a href="two.html#here">x</a><script src="https://example.org/x.js"></script>'
    (tmp_path / "bad.html").write_text(bad)
    assert list(problems(tmp_path))[:3] == [
        "bad.html: three.html",
        "bad.html: two.html#here",
        "bad.html: https://example.org/x.js",
    ]


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("pydata_sphinx_theme")
    from docs.generate.site import build

    assert build(tmp_path) == []
    assert (tmp_path / "site" / "index.html").is_file()
