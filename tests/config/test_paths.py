"""Paths in a config: from its folder, through links as the system goes."""

from __future__ import annotations

import os
from pathlib import Path

from bpcli.config.reading import read_config

CONFIG = "data: {path: %s}\nloss: cross_entropy\n"


def path_of(config: Path) -> str:
    data = read_config(config, []).config.data.path
    assert data is not None
    return data.features


def test_a_path_leads_where_the_system_leads(tmp_path: Path) -> None:
    """A .. behind a link to a folder leads to the parent of what the link names."""
    true = Path(os.path.realpath(tmp_path))
    (true / "a/b").mkdir(parents=True)
    (true / "c").mkdir()
    (true / "link").symlink_to(true / "a/b")
    for name, text in (("c/t.csv", "wrong"), ("t.csv", "wrong too"), ("a/t.csv", "right"), ("a/b/t.csv", "inside")):
        (true / name).write_text(text)
    config = true / "c/c.yaml"
    for given, expected in (
        ("t.csv", true / "c/t.csv"),
        ("../t.csv", true / "t.csv"),
        ("../link/t.csv", true / "link/t.csv"),
        ("../link/../t.csv", true / "a/t.csv"),
        ("../c/../a/t.csv", true / "a/t.csv"),
        ("../gone/../t.csv", true / "t.csv"),
    ):
        config.write_text(CONFIG % given)
        assert path_of(config) == str(expected)


def test_a_config_behind_a_link_has_its_paths_from_the_folder_that_it_was_named_in(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    (tmp_path / "there/c.yaml").write_text(CONFIG % "t.csv")
    (tmp_path / "here/c.yaml").symlink_to(tmp_path / "there/c.yaml")
    assert path_of(tmp_path / "here/c.yaml") == str(tmp_path / "here/t.csv")
