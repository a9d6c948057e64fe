#!/usr/bin/env python3
"""Run a management command; a wrong environment value ends it with one clear line."""

import os
import sys


def main() -> None:
    """Hand the command line to Django after the settings were read without an error."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auction_site.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        sys.exit(f"error: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
