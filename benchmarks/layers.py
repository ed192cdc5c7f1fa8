"""Layers made for a benchmark: written to a file, arranged, and never kept in the cache."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from airsim.airspace import Atlas
from airsim.base import find_resource


def write_geojson(file: Path, rings: Iterable[ArrayLike]) -> None:
    """A layer of one ring per area."""
    features = [
        {
            "type": "Feature",
            "properties": {"designator": f"A{k}"},
            "geometry": {"type": "Polygon", "coordinates": [np.asarray(ring).tolist()]},
        }
        for k, ring in enumerate(rings)
    ]
    document = {"type": "FeatureCollection", "features": features}
    file.write_text(json.dumps(document), encoding="utf-8")


def arrange_layer(atlas: Atlas, name: str, file: str | Path | None) -> Atlas:
    """The atlas with one layer (None: shipped territory) read and arranged as on a first load."""
    from airsim.airspace.atlas import _build_layer

    path = find_resource("geodata/territory.parquet") if file is None else Path(file)
    layer = _build_layer(name, path.read_bytes(), str(path), "nominal", "")
    layers = tuple(layer if old.name == name else old for old in atlas.layers)
    return replace(atlas, layers=layers, content_hash=f"benchmark {path}")
