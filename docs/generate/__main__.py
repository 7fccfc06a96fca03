"""``python -m docs.generate FOLDER``: the site in ``FOLDER/site``; the exit status is 1 where something is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

from docs.generate.site import build


def main() -> int:
    """Build the site and say where it is, or what is wrong."""
    if len(sys.argv) != 2:
        print("usage: python -m docs.generate FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1]).resolve()
    wrong = build(folder)
    for problem in wrong:
        print(f"error: {problem}", file=sys.stderr)
    if not wrong:
        print(folder / "site" / "index.html")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
