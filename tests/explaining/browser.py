"""Pages in Debian's Chromium, and what goes wrong in them: messages, errors, requests, breaches of the policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

import pytest

CHROMIUM = which("chromium") or which("chromium-browser") or ""

ABSENT = "no Chromium is installed (apt-get install chromium)"

needs_browser = pytest.mark.skipif(not CHROMIUM, reason=ABSENT)

VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective}`));"
)
"""Breaches of the policy as messages of the console."""


@dataclass
class OpenPage:
    """A page in the browser, and all that went wrong in it."""

    page: Any
    wrong: list[str] = field(default_factory=list)

    def run(self, script: str, argument: Any = None) -> Any:
        """What a function of JavaScript gives."""
        return self.page.evaluate(script, argument)

    def text(self, selector: str) -> str:
        """The text of an element."""
        return str(self.page.inner_text(selector))


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def opened(browser: Any, file: Path, **options: Any) -> Iterator[OpenPage]:
    """A file in a page of its own; a request for anything else goes nowhere, and is noted."""
    context = browser.new_context(**options)
    context.add_init_script(VIOLATIONS)
    found = OpenPage(context.new_page())

    def route(request: Any) -> None:
        if request.request.url == file.as_uri():
            request.continue_()
        else:
            found.wrong.append(f"request: {request.request.url}")
            request.abort()

    context.route("**/*", route)
    found.page.on("console", lambda message: found.wrong.append(f"console: {message.text}"))
    found.page.on("pageerror", lambda error: found.wrong.append(f"error: {error}"))
    found.page.goto(file.as_uri())
    yield found
    context.close()
