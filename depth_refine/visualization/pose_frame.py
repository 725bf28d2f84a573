"""The content of a figure of one frame, and the colours of all figures."""

from dataclasses import dataclass

import numpy as np

from depth_refine.functional.pose_error import mpjpe
from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.errors import InputError

# Red, green, blue, 0 to 255. Colour-blind readers can tell left and right apart.
SIDE_COLORS = {'left': (0, 114, 200), 'right': (230, 97, 0), 'trunk': (70, 70, 80)}
TRUTH_COLOR = (190, 190, 190)
# Used in turn for the people of a video.
PERSON_COLORS = ((0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 190, 40), (130, 90, 200), (150, 75, 0))


def css(color: tuple[int, int, int]) -> str:
    """A colour as HTML and Matplotlib write it.

    Example:
        >>> from depth_refine.visualization.pose_frame import css
        >>> css((230, 97, 0))
        '#e66100'
    """
    return '#' + bytes(color).hex()


def bone_sides(skeleton: Skeleton) -> list[str]:
    """'left', 'right' or 'trunk' for each bone; bones of the trunk have both ends there."""
    sides = skeleton.sides
    return [sides[parent] if sides[child] == 'trunk' else sides[child] for parent, child in skeleton.bones]


def box_around(points: np.ndarray) -> np.ndarray:
    """The box (4,) x1 y1 x2 y2 around points (N, 2), px, an eighth larger on each side."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = (high - low) / 8
    return np.concatenate([low - margin, high + margin])


@dataclass
class PoseFrame:
    """One frame of a figure or video; its 3D joints are metres in camera axes, with any root position.

    Raises:
        InputError: a pose has another number of joints than the skeleton.

    Example:
        >>> import numpy as np
        >>> from depth_refine.structures import H36M
        >>> from depth_refine.visualization import PoseFrame
        >>> truth = np.random.default_rng(0).normal(size=(17, 3))  # metres
        >>> refined = truth + np.linspace(0, 0.2, 17)[:, None] * [1, 0, 0]
        >>> frame = PoseFrame(H36M, None, None, truth, dict(refined=refined), title='S9 Walking, frame 120')
        >>> round(frame.errors_mm()['refined'], 6)  # 0 mm at the root to 200 mm at the last joint
        100.0
    """

    skeleton: Skeleton
    image: np.ndarray | None  # (H, W, 3) uint8 BGR
    keypoints: np.ndarray | None  # (K, 2) px in ``image``, drawn over it
    truth: np.ndarray | None  # (K, 3) true joints, if they are known
    predictions: dict[str, np.ndarray]  # (K, 3) joints by the title of the prediction
    title: str = ''  # of the frame, for example 'S9 Walking, frame 120'
    image_caption: tuple[str, str] = ('input', '')  # two lines above the image: what its joints are
    box: np.ndarray | None = None  # (4,) x1 y1 x2 y2 px, around which the image is cropped; by default the keypoints

    def __post_init__(self) -> None:
        count = self.skeleton.num_joints
        for name, pose in {'2D joints': self.keypoints, 'truth': self.truth, **self.predictions}.items():
            if pose is not None and len(pose) != count:
                raise InputError(f'cannot draw {self.title}: {name} of {len(pose)} joints, the skeleton has {count}')

    def relative_truth(self) -> np.ndarray | None:
        """True joints (K, 3) with the root at the origin, metres, or None."""
        return None if self.truth is None else self.truth - self.truth[self.skeleton.root]

    def relative_predictions(self) -> dict[str, np.ndarray]:
        """Joints (K, 3) of each prediction with the root at the origin, metres."""
        return {name: pose - pose[self.skeleton.root] for name, pose in self.predictions.items()}

    def errors_mm(self) -> dict[str, float]:
        """MPJPE of each prediction (Protocol 1), millimetres; empty without truth."""
        truth = self.relative_truth()
        poses = {} if truth is None else self.relative_predictions()
        return {name: 1000 * float(mpjpe(pose[None], truth[None])[0]) for name, pose in poses.items()}
