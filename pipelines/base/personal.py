"""What looks like somebody's: patterns that no free text of the lake and no value of a log may match."""

from collections.abc import Mapping
from typing import Final

_MONTH: Final = r"[^\W\d_]{3,9}"
_DAY: Final = rf"(?:\d{{4}}-\d\d-\d\d|\d\d?[./ -]\d\d?[./ -]\d\d|\d\d?\.? {_MONTH} \d{{4}}|{_MONTH} \d\d?,? \d{{4}})"
_BORN: Final = r"(?i)\b(?:born|date of birth|birth ?date|dob|d\.o\.b\.|geboren|geburtsdatum)(?: on| am)?[ :.-]{0,4}"
PERSONAL: Final[Mapping[str, str]] = {
    "ssn": r"\b\d{3}-\d\d-\d{4}\b",
    "birth_date": _BORN + _DAY,
    "email": r"[\w.+-]@[\w-]+\.\w",
    "phone": r"\+\d[\d ().-]{7,}\d|(?:\(\d{3}\) ?|\b\d{3}[-. ])\d{3}[-. ]\d{4}\b",
}
"""A day alone is nobody's birthday. For Python's `re` and for Polars' regular expressions."""
