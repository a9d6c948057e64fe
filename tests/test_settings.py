"""A wrong environment stops the start with one line that names the variable; every variable is documented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GOOD = {
    "SECRET_KEY": "k" * 50,
    "PUBLIC_URL": "https://auctions.example",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SIDE_REDIS_URL": "redis://127.0.0.1:2/0",
}


def check(**changes: str | None) -> subprocess.CompletedProcess[str]:
    """Start a management command with the good environment and these changes."""
    environment = {"PATH": os.environ["PATH"], "LOG_LEVEL": "ERROR"} | GOOD
    for name, value in changes.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    return subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_good_environment_starts() -> None:
    result = check()
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", None),
        ("SECRET_KEY", "short"),
        ("PUBLIC_URL", None),
        ("PUBLIC_URL", "auctions.example"),
        ("PUBLIC_URL", "http://auctions.example"),
        ("REDIS_URL", None),
        ("REDIS_URL", "http://127.0.0.1"),
        ("REDIS_URL", "redis://127.0.0.1:port"),
        ("SIDE_REDIS_URL", None),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DEBUG", "ture"),
        ("TRUSTED_PROXIES", "-1"),
        ("DATABASE_POOL_SIZE", "0"),
        ("STREAM_PROVIDER", "youtube"),
        ("EMAIL_URL", "localhost"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_EMF", "cloudwatch"),
        ("LOG_FORMAT", "xml"),
        ("DEMO", "1"),
    ],
)
def test_a_wrong_value_is_one_line_with_the_variables_name(name: str, value: str | None) -> None:
    result = check(**{name: value})
    assert result.returncode == 1
    [line] = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert name in line


def test_every_variable_is_documented() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "auction_site/settings.py").read_text("utf-8")))
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/settings.md").read_text("utf-8"), re.MULTILINE))
    assert read == documented
