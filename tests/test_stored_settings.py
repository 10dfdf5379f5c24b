"""JSON of settings in model files: types, ranges and the error message."""

from dataclasses import dataclass

import pytest

from dlflask.errors import ModelError
from dlflask.stored_settings import StoredSettings


@dataclass(frozen=True)
class Paper(StoredSettings):
    """Settings with a field of each type."""

    TITLE = "The paper"
    COMMAND = "make paper"
    RANGES = "; sheets at least 1"

    width: float
    sheets: int
    name: str

    def is_valid(self):
        return self.sheets >= 1


@pytest.mark.parametrize("paper", [Paper(0.5, 3, "A4"), Paper(2, 1, "")])
def test_from_json_returns_what_to_json_stored(paper):
    assert Paper.from_json(paper.to_json()) == paper


@pytest.mark.parametrize(
    "text",
    [
        *("", "[1]", "{}", "null", "[" * 100_000, '{"width": 1, "sheets": 1}'),
        '{"width": 1, "sheets": 1, "name": "A4", "height": 1}',
        '{"width": NaN, "sheets": 1, "name": "A4"}',
        '{"width": true, "sheets": 1, "name": "A4"}',
        f'{{"width": 1{"0" * 400}, "sheets": 1, "name": "A4"}}',
        '{"width": "1", "sheets": 1, "name": "A4"}',
        '{"width": 1, "sheets": 1.0, "name": "A4"}',
        '{"width": 1, "sheets": 0, "name": "A4"}',
        '{"width": 1, "sheets": 1, "name": 4}',
    ],
)
def test_from_json_rejects_other_text(text):
    with pytest.raises(ModelError) as caught:
        Paper.from_json(text)

    assert str(caught.value) == (
        f"The paper in the model file cannot be used: received {text[:200]!r}; expected JSON with "
        "width (number), sheets (whole number), name (text); sheets at least 1. Run `make paper` "
        "again."
    )
