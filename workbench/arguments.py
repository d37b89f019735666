"""Types of command-line arguments."""

import argparse
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """For `add_argument(type=)`: a whole number of at least `least`; anything else is wrong usage."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"wanted a whole number of at least {least}, got {text!r}")
        return int(text)

    return number


def share(text: str) -> float:
    """For `add_argument(type=)`: a number of at least 0 and below 1; anything else is wrong usage."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number < 1.0:
        raise argparse.ArgumentTypeError(f"wanted a share of at least 0 and below 1, such as 0.1, got {text!r}")
    return number
