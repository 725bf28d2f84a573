"""What there is to draw of one frame, and the colours it is drawn in."""

from dataclasses import dataclass

import numpy as np

from depth_refine.functional.pose_error import mpjpe
from depth_refine.structures.skeleton import BONES, JOINT_NAMES, ROOT

# Red, green, blue in 0..255; a pair that colour-blind readers can tell apart.
SIDE_COLORS = {'left': (0, 114, 200), 'right': (230, 97, 0), 'trunk': (70, 70, 80)}
TRUTH_COLOR = (190, 190, 190)
# Of the people of a video, in turn.
PERSON_COLORS = ((0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 190, 40), (130, 90, 200), (150, 75, 0))
BONE_SIDES = tuple(
    next((side for side in ('left', 'right') if JOINT_NAMES[child].startswith(side)), 'trunk') for _, child in BONES
)


def css(color: tuple[int, int, int]) -> str:
    """A colour as web pages and Matplotlib take it."""
    return '#' + bytes(color).hex()


@dataclass
class PoseFrame:
    """One frame of a picture or video; joints are camera-frame metres, any root position."""

    image: np.ndarray | None  # (H, W, 3) uint8 BGR
    keypoints: np.ndarray | None  # (17, 2) px in ``image`` to draw over it
    truth: np.ndarray | None  # (17, 3) true joints, where they are known
    predictions: dict[str, np.ndarray]  # for each name that should stand above the pose, (17, 3) joints
    title: str = ''  # which frame this is, for example 'S9 Walking, frame 120'

    def relative_truth(self) -> np.ndarray | None:
        """(17, 3) true joints with the root at the origin, metres, or None."""
        return None if self.truth is None else self.truth - self.truth[ROOT]

    def relative_predictions(self) -> dict[str, np.ndarray]:
        """(17, 3) joints of each prediction with the root at the origin, metres."""
        return {name: pose - pose[ROOT] for name, pose in self.predictions.items()}

    def errors_mm(self) -> dict[str, float]:
        """MPJPE of each prediction (Protocol 1), millimetres; empty without truth."""
        truth = self.relative_truth()
        poses = {} if truth is None else self.relative_predictions()
        return {name: 1000 * float(mpjpe(pose[None], truth[None])[0]) for name, pose in poses.items()}
