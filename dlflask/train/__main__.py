"""`python -m dlflask.train [numbers]`: train the digit network or the number network."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Train the number network if the first argument is `numbers`, else the digit network."""
    # Do not import Keras here, which takes seconds. The processes that draw training images import
    # this module too, and they do not need Keras.
    if arguments[:1] == ["numbers"]:
        from dlflask.train.numbers.command import main as train_numbers  # noqa: PLC0415

        return train_numbers(arguments[1:])
    from dlflask.train.command import main as train_digits  # noqa: PLC0415

    return train_digits(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
