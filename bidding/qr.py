"""QR codes as shapes of an SVG: drawn here, so that no other site learns what is in them, and without inline style."""

from dataclasses import dataclass

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode


@dataclass(frozen=True, slots=True)
class QrShape:
    """A code with its quiet zone: `size` modules in a square, the dark ones as an SVG path."""

    size: int
    path: str


def qr_shape(text: str) -> QrShape:
    """Return the code of a text."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(text)
    rows = code.get_matrix()
    return QrShape(len(rows), "".join(_runs(y, row) for y, row in enumerate(rows)))


def _runs(y: int, row: list[bool]) -> str:
    """Return the dark modules of a row as few rectangles."""
    path, x = "", 0
    while x < len(row):
        end = x
        while end < len(row) and row[end]:
            end += 1
        if end > x:
            path += f"M{x} {y}h{end - x}v1h-{end - x}z"
        x = end + 1
    return path
