"""How a csv file is written: what separates its values, and how numbers and text are spelled."""

import codecs
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict


class Part(BaseModel):
    """A frozen part of a section that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _one_character(text: str) -> str:
    if len(text) != 1 or not text.isascii() or text in "\r\n\0":
        raise ValueError('one ASCII character in quotes: ";", "," or "\\t"')
    return text


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise ValueError("an encoding that Python knows: utf-8, latin-1, cp1252, utf-16") from None


class Dialect(Part):
    """How a csv file is written.

    Attributes:
        delimiter: between values.
        quote: around values that contain the delimiter or a line break; null for none.
        encoding: a name that Python knows.
        decimal: sign before the fraction of a number.
        thousands: sign that groups the digits of a number; empty for none.
        null_values: what stands for a missing value, besides nothing.
    """

    delimiter: Annotated[str, AfterValidator(_one_character)] = ","
    quote: Annotated[str, AfterValidator(_one_character)] | None = '"'
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    null_values: tuple[str, ...] = ()
