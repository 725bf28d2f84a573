"""The skeleton against the metainfo that MMPose ships for Human3.6M."""

import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from depth_refine.structures.skeleton import BONES, FLIP_INDICES, JOINT_NAMES, PARENTS, ROOT, bone_lengths


def test_joints_and_bones_are_those_of_mmpose():
    h36m = parse_pose_metainfo(dict(from_file='configs/_base_/datasets/h36m.py'))
    assert list(JOINT_NAMES) == [h36m['keypoint_id2name'][joint] for joint in range(17)]
    assert list(FLIP_INDICES) == h36m['flip_indices']
    assert {frozenset(bone) for bone in BONES} == {frozenset(link) for link in h36m['skeleton_links']}


def test_parents_form_a_tree_in_topological_order():
    assert PARENTS[ROOT] == -1
    assert all(0 <= PARENTS[joint] < joint for joint in range(1, 17))
    assert {(FLIP_INDICES[parent], FLIP_INDICES[child]) for parent, child in BONES} == set(BONES), 'mirrored'


def test_bone_lengths_against_a_loop():
    joints = np.random.default_rng(0).normal(size=(2, 5, 17, 3))
    lengths = bone_lengths(joints)
    assert lengths.shape == (2, 5, 16)
    for index, (parent, child) in enumerate(BONES):
        for batch in np.ndindex(2, 5):
            expected = sum((joints[batch][parent] - joints[batch][child]) ** 2) ** 0.5
            assert lengths[batch][index] == pytest.approx(expected, rel=1e-12)
