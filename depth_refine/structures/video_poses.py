"""Poses of a video's people: what the inferencer gives, and what drawing and export read."""

from dataclasses import dataclass, field

import numpy as np

from depth_refine.utils.errors import InputError

from .skeleton import Skeleton

_OF_JOINTS = ('scores', 'keypoints', 'depth', 'depth_std', 'keypoints_3d_first', 'keypoints_3d', 'truth')


@dataclass
class PoseTrack:
    """One person over consecutive frames of a video; K joints, those of the video's skeleton.

    Camera frame: x right, y down, z forward. Root-relative: minus the skeleton's root.

    Attributes:
        track_id: number of the person, from 0.
        frames: (T,) frame numbers in the video, from 0, consecutive.
        bboxes: (T, 4) px, x1 y1 x2 y2.
        scores: (T, K) confidence of the first stage, 0 to 1.
        keypoints: (T, K, 2) px of the full frame, from the first stage.
        depth: (T, K) metres, camera z minus the root's, from the first stage; None if it gives no depths.
        depth_std: (T, K) metres, standard deviation of the first stage's depth; None if it gives none.
        keypoints_3d_first: (T, K, 3) metres, root-relative, of the first stage alone; None if it gives no depths.
        keypoints_3d: (T, K, 3) metres, root-relative, refined.
        is_interpolated: (T,) frames where the person was not found; their inputs are interpolated.
        root: (T, 3) metres, the root joint in the camera frame; None if it is not estimated.
        truth: (T, K, 3) metres, root-relative, if known.

    Example:
        >>> import numpy as np
        >>> from depth_refine.structures import PoseTrack
        >>> person = PoseTrack(
        ...     track_id=0,
        ...     frames=np.arange(3),
        ...     bboxes=np.ones((3, 4)),
        ...     scores=np.ones((3, 17)),
        ...     keypoints=np.ones((3, 17, 2)),
        ...     depth=None,  # 2D alone
        ...     depth_std=None,
        ...     keypoints_3d_first=None,
        ...     keypoints_3d=np.ones((3, 17, 3)),
        ...     is_interpolated=np.zeros(3, bool),
        ... )
        >>> person.keypoints_3d.shape, person.root is None
        ((3, 17, 3), True)
    """

    track_id: int
    frames: np.ndarray
    bboxes: np.ndarray
    scores: np.ndarray
    keypoints: np.ndarray
    depth: np.ndarray | None
    depth_std: np.ndarray | None
    keypoints_3d_first: np.ndarray | None
    keypoints_3d: np.ndarray
    is_interpolated: np.ndarray
    root: np.ndarray | None = None
    truth: np.ndarray | None = None


@dataclass
class VideoPoses:
    """The people of one video.

    Attributes:
        video: name of the video, for titles.
        skeleton: the joints of all its people.
        size: width and height of the upright frames, px.
        times: (N,) seconds of every frame of the video; not evenly spaced if its frame rate varies.
        camera: the camera, as in :mod:`depth_refine.functional.camera`; with ``R`` and ``T`` only if the world frame is
            known. None if positions in space are not asked for.
        camera_source: 'given', or how it was assumed; shown with all positions that depend on it.
        tracks: the people.
        notes: sentences on what was assumed, resampled or interpolated, for reports and files.

    Raises:
        InputError: an array of a track has another number of joints than the skeleton.

    Example:
        >>> import numpy as np
        >>> from depth_refine.structures import H36M, PoseTrack, VideoPoses
        >>> frames, boxes, scores = np.arange(50), np.ones((50, 4)), np.ones((50, 17))
        >>> pixels, joints = np.ones((50, 17, 2)), np.ones((50, 17, 3))
        >>> person = PoseTrack(0, frames, boxes, scores, pixels, None, None, None, joints, frames < 0)
        >>> poses = VideoPoses('clip', H36M, size=(640, 480), times=frames / 25, tracks=[person])
        >>> float(poses.fps), poses.tracks[0].keypoints_3d.shape
        (25.0, (50, 17, 3))
    """

    video: str
    skeleton: Skeleton
    size: tuple[int, int]
    times: np.ndarray
    camera: dict | None = None
    camera_source: str = ''
    tracks: list[PoseTrack] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = self.skeleton.num_joints
        for track in self.tracks:
            for name in _OF_JOINTS:
                if (values := getattr(track, name)) is not None and values.shape[1] != count:
                    raise InputError(
                        f'person {track.track_id} of {self.video}: {name} {values.shape} is of {values.shape[1]} '
                        f'joints, the skeleton has {count}'
                    )

    @property
    def fps(self) -> float:
        """Frames a second, the mean over the video."""
        return (len(self.times) - 1) / (self.times[-1] - self.times[0]) if len(self.times) > 1 else 50.0
