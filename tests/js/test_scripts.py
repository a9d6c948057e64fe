"""Runs the tests of the page's modules in Node."""

import subprocess
from pathlib import Path


def test_the_modules_of_the_page_keep_their_promises():
    tests = sorted(str(path) for path in Path(__file__).parent.glob("*.test.mjs"))

    done = subprocess.run(["node", "--test", *tests], capture_output=True, text=True, timeout=50)

    assert done.returncode == 0, done.stdout + done.stderr
