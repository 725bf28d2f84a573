"""What a per-frame estimator must be to serve as first stage.

Measurements are the first stage's output for a person in a frame: (K, 5) of u px, v px, depth m relative to the root,
confidence from 0 to 1, and standard deviation of the depth, m, for its K joints.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from depth_refine.structures.skeleton import Skeleton


class FirstStage(Protocol):
    """The interface of per-frame estimators: a network of ours, or any other.

    Attributes:
        name: for messages.
        skeleton: its joints.
        depth_range: metres that its depths cover, or None if they have no limit.
        notes: sentences on its particularities, for the results.
    """

    name: str
    skeleton: Skeleton
    depth_range: float | None
    notes: list[str]

    def __call__(self, people: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
        """Measurements (K, 5) of people, each given by an image (h, w, 3) BGR and a box (4,) x1 y1 x2 y2 px."""
