"""``python -m docs.generate.page_picture PAGE.html PICTURE.png``: a picture of the touchable page, at a backward step.

It needs Playwright and a Chromium of the system.
"""

from __future__ import annotations

import shutil
import sys
from importlib import import_module
from pathlib import Path

WIDTH, HEIGHT = 1200, 720

STEPS = 7
"""How far behind the first backward step the picture is: something has come back to a hidden layer."""


def main() -> None:
    """Open the page, go to a backward step, and write the picture."""
    page_file, picture = (Path(word).resolve() for word in sys.argv[1:])
    with import_module("playwright.sync_api").sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(page_file.as_uri())
        page.get_by_role("button", name="Backward", exact=True).click()
        for _ in range(STEPS):
            page.get_by_role("button", name="Next step").click()
        page.screenshot(path=picture)
        chromium.close()


if __name__ == "__main__":
    main()
