"""Skeletons, roots, actions and names other than Human3.6M's."""

import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from reference_errors import reference_errors

from depth_refine.evaluation import DepthPoseMetric, H36MPoseMetric
from depth_refine.utils.errors import InputError

LENGTHS = {'walk.left': 6, 'walk.right': 4, 'fall.left': 5}
ACTIONS = {'walk.left': ['walk'] * 6, 'walk.right': ['walk'] * 4, 'fall.left': ['fall'] * 5}
MPI_INF_3DHP = parse_pose_metainfo(dict(from_file='configs/_base_/datasets/mpi_inf_3dhp.py')) | dict(root_index=14)


def named(num_joints, **more):
    """The part of a data set's metainfo that the metric reads."""
    return dict(num_keypoints=num_joints, keypoint_id2name={k: f'joint_{k}' for k in range(num_joints)}, **more)


@pytest.fixture
def make_videos():
    def make(num_joints):
        rng = np.random.default_rng(2)
        truth = {name: rng.normal(0, 0.4, (T, num_joints, 3)) + [0.3, -0.1, 4.5] for name, T in LENGTHS.items()}
        return {name: (gt, gt + rng.normal(0, 0.03, gt.shape)) for name, gt in truth.items()}

    return make


@pytest.fixture
def make_samples(lifted_sample, frame_samples):
    """Samples of videos; frames are numbered from 1, and ``metainfo`` of a video may differ with its name."""

    def make(stage, videos, root, **metainfo):
        samples = []
        for name, video in videos.items():
            meta = {key: value[name] if isinstance(value, dict) else value for key, value in metainfo.items()}
            if stage == 2:
                frames = np.arange(1, len(video[0]) + 1)
                samples.append(lifted_sample(name, *video, root=root, **dict(sequence=name, frames=frames) | meta))
            else:
                samples += frame_samples(name, *video, root=root, **dict(subject='') | meta)
        return samples

    return make


@pytest.mark.parametrize('stage', [1, 2])
@pytest.mark.parametrize(
    ('num_joints', 'root', 'dataset_meta', 'argument', 'in_samples'),
    [
        (24, 3, named(24, root_index=3), None, True),
        (24, 3, named(24), 'joint_3', False),
        (17, 14, MPI_INF_3DHP, 'root', False),
        (17, 14, MPI_INF_3DHP, None, False),
        (5, 2, None, None, True),
        (5, 2, None, 2, False),
    ],
)
def test_any_skeleton_against_loop(
    make_videos, make_samples, evaluate, stage, num_joints, root, dataset_meta, argument, in_samples
):
    """The root as an argument, from the metainfo of the data set or of its samples."""
    videos = make_videos(num_joints)
    meta = dict(action={name: actions[0] for name, actions in ACTIONS.items()})
    samples = make_samples(stage, videos, root, **meta, **(dict(root_index=root) if in_samples else {}))
    metrics = evaluate(samples, metric=DepthPoseMetric, dataset_meta=dataset_meta, root_index=argument)
    assert metrics == pytest.approx(reference_errors(videos, None, root, ACTIONS, 'pose3d'), rel=1e-5)


@pytest.mark.parametrize('action', [None, ''])
def test_without_actions_all_frames_are_one_group(make_videos, make_samples, evaluate, messages, action):
    videos = make_videos(24)
    metric = DepthPoseMetric(root_index=1)
    metrics = evaluate(make_samples(2, videos, 1, action=action), metric=metric)
    one = {name: [''] * length for name, length in LENGTHS.items()}
    assert metrics == pytest.approx(reference_errors(videos, None, 1, one, 'pose3d'), rel=1e-5)
    assert metrics['pose3d/MPJPE_mm'] == metrics['pose3d/MPJPE_frames_mm'] and metric.by_action == {}
    table, rules = messages
    assert [line.split('  ')[0] for line in table.splitlines()[4:]] == ['mean of frames']
    assert rules.startswith('Rules: 24 joints, no actions, 15 frames, 3 sequences; skipped by skip_list []: none; root')


def test_each_frame_has_an_action(make_videos, make_samples, evaluate):
    """Those of a sequence come and go, and samples come in parts; a difference belongs to its last frame."""
    videos = make_videos(7)
    actions = ACTIONS | {'walk.left': ['walk', 'turn', 'turn', 'walk', 'walk', 'fall']}
    metric = DepthPoseMetric(root_index=6)
    metrics = evaluate(make_samples(2, videos, 6, action=actions), metric=metric)
    assert metrics == pytest.approx(reference_errors(videos, None, 6, actions, 'pose3d'), rel=1e-5)
    assert list(metric.by_action) == ['fall', 'turn', 'walk']


def test_some_joints_by_name_and_index(make_videos, make_samples, evaluate):
    """The root need not count itself."""
    videos = make_videos(24)
    samples, meta = make_samples(2, videos, 3, action=ACTIONS), named(24, root_index=3)
    metrics = evaluate(samples, metric=DepthPoseMetric, dataset_meta=meta, joints=['joint_20', 5, 'joint_0', 11, 9, 17])
    assert metrics == pytest.approx(reference_errors(videos, [0, 5, 9, 11, 17, 20], 3, ACTIONS, 'pose3d'), rel=1e-5)


