"""Single cells of a spreadsheet: cleaned texts, and values that Excel may have damaged.

Excel turns an address into a number (10.20 -> 10.2), a lane `1-2` into a date, `0012` into 12 and a long code into
1,2E+11, and Indonesian Excel writes a decimal comma. What is damaged is told, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from exporter.inventory import scalars
from exporter.inventory.findings import Refusal

_ERROR: Final = re.compile(r"#(N/A|NA|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!)", re.IGNORECASE)
_SCIENTIFIC: Final = re.compile(r"\d+([.,]\d+)?E[+-]\d+", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d+([.,]\d+)?")
_DATE: Final = re.compile(
    r"\d{1,4}[-/]\d{1,2}([-/]\d{1,4})?( \d{2}:\d{2}(:\d{2})?)?|\d{1,2}[- ][A-Za-z]{3,9}([- ]\d{2,4})?"
)
_FOUR_NUMBERS: Final = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_RETYPE: Final = "format the column as text, then type the address again"
_FORMULA_TEXT: Final = re.compile(r'="(.*)"')
_HEMISPHERE: Final = re.compile(r"(?P<number>[^A-Z]*?) *(?P<side>LS|LU|BT|S|N|U|E|T)?")
_PLAIN_DECIMAL: Final = re.compile(r"[+-]?\d{1,3}(\.\d+)?")
_LOST_POINT: Final = re.compile(r"[+-]?\d{4,}")
_YES: Final = frozenset({"", "ya", "y", "yes", "1", "aktif", "active", "true", "on", "benar", "ok"})
_NO: Final = frozenset(
    {"tidak", "tdk", "n", "no", "0", "nonaktif", "non aktif", "tidak aktif", "inactive", "false", "off", "salah"}
)
_SOUTH, _NORTH, _WEST, _EAST = -11.5, 6.5, 94.5, 141.5  # Indonesia with its seas, degrees


def clean(text: str) -> str:
    """Return a cell's text on one line: compatibility forms unified, invisible characters dropped, blanks collapsed."""
    unified = unicodedata.normalize("NFKC", text)
    # Cf: zero-width blanks and joiners, byte order marks, soft hyphens. str.strip keeps U+200B.
    seen = "".join(
        " " if c.isspace() else c for c in unified if unicodedata.category(c) not in {"Cf", "Cc"} or c.isspace()
    )
    joined = " ".join(seen.split())
    formula = _FORMULA_TEXT.fullmatch(joined)
    if formula is not None:
        joined = formula.group(1)
    # Excel's mark of a text cell, where an export left it in.
    return joined[1:] if re.match(r"'\d", joined) else joined


def refuse_error(text: str) -> None:
    """Refuse what a formula could not calculate."""
    if _ERROR.fullmatch(text):
        raise Refusal(f'"{text}" is an error of a formula', "repair the formula or type the value")


def address(text: str) -> str:
    """Read an address as scalars.address does, and say what Excel may have done to it."""
    refuse_error(text)
    # Before anything else: `1-2` and `01-Feb` would pass as host names.
    if _SCIENTIFIC.fullmatch(text) or _NUMBER.fullmatch(text):
        raise Refusal(f'"{text}" is a number: Excel has dropped dots or zeros of the address', _RETYPE)
    if _DATE.fullmatch(text):
        raise Refusal(f'"{text}" is a date: Excel has changed the address', _RETYPE)
    if _FOUR_NUMBERS.fullmatch(text) and all(int(part) <= 255 for part in text.split(".")):  # noqa: PLR2004 - an octet
        plain = ".".join(str(int(part)) for part in text.split("."))
        if plain != text:
            raise Refusal(
                f'"{text}" has leading zeros, which some programs read as octal numbers',
                f"write {plain} if that is meant",
            )
    try:
        return scalars.address(text)
    except Refusal as refusal:
        raise Refusal(f'"{text}" {refusal.problem}', refusal.remedy) from None


def degrees(text: str, *, north: bool) -> str:
    """Read a latitude (`north`) or longitude within Indonesia; return it as targets.yml writes it.

    Takes a decimal comma, a degree sign and the letters LS, LU, BT, S, N, E.
    """
    refuse_error(text)
    axis = "latitude" if north else "longitude"
    match = _HEMISPHERE.fullmatch(text.upper().replace("°", ""))
    number = match.group("number").replace(",", ".").replace(" ", "").replace("\N{MINUS SIGN}", "-") if match else ""
    side = match.group("side") if match else None
    if _LOST_POINT.fullmatch(number):
        raise Refusal(f'"{text}" has lost its decimal point', f"write the {axis} with it, e.g. {_example(north=north)}")
    if not _PLAIN_DECIMAL.fullmatch(number):
        raise Refusal(f'"{text}" is no {axis}', f"write degrees with decimals, e.g. {_example(north=north)}")
    if side in {"LS", "S"} and not number.startswith("-"):
        number = f"-{number}"
    value = float(number)
    least, most = (_SOUTH, _NORTH) if north else (_WEST, _EAST)
    if not least <= value <= most:
        swapped = _WEST <= value <= _EAST if north else _SOUTH <= value <= _NORTH
        raise Refusal(
            f'"{text}" is no {axis} in Indonesia ({least:g} to {most:g})',
            "swap the two columns of coordinates" if swapped else "correct it or leave both coordinates empty",
        )
    return number.removeprefix("+")


def _example(*, north: bool) -> str:
    return "-6.8894" if north else "107.5757"


def place(text: str) -> tuple[str, str]:
    """Read one cell that holds both coordinates; return latitude and longitude."""
    for separator in (";", ", ", ",", " "):
        parts = [part.strip() for part in text.split(separator) if part.strip()]
        if len(parts) == 2:  # noqa: PLR2004 - a pair
            return degrees(parts[0], north=True), degrees(parts[1], north=False)
    raise Refusal(f'"{text}" is no pair of coordinates', "write e.g. -6.8894, 107.5757")


def port(text: str) -> str:
    """Read a TCP port; return it as a probe."""
    number = text.removesuffix(".0").removesuffix(",0")
    if not number.isdecimal() or not 1 <= int(number) <= 65_535:  # noqa: PLR2004 - the highest port
        raise Refusal(f'"{text}" is no port', "write a number from 1 to 65535 or leave it empty")
    return f"tcp:{int(number)}"


def is_active(text: str) -> bool | None:
    """Read ya/tidak and their like; None for any other word."""
    folded = text.casefold().replace("-", " ")
    if folded in _YES:
        return True
    return False if folded in _NO else None


def looks_damaged(text: str) -> str | None:
    """Return what Excel has done to a code or name that is now a number in E notation, a date or an error, or None."""
    if _ERROR.fullmatch(text):
        return "is an error of a formula"
    if _SCIENTIFIC.fullmatch(text):
        return "is a number in E notation: Excel has dropped digits"
    if _DATE.fullmatch(text):
        return "is a date: Excel has changed the text"
    return None
