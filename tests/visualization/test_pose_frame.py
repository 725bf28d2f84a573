import numpy as np
import pytest

from depth_refine.structures.skeleton import BONES, JOINT_NAMES
from depth_refine.visualization.pose_frame import BONE_SIDES


def test_errors_are_root_relative_millimetres(frame):
    assert frame.errors_mm() == pytest.approx({'first stage': 50 * 16 / 17, 'refined': 0})
    frame.predictions['refined'] += [3.0, -2.0, 1.0]
    assert frame.errors_mm()['refined'] == pytest.approx(0, abs=1e-9)


def test_poses_are_drawn_around_the_root(frame):
    np.testing.assert_allclose(frame.relative_truth(), frame.truth - frame.truth[0])
    for pose in frame.relative_predictions().values():
        np.testing.assert_allclose(pose[0], 0)


def test_sides_of_bones():
    assert len(BONE_SIDES) == len(BONES)
    for side in ('left', 'right'):
        children = {JOINT_NAMES[child] for (_, child), found in zip(BONES, BONE_SIDES, strict=True) if found == side}
        assert children == {f'{side}_{part}' for part in ('hip', 'knee', 'foot', 'shoulder', 'elbow', 'wrist')}


def test_without_truth(frame):
    frame.truth = None
    assert frame.relative_truth() is None and frame.errors_mm() == {}