@pytest.mark.parametrize(
    ('skip_list', 'left'), [(['walk'], ['fall.left']), (['walk.right', 'run'], ['walk.left', 'fall.left'])]
)
def test_skip_list_names_sequences_or_what_stands_before_the_dot(make_videos, make_samples, evaluate, skip_list, left):
    videos = make_videos(5)
    samples = make_samples(2, videos, 0, action=ACTIONS, root_index=0)
    expected = reference_errors({name: videos[name] for name in left}, None, 0, ACTIONS, 'pose3d')
    assert evaluate(samples, skip_list=skip_list, metric=DepthPoseMetric) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ('dataset_meta', 'changes', 'arguments', 'message'),
    [
        (named(24), {}, {}, r"^walk\.left: .* nothing says which joint that is: let PackPoseInputs .* 'root_index'"),
        (
            *(named(24, root_index=3), dict(root_index=0), {}),
            "but the data set's metainfo names joint 3, and the samples' root_index names joint 0; let them agree",
        ),
        (named(24, root_index=3), {}, dict(root_index=1), 'but DepthPoseMetric names joint 1, and the data set'),
        (None, {}, dict(root_index=24), 'there is no root joint 24: expected one of 0 to 23'),
        (named(24), {}, dict(root_index='pelvis'), r"there is no joint 'pelvis' among the 24 joints \['joint_0', "),
        (None, {}, dict(root_index='joint_3'), "there is no joint 'joint_3' among the joints, whose names"),
        (named(24), {}, dict(root_index=3, joints=[0, 24]), 'there is no joint 24 among the 24 joints'),
        (named(24), {}, dict(root_index=3, joints=['joint_1', 1]), r"each once, got \['joint_1', 1\]"),
        (None, {}, dict(root_index=3, joints='joint_1'), 'joints of DepthPoseMetric: expected a list of joints, got'),
        (
            *(named(17, root_index=0), {}, {}),
            r"expected poses of shape \(T, 17, 3\), got \(6, 24, 3\) as .* 17 is the number of joints of the data set",
        ),
        (None, {}, dict(metric=H36MPoseMetric), r'got \(6, 24, 3\) as .* 17 is the number of joints of H36MPoseMetric'),
        (None, dict(frames=np.arange(5)), dict(root_index=0), 'got 5 numbers and 6 actions for 6 frames'),
        (None, dict(action=['walk'] * 5), dict(root_index=0), 'got 6 numbers and 5 actions for 6 frames'),
        (
            *(None, dict(action={'walk.left': 'walk', 'walk.right': '', 'fall.left': 'fall'}), dict(root_index=0)),
            'DepthPoseMetric: expected an action for every frame or for none, got none for 4 of 15 frames',
        ),
        (None, dict(sequence='walk'), dict(root_index=0), 'walk: .* frame 1 more than once; .* each camera its own'),
    ],
)  # fmt: skip
def test_bad_input(make_videos, make_samples, evaluate, dataset_meta, changes, arguments, message):
    changes = dict(action={name: actions[0] for name, actions in ACTIONS.items()}) | changes
    with pytest.raises(InputError, match=message):
        samples = make_samples(2, make_videos(24), 3, **changes)
        evaluate(samples, dataset_meta=dataset_meta, **dict(metric=DepthPoseMetric) | arguments)


def test_predictions_with_other_joints_than_the_truth(make_videos, lifted_sample, evaluate):
    gt, pred = make_videos(24)['walk.left']
    sample = lifted_sample('walk.left', gt, pred[:, :17], sequence='walk.left', frames=np.arange(6), root_index=3)
    with pytest.raises(InputError, match=r'\(6, 17, 3\) as predicted poses; 24 is the number of joints of the true po'):
        evaluate([sample], metric=DepthPoseMetric)


def test_sequences_of_other_skeletons(make_videos, make_samples, evaluate):
    samples = make_samples(2, make_videos(5), 0)[:1] + make_samples(2, make_videos(7), 0)[1:]
    with pytest.raises(InputError, match=r'in all sequences, got joints: 5 in walk\.left, 7 in fall\.left'):
        evaluate(samples, metric=DepthPoseMetric, root_index=0)


@pytest.mark.parametrize(('stage', 'key'), [(1, 'sequence'), (1, 'frame'), (2, 'sequence'), (2, 'frames')])
def test_only_human36m_reads_image_names(make_videos, make_samples, stage, key):
    sample = make_samples(stage, make_videos(5), 0)[0].to_dict()
    del sample[key]
    with pytest.raises(InputError, match=r"expected both 'sequence' and 'frames?' in the metainfo, got .*; let Pack"):
        DepthPoseMetric(root_index=0).process({}, [sample])
