"""Finished poses: joints on the rays of their pixels, bones of constant length, smooth motion."""

from dataclasses import dataclass

import numpy as np

from depth_refine.functional.bone_lengths import fix_bone_lengths, median_lengths
from depth_refine.functional.floor import estimate_floor
from depth_refine.functional.ray_placement import place_on_rays
from depth_refine.functional.side_swaps import find_side_swaps
from depth_refine.functional.smoothing import smooth_motion
from depth_refine.functional.stature import scale_to_stature
from depth_refine.structures.skeleton import Skeleton
from depth_refine.structures.video_poses import VideoPoses
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

_DEPTH_RATIO = 4.0  # joints may move so many times further along their rays than across, see fix_bone_lengths
_BODY = 1.8  # metres, assumed for the longer side of a person's box


@dataclass(frozen=True)
class Finishing:
    """The steps that make refined poses fit for use; without a Finishing, poses stay as the refiner gives them.

    Joints are placed on the rays of their pixels at their refined depths. Each bone gets one length for all frames and
    both sides. Motion is smoothed.

    Args:
        cutoff: cut-off frequency of the smoothing, Hz; None does not smooth.
        stature: the person's height, metres, if it is known.
        level: whether to estimate the floor from people's feet, which gives positions in a level world.

    Raises:
        InputError: a number is out of its range.

    Example:
        >>> from depth_refine.inference.finishing import Finishing
        >>> Finishing(cutoff=None).note(fps=50)
        'Refined poses are finished: joints are placed on the rays of their pixels, bones get one length.'
    """

    cutoff: float | None = 6.0
    stature: float | None = None
    level: bool = False

    def __post_init__(self) -> None:
        if self.cutoff is not None:
            require_number('the cut-off of the smoothing (--smooth), Hz', self.cutoff, 0.1, 1000)
        if self.stature is not None:
            require_number('the stature (--height), metres', self.stature, 0.5, 2.6)

    def poses(
        self,
        poses: np.ndarray,
        root: np.ndarray | None,
        measurements: np.ndarray,
        times: np.ndarray,
        camera: dict,
        skeleton: Skeleton,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The finished poses of one person.

        Args:
            poses: (T, K, 3) refined, metres, relative to the root.
            root: (T, 3) metres, camera frame; if None, it is not known, and joints are not placed on rays.
            measurements: (T, K, 5), see :mod:`depth_refine.inference.people.first_stage`.
            times: (T,) seconds.
            camera: of the video.
            skeleton: the joints.

        Returns:
            Poses (T, K, 3) metres relative to the root, float32, and the root (T, 3) metres, or None as given.
        """
        joints = poses
        if root is not None:
            joints = place_on_rays(poses, root, measurements[..., :2], measurements[..., 3], camera)
        ratio = 1.0 if root is None else _DEPTH_RATIO
        joints = fix_bone_lengths(joints, median_lengths(joints, skeleton), skeleton, ratio)
        if self.stature is not None:
            joints = scale_to_stature(joints, self.stature, skeleton)
        if self.cutoff is not None and len(times) > 1:
            joints = smooth_motion(joints, times, self.cutoff)
        at = joints[:, skeleton.root]
        return (joints - at[:, None]).astype(np.float32), None if root is None else at.astype(np.float32)

    def video(self, result: VideoPoses) -> None:
        """Set the world of a whole video by its floor, in place, if ``level`` is set and no world is known."""
        if not self.level or 'R' in result.camera:
            return
        placed = [track for track in result.tracks if track.root is not None]
        joints = [track.keypoints_3d + track.root[:, None] for track in placed]
        try:
            floor = estimate_floor(joints, [result.times[track.frames] for track in placed], result.skeleton)
        except InputError as error:
            result.notes.append(f'The floor is not known: {error}.')
        else:
            result.camera |= floor
            result.notes.append('The world is level, and its floor, z = 0, is estimated from the feet.')

    def note(self, fps: float) -> str:
        """A sentence on the steps, in their order, of a video of ``fps`` frames a second."""
        steps = ['joints are placed on the rays of their pixels', 'bones get one length']
        steps += [f'the person is {self.stature:g} m tall'] if self.stature is not None else []
        if self.cutoff is not None:
            steps.append(f'motion is smoothed at {self.cutoff:g} Hz')
            if self.cutoff > fps / 2:
                steps[-1] += f' (above half the frame rate, {fps / 2:.4g} Hz, which smooths little)'
        return f'Refined poses are finished: {", ".join(steps)}.'


def mend_sides(measurements: np.ndarray, bboxes: np.ndarray, skeleton: Skeleton) -> tuple[np.ndarray, int]:
    """Measurements with left and right exchanged back where an estimator confused them, see :func:`find_side_swaps`.

    Args:
        measurements: (T, K, 5) of consecutive frames, with depths.
        bboxes: (T, 4) px, around the person.
        skeleton: the joints.

    Returns:
        Measurements (T, K, 5), and the number of frames that were mended.
    """
    side = (bboxes[:, 2:] - bboxes[:, :2]).max(axis=1)[:, None, None]
    positions = np.concatenate([measurements[..., :2] / side * _BODY, measurements[..., 2:3]], axis=-1)
    swapped = find_side_swaps(positions, skeleton.flip_indices)
    mended = measurements.copy()
    mended[swapped] = mended[swapped][:, list(skeleton.flip_indices)]
    return mended, int(swapped.sum())
