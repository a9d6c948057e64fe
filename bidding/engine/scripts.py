"""Loads the Lua files. A line `--- @include name` is replaced by `lua/lib/name.lua`, which may include others."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "lua"
_INCLUDE = re.compile(r"^--- @include (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's name, its whole source and the SHA-1 by which Redis knows it."""

    name: str
    source: str
    sha: str


@cache
def script(name: str) -> Script:
    """Return the script `lua/<name>.lua` with its includes filled in."""
    source = _filled((_FOLDER / f"{name}.lua").read_text("utf-8"))
    return Script(name, source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


def _filled(text: str) -> str:
    return _INCLUDE.sub(lambda match: _filled((_FOLDER / "lib" / f"{match[1]}.lua").read_text("utf-8").rstrip()), text)
