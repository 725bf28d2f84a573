"""What the result files contain: one set of names for npz, json and csv, documented in docs/output_files.md."""

import numpy as np

from depth_refine.functional.camera import camera_to_world
from depth_refine.structures.skeleton import JOINT_NAMES, PARENTS
from depth_refine.structures.video_poses import PoseTrack, VideoPoses

FORMAT_VERSION = 1
_CAMERA_KEYS = dict(f='camera_focal_px', c='camera_center_px', k='camera_k', p='camera_p', R='camera_R', T='camera_T_m')


def header(poses: VideoPoses) -> dict[str, np.ndarray]:
    """What holds for the whole video: names, sizes, the camera, notes."""
    camera = poses.camera or {}
    values = dict(
        format_version=FORMAT_VERSION,
        video=poses.video,
        image_size_px=poses.size,
        fps=poses.fps,
        joint_names=JOINT_NAMES,
        joint_parents=PARENTS,
        camera_source=poses.camera_source,
        notes=np.array(poses.notes, dtype=np.str_),
    )
    shapes = dict(R=(3, 3))
    values |= {
        name: np.reshape(camera[key], shapes.get(key, -1)) for key, name in _CAMERA_KEYS.items() if key in camera
    }
    return {key: np.asarray(value) for key, value in values.items()}


def track_arrays(poses: VideoPoses) -> list[dict[str, np.ndarray]]:
    """Arrays of each person, the same keys for all; the first axis is the person's frames.

    A key that only some of the people have is NaN for the others.
    """
    tracks = [_track(track, poses) for track in poses.tracks]
    shapes = {key: array.shape[1:] for arrays in tracks for key, array in arrays.items()}
    return [
        {key: arrays.get(key, np.full((len(arrays['frame']), *shape), np.nan)) for key, shape in shapes.items()}
        for arrays in tracks
    ]


def _track(track: PoseTrack, poses: VideoPoses) -> dict[str, np.ndarray]:
    arrays = dict(
        track_id=np.full(len(track.frames), track.track_id),
        frame=np.asarray(track.frames),
        time_s=np.asarray(poses.times)[track.frames],
        is_interpolated=np.asarray(track.is_interpolated, bool),
        bbox_px=track.bboxes,
        score=track.scores,
        keypoints_px=track.keypoints,
        depth_first_stage_m=track.depth,
        depth_std_m=track.depth_std,
        root_relative_first_stage_m=track.keypoints_3d_first,
        root_relative_m=track.keypoints_3d,
    )
    if track.truth is not None:
        arrays['root_relative_truth_m'] = track.truth
    if track.root is not None:
        arrays['camera_m'] = track.keypoints_3d + track.root[:, None]
        if poses.camera is not None and 'R' in poses.camera and 'T' in poses.camera:
            arrays['world_m'] = camera_to_world(arrays['camera_m'], poses.camera)
    return arrays
