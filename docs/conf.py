"""How Sphinx builds the site; ``make docs`` gathers its sources first, see ``docs/generate``."""

from __future__ import annotations

project = "bp"
extensions = ["myst_parser"]
exclude_patterns = ["_static"]
nitpicky = True

myst_heading_anchors = 4

html_theme = "pydata_sphinx_theme"
html_title = "bp"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["bp.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False
html_theme_options = {
    "article_footer_items": [],
    "footer_start": [],
    "footer_end": [],
    "logo": {"text": "bp"},
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
}
