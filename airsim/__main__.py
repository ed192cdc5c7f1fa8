"""``python -m airsim``: the command line."""

from airsim.cli import main

if __name__ == "__main__":
    main()
