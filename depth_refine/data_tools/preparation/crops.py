"""Which part of each frame a person crop shows, and at which size it is stored.

A window is x1 y1 x2 y2 in whole pixels of the full frame: the crop covers the columns x1 to x2 - 1 and the rows y1 to
y2 - 1. Pixel centres are whole numbers, so that the outer edges of the stored image lie at x1 - 0.5 and x2 - 0.5
whatever its size: column u of w stored ones is at ``x1 - 0.5 + (u + 0.5) * (x2 - x1) / w``, as ``cv2.resize`` has it.
"""

from typing import NamedTuple

import numpy as np

from depth_refine.structures.skeleton import ROOT

from .raw_h36m import SequenceError

_BOX_MARGIN = 1.2  # of the annotation's box
_PELVIS_SQUARE = 2.0  # metres
_LARGEST_SCALE, _SMALLEST_SCALE, _ROTATION = 1.25, 0.75, np.radians(30)  # of the training's augmentation
_REACH = _LARGEST_SCALE * (np.cos(_ROTATION) + np.sin(_ROTATION))  # of an augmented box over the box
_NETWORK_INPUT = 256  # px


class Crops(NamedTuple):
    """The crops of T frames."""

    windows: np.ndarray  # (T, 4) int32 x1 y1 x2 y2, see the module's docstring
    sizes: np.ndarray  # (T, 2) int32 width and height of the stored image, px


def make_crops(poses_2d: np.ndarray, poses_3d: np.ndarray, camera: dict) -> Crops:
    """Crops that hold all pixels the training looks at, whichever its box.

    A window holds both boxes of :class:`depth_refine.datasets.H36MImageDataset`, each scaled by 1.25 and turned by 30
    degrees, as far as they lie in the frame. The stored image is as small as it can be without that a box scaled by
    0.75 is magnified to the network's 256 px, and never larger than its window.

    Args:
        poses_2d: (T, 17, 2) px.
        poses_3d: (T, 17, 3) camera-frame metres.
        camera: see :mod:`depth_refine.functional.camera`.

    Raises:
        SequenceError: somebody is outside the frame.
    """
    low, high = poses_2d.min(axis=1).astype(np.float64), poses_2d.max(axis=1).astype(np.float64)
    sides = np.stack(
        [_BOX_MARGIN * (high - low).max(axis=-1), _PELVIS_SQUARE * camera['f'].max() / poses_3d[:, ROOT, 2]]
    )
    centers = np.stack([(low + high) / 2, poses_2d[:, ROOT]])
    reach = _REACH / 2 * sides[..., None]
    frame = np.array([camera['w'], camera['h']])
    starts = np.clip(np.floor((centers - reach).min(axis=0)), 0, frame)
    ends = np.clip(np.ceil((centers + reach).max(axis=0)) + 1, 0, frame)
    outside = (ends <= starts).any(axis=-1)
    if outside.any():
        raise SequenceError(f'in {outside.sum()} frames, first in frame {outside.argmax() + 1}, nobody is in the image')
    shrink = np.minimum(1, _NETWORK_INPUT / _SMALLEST_SCALE / sides.min(axis=0))
    sizes = np.ceil((ends - starts) * shrink[:, None])
    return Crops(np.concatenate([starts, ends], axis=-1).astype(np.int32), sizes.astype(np.int32))
