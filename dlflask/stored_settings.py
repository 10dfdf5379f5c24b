"""Settings that are stored in a model file as JSON text and are checked when they are read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import ClassVar, Self, get_type_hints

from dlflask.errors import ModelError

#: Maximum number of characters of an invalid text that an error message quotes.
_MAX_QUOTED = 200

#: Word that error messages use for each type of field.
_TYPE_NAMES = {float: "number", int: "whole number", str: "text"}


@dataclass(frozen=True)
class StoredSettings:
    """Base class of settings in a model file. Fields have the type `float`, `int` or `str`.

    Attributes:
        TITLE: Beginning of the error message, such as "The thresholds of the digit network".
        COMMAND: Command that writes the settings to the model file again.
        RANGES: Text about valid ranges that follows the list of fields in the error message.
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
            ModelError: The text is not JSON, the fields are wrong, or a value has a wrong type or
                is out of range.
        """
        try:
            settings = cls(**json.loads(text))
            if all(settings._check_types()) and settings.is_valid():
                return settings
        except (ValueError, TypeError, OverflowError, RecursionError):
            pass  # Raise the error below instead.
        expected = ", ".join(f"{name} ({_TYPE_NAMES[kind]})" for name, kind in cls._types())
        raise ModelError(
            f"{cls.TITLE} in the model file cannot be used: received {text[:_MAX_QUOTED]!r}; "
            f"expected JSON with {expected}{cls.RANGES}. Run `{cls.COMMAND}` again."
        )

    def is_valid(self) -> bool:
        """Return True if all values are in range. The types of the values are already checked."""
        return True

    @classmethod
    def _types(cls) -> list[tuple[str, type]]:
        """Return the name and the type of each field."""
        types = get_type_hints(cls)
        return [(field.name, types[field.name]) for field in fields(cls)]

    def _check_types(self) -> Iterator[bool]:
        for name, kind in self._types():
            value = getattr(self, name)
            # `isinstance` would accept true and false as int, so compare the types.
            if kind is float and type(value) in (int, float):
                yield math.isfinite(value)
            else:
                yield type(value) is kind
