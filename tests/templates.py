"""Compile every template of the project, so that a misspelt tag fails in `make check` and not in a visitor's page.

python -m tests.templates
"""

import os
import sys
from pathlib import Path

import django
from django.template import TemplateSyntaxError, engines


def main() -> int:
    """Print each template that does not compile, and return the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auction_site.settings")
    django.setup()
    from django.conf import settings

    folders = [Path(settings.BASE_DIR) / name for name in ("templates", "accounts", "auctions", "bidding")]
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if _is_template(path)]
    wrong = 0
    for path in paths:
        try:
            engines["django"].from_string(path.read_text())
        except (TemplateSyntaxError, UnicodeDecodeError) as error:
            wrong += 1
            print(f"{path.relative_to(settings.BASE_DIR)}: {error}")
    print(f"{len(paths)} templates, {wrong} wrong")
    return 1 if wrong else 0


def _is_template(path: Path) -> bool:
    return path.is_file() and "templates" in path.parts and path.suffix in {".html", ".txt", ".xml"}


if __name__ == "__main__":
    sys.exit(main())
