"""The command line: ``airsim``, ``python -m airsim``."""

import gc

from airsim import cli


def main() -> None:
    """Run one command in a process of its own.

    What a command builds lives as long as it does. Looking through it for garbage, again and again
    and once more on the way out, would take a third of a short command's time.
    """
    gc.set_threshold(1_000_000, 50, 50)
    try:
        cli.main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
