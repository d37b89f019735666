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
