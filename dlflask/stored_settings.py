"""Settings that are stored in a model file as JSON text, checked when they are read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import ClassVar, Self, get_type_hints

from dlflask.errors import ModelError

#: Characters of an invalid text that an error message quotes.
_MAX_SHOWN = 200

#: Words for the types of fields.
_KINDS = {float: "number", int: "whole number", str: "text"}


@dataclass(frozen=True)
class StoredSettings:
    """Base of settings in a model file: dataclasses with fields of type `float`, `int` or `str`.

    Attributes:
        TITLE: Subject of the error message, such as "The thresholds of the digit network".
        COMMAND: Command that writes the settings again.
        RANGES: Text about the ranges that ends the list of fields in the error message.
    """

    TITLE: ClassVar[str]
    COMMAND: ClassVar[str]
    RANGES: ClassVar[str] = ""

    def to_json(self) -> str:
        """Return the JSON text that is stored in the model file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the text that `to_json` returned.

        Raises:
            ModelError: The text is not JSON of these fields, or a value has a wrong type or is out
                of range.
        """
        try:
            settings = cls(**json.loads(text))
            if all(settings._check_types()) and settings.is_valid():
                return settings
        except (ValueError, TypeError, OverflowError, RecursionError):
            pass  # The message below says what was expected.
        expected = ", ".join(f"{name} ({_KINDS[kind]})" for name, kind in cls._types())
        raise ModelError(
            f"{cls.TITLE} in the model file cannot be used: received {text[:_MAX_SHOWN]!r}; "
            f"expected JSON with {expected}{cls.RANGES}. Run `{cls.COMMAND}` again."
        )

    def is_valid(self) -> bool:
        """Return True if all values are in range. Called after their types were checked."""
        return True

    @classmethod
    def _types(cls) -> list[tuple[str, type]]:
        """Return the name and the type of each field."""
        types = get_type_hints(cls)
        return [(field.name, types[field.name]) for field in fields(cls)]

    def _check_types(self) -> Iterator[bool]:
        for name, kind in self._types():
            value = getattr(self, name)
            # In Python, JSON's true and false are instances of int.
            if kind is float and type(value) in (int, float):
                yield math.isfinite(value)
            else:
                yield type(value) is kind
