"""Territory with every vertex of its source: ``python -m benchmarks.unsimplified FILE``.

About 2.0 million vertices, 12 MB, a minute and a half. Its two sources are packages of the npm
registry, fetched with ``npm pack`` into a scratch folder; nothing of it is kept but FILE.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import ROOT

# as named in geodata/MANIFEST.toml and geodata/build/territory.py
SOURCE, LAND = "@osm_borders/maritime_10m@1.1.0", "world-atlas@2.0.2"


def fetch_package(name: str, folder: Path) -> Path:
    """File of an npm package."""
    done = subprocess.run(
        ["npm", "pack", "--silent", name], cwd=folder, capture_output=True, text=True, check=True
    )
    return folder / done.stdout.split()[-1]


def build_unsimplified(file: Path) -> None:
    """Write the layer to a GeoParquet file."""
    with tempfile.TemporaryDirectory() as scratch:
        source, land = (fetch_package(name, Path(scratch)) for name in (SOURCE, LAND))
        subprocess.run(
            [
                sys.executable, ROOT / "geodata/build/territory.py", "--tolerance-nm", "0",
                "--source", source, "--land", land, "--output", file.resolve(),
            ],
            cwd=ROOT, check=True,
        )  # fmt: skip


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="where to write the GeoParquet file")
    build_unsimplified(parser.parse_args().file)


if __name__ == "__main__":
    main()
