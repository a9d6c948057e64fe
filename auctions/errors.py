"""The one exception that services raise when they refuse to do what was asked."""

from typing import Any


class Refused(Exception):
    """A command was refused: nothing was changed.

    `code` is stable and machine-readable, `message` is fit to show to the person who asked and says what
    to do next, `field` names the form field it belongs to, if it belongs to one.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.entry: Any = None
        """What the audit wrote down of it."""
