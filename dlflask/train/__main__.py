"""`python -m dlflask.train`: train the digit network; with `numbers`, the number network."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Run the command of the network that `arguments` name."""
    # Processes that draw fields import this module again, so Keras is imported only by a command.
    if arguments[:1] == ["numbers"]:
        from dlflask.train.numbers.command import main as train_numbers  # noqa: PLC0415

        return train_numbers(arguments[1:])
    from dlflask.train.command import main as train_digits  # noqa: PLC0415

    return train_digits(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
