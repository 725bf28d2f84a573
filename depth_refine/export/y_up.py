"""Poses in axes with y up, as files for animation and biomechanics have them."""

import numpy as np

from depth_refine.functional.camera import camera_to_world
from depth_refine.structures.video_poses import PoseTrack
from depth_refine.utils.errors import InputError
from depth_refine.utils.units import FROM_ROOT, require_unit

_FROM_CAMERA = np.diag([1.0, -1.0, -1.0])  # x right, y down, z forward to x right, y up, z backward
_FROM_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # z up to y up


def y_up(track: PoseTrack, camera: dict | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The refined poses (T, K, 3), root-relative, and the root (T, 3) of a person in axes with y up, metres, float64.

    Args:
        track: the person. Without ``root`` the root stays at the origin.
        camera: if it has ``R`` and ``T``, the motion is in its world frame, which must have z up; x stays, and world z
            becomes y. Otherwise the motion is in the camera frame, rotated about x: x right, y up, z towards the
            viewer, the camera at the origin. Then y is up only if the camera is level.

    Raises:
        InputError: a root is not finite, or joints are not in metres: the files do not state their unit, or programs
            do not read it.
    """
    joints = np.asarray(track.keypoints_3d, np.float64)
    if joints.size:
        usual = np.median(np.abs(joints).reshape(len(joints), -1).max(axis=1))
        require_unit(f'person {track.track_id}: keypoints_3d of most frames', usual, FROM_ROOT)
    root = np.zeros((len(joints), 3)) if track.root is None else np.asarray(track.root, np.float64)
    if not np.isfinite(root).all():
        frame = np.argwhere(~np.isfinite(root))[0, 0]
        raise InputError(f'person {track.track_id}: the root is not finite in frame {frame}')
    axes = _FROM_CAMERA
    if camera is not None and 'R' in camera and 'T' in camera:
        axes = _FROM_WORLD @ camera['R']
        root = root if track.root is None else camera_to_world(root, camera) @ np.asarray(camera['R'])
    return joints @ axes.T, root @ axes.T
