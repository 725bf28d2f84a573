import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from depth_refine.structures.skeleton import BONES, FLIP_INDICES, JOINT_NAMES, PARENTS, ROOT, bone_lengths


def test_it_is_mmposes_and_a_tree_in_topological_order():
    mmpose_h36m = parse_pose_metainfo(dict(from_file='configs/_base_/datasets/h36m.py'))
    assert list(JOINT_NAMES) == [mmpose_h36m['keypoint_id2name'][joint] for joint in range(17)]
    assert list(FLIP_INDICES) == mmpose_h36m['flip_indices']
    assert {frozenset(bone) for bone in BONES} == {frozenset(link) for link in mmpose_h36m['skeleton_links']}
    assert PARENTS[ROOT] == -1 and all(0 <= PARENTS[joint] < joint for joint in range(1, 17))
    assert {(FLIP_INDICES[parent], FLIP_INDICES[child]) for parent, child in BONES} == set(BONES)


def test_bone_lengths_against_a_loop():
    joints = np.random.default_rng(0).normal(size=(2, 5, 17, 3))
    lengths = [np.sqrt(np.sum((joints[..., a, :] - joints[..., b, :]) ** 2, axis=-1)) for a, b in BONES]
    np.testing.assert_allclose(bone_lengths(joints), np.stack(lengths, axis=-1), rtol=1e-12)
