import copy
import itertools
import re

import numpy as np
import pytest
from mmengine.config import Config
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from skeletons import smpl_metainfo

from depth_refine.structures.skeleton import H36M, Skeleton, parse_metainfo
from depth_refine.utils.errors import InputError


def chain(*names, swaps=None, links=None):
    """Metainfo of joints in a row."""
    links = list(itertools.pairwise(names)) if links is None else links
    return dict(
        dataset_name='chain',
        keypoint_info={i: dict(name=name, swap=(swaps or {}).get(name, '')) for i, name in enumerate(names)},
        skeleton_info={i: dict(link=link) for i, link in enumerate(links)},
        joint_weights=[1.0] * len(names),
        sigmas=[0.1] * len(names),
    )


def test_h36m_is_mmposes():
    mmpose_h36m = dict(from_file='configs/_base_/datasets/h36m.py')
    assert Skeleton.from_metainfo(mmpose_h36m, 'root') == H36M
    assert Skeleton.from_metainfo(parse_pose_metainfo(mmpose_h36m), 0) == H36M
    assert Skeleton.from_metainfo(dict(parse_pose_metainfo(mmpose_h36m), root_index=0)) == H36M
    assert H36M.num_joints == 17 and H36M.root == 0 and H36M.from_root.index(3) > H36M.from_root.index(2)


def test_another_root():
    skeleton = Skeleton.from_metainfo(dict(from_file='configs/_base_/datasets/mpi_inf_3dhp.py'), 14)
    assert skeleton.root == 14 and skeleton.joint_names[14] == 'root'
    order = skeleton.from_root
    assert sorted(order) == list(range(17))
    assert all(order.index(skeleton.parents[joint]) < order.index(joint) for joint in order[1:])
    at_the_foot = Skeleton.from_metainfo(chain('a', 'b', 'c'), 'c')
    assert at_the_foot.parents == (1, 2, -1) and at_the_foot.bones == ((1, 0), (2, 1))


def test_joints_are_in_the_order_of_their_numbers(tmp_path):
    """As a config is that MMEngine has copied: its keys are sorted as texts."""
    Config(dict(metainfo=smpl_metainfo())).dump(tmp_path / 'copy.py')
    copied = Config.fromfile(tmp_path / 'copy.py').metainfo
    assert list(copied.keypoint_info)[:3] == [0, 1, 10]
    parsed, expected = parse_metainfo(copied), parse_pose_metainfo(smpl_metainfo())
    for key in ('keypoint_id2name', 'flip_indices'):
        assert parsed[key] == expected[key] and list(parsed[key]) == list(expected[key])
    np.testing.assert_array_equal(parsed['keypoint_colors'], expected['keypoint_colors'])
    assert Skeleton.from_metainfo(copied, 'pelvis') == Skeleton.from_metainfo(smpl_metainfo(), 'pelvis')


def test_sides():
    named = chain('root', 'knee_r', 'knee_l', 'LHand', 'RHand', 'x', 'y', 'leftover', swaps=dict(
        knee_r='knee_l', knee_l='knee_r', LHand='RHand', RHand='LHand', x='y', y='x'
    ))  # fmt: skip
    sides = Skeleton.from_metainfo(named, 'root').sides
    assert sides == ('trunk', 'right', 'left', 'left', 'right', 'left', 'right', 'trunk')
    assert H36M.sides[:5] == ('trunk', 'right', 'right', 'right', 'left')


def test_bone_lengths_against_a_loop():
    joints = np.random.default_rng(0).normal(size=(2, 5, 17, 3))
    lengths = [np.sqrt(np.sum((joints[..., a, :] - joints[..., b, :]) ** 2, axis=-1)) for a, b in H36M.bones]
    np.testing.assert_allclose(H36M.bone_lengths(joints), np.stack(lengths, axis=-1), rtol=1e-12)


@pytest.mark.parametrize(
    ('metainfo', 'root', 'message'),
    [
        (chain('a', 'b'), None, "'chain' needs a root: expected the name or index of one of its 2 joints"),
        (chain('a', 'b'), 'c', "got 'c'. Name it with root=..."),
        (chain('a', 'b'), 2, 'got 2'),
        (chain('a', 'b', 'c', links=[('a', 'b'), ('b', 'c'), ('c', 'a')]), 'a', "between 'b' and 'c' closes a cycle"),
        (chain('a', 'b', 'c', links=[('a', 'b')]), 'a', "'c' is not linked to the root 'a'"),
        (chain('a', 'l', 'r', swaps=dict(l='r')), 'a', "'l' is mirrored to 'r', and that to 'r'"),
        (chain('a', 'l', 'r', swaps=dict(l='q')), 'a', "names 'q', which is not there"),
        (
            chain('a', 'b') | dict(keypoint_info={1: dict(name='a'), 2: dict(name='b')}),
            *('a', 'expected the numbers 0 to 1 as keys of the 2 joints of keypoint_info, got [1, 2]'),
        ),
        (chain('a', 'a'), 0, "several joints of the name 'a'"),
        (dict(chain('a', 'b'), skeleton_info={0: dict(link=('a', 'b', 'a'))}), 0, 'links of two names'),
        (dict(chain('a', 'b'), keypoint_info=[dict(name='a')]), 0, "MMPose's dataset_info"),
        (chain('a', 'b'), True, 'got True'),
        (dict(dataset_name='a'), 0, 'expected the keys'),
        (dict(from_file='no/such/file.py'), 0, 'no/such/file.py'),
    ],
)
def test_metainfo_that_is_no_skeleton(metainfo, root, message):
    with pytest.raises(InputError, match=re.escape(message)):
        Skeleton.from_metainfo(copy.deepcopy(metainfo), root)


@pytest.mark.parametrize(
    ('parents', 'message'),
    [((-1, 2, 1), "'b' form a cycle"), ((-1, -1, 0), 'has 2'), ((-1, 3, 0), 'between'), ((-1, 0), '2 parents')],
)
def test_parents_that_are_no_tree(parents, message):
    with pytest.raises(InputError, match=message):
        Skeleton(('a', 'b', 'c'), parents, (0, 1, 2))
