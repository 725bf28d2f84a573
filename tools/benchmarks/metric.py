"""Protocol 2."""

from collections.abc import Iterator

import numpy as np
from mmpose.evaluation.functional import keypoint_mpjpe

from depth_refine.functional.pose_error import mpjpe, similarity_align

from .comparison import Contender, Result, compare
from .setup import Setup

_PEER = "MMPose's keypoint_mpjpe"


def measure(setup: Setup, frames: int = 100_000, their_frames: int = 2000) -> Iterator[Result]:
    """Frames a second of the error after a similarity alignment.

    Args:
        setup: see :class:`Setup`.
        frames: of ours.
        their_frames: of MMPose's, at most as many.
    """
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 0.3, (frames, 17, 3)).astype(np.float32)
    pred = truth + rng.normal(0, 0.03, truth.shape).astype(np.float32)
    few, few_pred, visible = truth[:their_frames], pred[:their_frames], np.ones((their_frames, 17), bool)
    rates = setup.take_turns(
        {
            'ours': Contender(lambda: mpjpe(similarity_align(pred, truth), truth), frames),
            _PEER: Contender(lambda: keypoint_mpjpe(few_pred, few, visible, 'procrustes'), their_frames),
        }
    )
    yield compare('error after alignment (Protocol 2)', 'frames/s', rates['ours'], _PEER, rates[_PEER], target=20)
