"""Speed of Protocol 2."""

from collections.abc import Iterator

import numpy as np
from mmpose.evaluation.functional import keypoint_mpjpe

from depth_refine.functional.pose_error import mpjpe, similarity_align

from .setup import Setup
from .turns import Contender, Row, take_turns

FRAMES = 100_000
_THEIR_FRAMES = 2000  # MMPose aligns them one by one


def measure(setup: Setup) -> Iterator[Row]:
    """Frames a second of the error after a similarity alignment."""
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 0.3, (FRAMES, 17, 3)).astype(np.float32)
    pred = truth + rng.normal(0, 0.03, truth.shape).astype(np.float32)
    few, few_pred = truth[:_THEIR_FRAMES], pred[:_THEIR_FRAMES]
    visible = np.ones(few.shape[:2], bool)
    contenders = dict(
        ours=Contender(lambda: mpjpe(similarity_align(pred, truth), truth), len(truth)),
        theirs=Contender(lambda: keypoint_mpjpe(few_pred, few, visible, 'procrustes'), len(few)),
    )
    peer = "MMPose's keypoint_mpjpe"
    rates = take_turns(contenders, setup.rounds)
    yield Row('error after alignment (Protocol 2)', 'frames/s', rates['ours'], peer, rates['theirs'], target=20)
