from pathlib import Path

import numpy as np

from depth_refine.data_tools.preparation.mpi_inf_3dhp_facts import (
    JOINT_NAMES,
    JOINTS_OF_28,
    MIRRORED_JOINTS,
    RECORDINGS,
    ROOTS,
    TEST_SETS,
)
from depth_refine.structures.skeleton import Skeleton

METAINFO = Path(__file__).parents[3] / 'configs/_base_/datasets/mpi_inf_3dhp_28.py'


def test_the_28_joints_are_the_metainfos():
    skeleton = Skeleton.from_metainfo(dict(from_file=str(METAINFO)), 'pelvis')
    assert skeleton.joint_names == JOINT_NAMES and skeleton.root == ROOTS[28]
    assert skeleton.flip_indices == MIRRORED_JOINTS
    # the tree of mpii_get_joint_set.m, from 1; the pelvis is its own parent there
    parents = [3, 1, 4, 5, 5, 2, 6, 7, 6, 9, 10, 11, 12, 6, 14, 15, 16, 17, 5, 19, 20, 21, 22, 5, 24, 25, 26, 27]
    assert skeleton.parents == tuple(-1 if joint == 4 else parent - 1 for joint, parent in enumerate(parents))
    assert skeleton.sides == tuple(
        name.split('_')[0] if name.count('_') and name != 'head_top' else 'trunk' for name in JOINT_NAMES
    )


def test_the_17_joints_are_mmposes():
    skeleton = Skeleton.from_metainfo(dict(from_file='configs/_base_/datasets/mpi_inf_3dhp.py'), 'root')
    names = ['root' if JOINT_NAMES[joint] == 'pelvis' else JOINT_NAMES[joint] for joint in JOINTS_OF_28]
    assert skeleton.joint_names == tuple(names) and skeleton.root == ROOTS[17]
    mirrored = np.argsort(JOINTS_OF_28)[
        np.searchsorted(sorted(JOINTS_OF_28), np.array(MIRRORED_JOINTS)[list(JOINTS_OF_28)])
    ]
    assert skeleton.flip_indices == tuple(mirrored.tolist())


def test_counts():
    """Sequences last about four minutes, whatever their rate; 2929 frames are evaluated."""
    assert all(240 < frames / rate < 270 for frames, rate in RECORDINGS.values()) and len(RECORDINGS) == 16
    assert sum(benchmark.valid for benchmark in TEST_SETS.values()) == 2929
