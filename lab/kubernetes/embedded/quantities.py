"""Resource quantities ("500m", "1Gi") in the canonical form in which the API writes them."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal

from lab.kubernetes.embedded.objects import Json

#: What the real server says about a malformed quantity.
PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"

_QUANTITY = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:(Ki|Mi|Gi|Ti|Pi|Ei)|(n|u|m|k|M|G|T|P|E)|[eE]([+-]?\d+))?", re.ASCII
)
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_EXPONENT = {suffix: exponent for exponent, suffix in _DECIMAL.items()}


def parse(value: Json) -> Decimal:
    """The number that a quantity stands for; ValueError when it is none."""
    match = _QUANTITY.fullmatch(str(value).strip())
    if match is None or isinstance(value, bool):
        raise ValueError(f"quantities must match the regular expression '{PATTERN}'")
    number = Decimal(match[1])
    if match[2]:
        return number * Decimal(1024) ** _BINARY.index(match[2])
    return number.scaleb(int(match[4]) if match[4] else _EXPONENT[match[3] or ""])


def canonical(value: Json) -> str:
    """The same quantity as the real server would write it; ValueError when it is none."""
    number = parse(value)
    match = _QUANTITY.fullmatch(str(value).strip())
    # A fraction of a byte suffix has no whole mantissa, so the real server falls back to decimal suffixes.
    if match is not None and match[2] and number == number.to_integral_value() and abs(number) >= 1024:
        return _binary(int(number))
    return _decimal(number.quantize(Decimal("1e-9"), rounding=ROUND_UP), exponent=bool(match and match[4]))


def _binary(number: int) -> str:
    power = 0
    while number % 1024 == 0 and power < len(_BINARY) - 1:
        number //= 1024
        power += 1
    return f"{number}{_BINARY[power]}"


def _decimal(number: Decimal, *, exponent: bool) -> str:
    if not number:
        return "0"
    power = max(power for power in _DECIMAL if not number.scaleb(-power) % 1)
    suffix = (f"e{power}" if power else "") if exponent else _DECIMAL[power]
    return f"{int(number.scaleb(-power))}{suffix}"
