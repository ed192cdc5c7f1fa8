"""Named streams of random numbers, spawned from one seed: none moves another."""

from __future__ import annotations

import hashlib

import numpy as np


def open_stream(seed: int, *names: str) -> np.random.Generator:
    """Stream of a process: equal for equal seed and names, independent of all others.

    The name is the key, not the order of opening, so that a process more, or less, leaves every
    other as it was.
    """
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    key = tuple(int.from_bytes(digest[k : k + 4], "little") for k in range(0, 16, 4))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
