"""An animated figure of a person before and after refinement, without the video's frames."""

from pathlib import Path

import numpy as np
from PIL import Image

from depth_refine.structures import H36M
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError
from depth_refine.visualization.drawing import WHITE, bone_colors, draw_bones, draw_text, turned

_SIDE = 260  # px, of each panel
_CAPTION = 28  # px
_FPS, _SLOWER = 12.5, 2  # frames a second of the GIF, and the factor of slow motion
_SWING = 35.0  # degrees by which the view turns to either side
_COLORS = 24  # a GIF of these is half the size of one of 256
_PANELS = {
    'root_relative_first_stage_m': 'first stage of make video',
    'root_relative_m': 'refined',
}


def draw_motion(poses: dict[str, np.ndarray], path: Path) -> None:
    """Draw the first person of a ``poses.npz``, before and after refinement, as an endless GIF.

    Args:
        poses: the file's arrays.
        path: the GIF.

    Raises:
        InputError: there is no person, or the joints are not Human3.6M's.
    """
    if not len(poses.get('track_id', ())) or tuple(poses['joint_names'].tolist()) != H36M.joint_names:
        raise InputError("expected the poses of a person with Human3.6M's joints, as tools/infer_video.py writes them")
    rows = poses['track_id'] == poses['track_id'][0]
    times = poses['time_s'][rows] - poses['time_s'][rows][0]
    shown = np.arange(0, times[-1], 1 / _FPS / _SLOWER)
    chosen = np.abs(times - shown[:, None]).argmin(axis=1)
    joints = {title: poses[key][rows].astype(float) for key, title in _PANELS.items()}
    middle = (joints[_PANELS['root_relative_m']].min((0, 1)) + joints[_PANELS['root_relative_m']].max((0, 1))) / 2
    reach = max(np.linalg.norm(pose - middle, axis=-1).max() for pose in joints.values())
    azimuths = 60 + _SWING * np.sin(2 * np.pi * np.arange(len(chosen)) / len(chosen))
    images = []
    for frame, azimuth in zip(chosen, azimuths, strict=True):
        panels = [_panel(pose[frame], middle, reach, azimuth, title) for title, pose in joints.items()]
        images.append(Image.fromarray(np.hstack(panels)[..., ::-1]).quantize(_COLORS, dither=Image.Dither.NONE))
    with whole_file(path) as partial:
        images[0].save(
            partial,
            format='GIF',
            save_all=True,
            append_images=images[1:],
            duration=round(1000 / _FPS),
            loop=0,
            optimize=True,
        )


def _panel(pose: np.ndarray, middle: np.ndarray, reach: float, azimuth: float, title: str) -> np.ndarray:
    """An image of a pose (17, 3) seen from an azimuth, degrees, with its title above."""
    image, size = np.full((_SIDE, _SIDE, 3), 255, np.uint8), (_SIDE, _SIDE)
    scale = _SIDE / (2.1 * reach)
    points, depth = turned(pose - middle, azimuth, scale, size)
    draw_bones(image, points, H36M, bone_colors(H36M), 3, WHITE, depth)
    caption = np.full((_CAPTION, _SIDE, 3), 255, np.uint8)
    draw_text(caption, title, (12, 20), 0.5)
    return np.vstack([caption, image])
