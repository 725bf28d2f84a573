import numpy as np
import pytest
from mmpose.registry import DATASETS

from depth_refine.datasets import H36MAnnotation
from depth_refine.functional.camera import camera_to_world
from depth_refine.utils.errors import InputError


@pytest.fixture
def changed(annotations, data_root, tmp_path):
    """A function that opens the training annotation with 3D joints (N, 17, 3) and their visibility changed."""
    arrays = dict(np.load(annotations[0].path))

    def open_changed(joints, visible=1.0, **more):
        changed = np.concatenate([joints, np.broadcast_to(visible, (*joints.shape[:2], 1))], axis=-1)
        np.savez(tmp_path / 'a.npz', **(arrays | dict(S=changed) | more))
        return H36MAnnotation(tmp_path / 'a.npz', data_root / 'annotation_body3d/cameras.pkl')

    return open_changed


def in_world(annotation):
    cameras = [annotation.cameras[index] for index in annotation.sequence_ids]
    return np.stack([camera_to_world(*each) for each in zip(annotation.keypoints_3d, cameras, strict=True)])


def in_world_before_the_camera(annotation):
    return in_world(annotation) + [0, 0, 0.5]  # the synthetic room's z is up, 0 on the floor


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            in_world_before_the_camera,
            r"the joints of 'S' in row \d+ \(S1/.*\) are seen by its camera .* those of 'part'",
        ),
        (
            lambda annotation: annotation.keypoints_3d[:, ::-1],
            r'seen by its camera \d+ px beside those .* in one order\?',
        ),
        (lambda annotation: annotation.keypoints_3d * [1, -1, 1], 'seen by its camera .* x right, y down, z forward'),
    ],
)
def test_joints_that_do_not_belong_together(annotations, changed, change, message):
    with pytest.raises(InputError, match=message):
        changed(change(annotations[0]))


def test_joints_of_other_people_and_hidden_ones_are_accepted(annotations, changed):
    joints = annotations[0].keypoints_3d
    changed((joints - joints[:, :1]) * 0.9 + joints[:, :1])
    changed(np.where(np.arange(17)[:, None] == 3, 0, joints), visible=np.arange(17)[:, None] != 3)


def worst_row(annotation):
    """All of the first video is far off, its 7th frame most."""
    joints, rows = annotation.keypoints_3d.copy(), annotation.sequences[0].rows
    joints[rows, :, 0] += 2
    joints[rows[6], :, 0] += 1
    return joints


def exchanged(*pairs):
    order = np.arange(17)
    for first, second in pairs:
        order[[first, second]] = second, first
    return lambda annotation: annotation.keypoints_3d[:, order]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            worst_row,
            r'in row 6 \(S1/S1_Walking_1\.54138969/.*_000007\.jpg\) are .*, and half of its video is as far off',
        ),
        (exchanged((2, 5)), "between 'part' and 'S': right_knee and left_knee. Each of these two"),
        (exchanged((13, 16)), "between 'part' and 'S': left_wrist and right_wrist. Each"),
        (exchanged((2, 3), (5, 6)), 'right_knee and right_foot, left_knee and left_foot. Each'),
    ],
)
def test_one_video_and_single_joints(annotations, changed, change, message):
    with pytest.raises(InputError, match=message):
        changed(change(annotations[0]))


@pytest.mark.parametrize(('shift', 'word'), [(4, 'late'), (-3, 'early')])
def test_2d_of_other_frames(annotations, changed, shift, word):
    annotation, part = annotations[0], np.load(annotations[0].path)['part']
    rows = annotation.sequences[2].rows
    part[rows] = part[rows[(np.arange(12) - shift).clip(0, 11)]]
    with pytest.raises(InputError, match=rf'{annotation.sequences[2].name} are {abs(shift)} frames {word}: they are'):
        changed(annotation.keypoints_3d, part=part)


def test_rough_detections_are_accepted(annotations, changed):
    """Noise of 2 % of the box, a third of the frames of somebody else."""
    annotation, rng = annotations[0], np.random.default_rng(0)
    part, sides = np.load(annotation.path)['part'], 200 * annotation.scale[:, None, None]
    part[..., :2] += rng.normal(0, 0.02, (96, 17, 2)) * sides
    part[::3, :, :2] += 0.8 * sides[::3]
    changed(annotation.keypoints_3d, part=part)


@pytest.mark.parametrize('source', ['gt2d', 'gt2d+gtdepth'])
def test_true_inputs_have_all_joints(annotations, data_root, tmp_path, source):
    arrays = dict(np.load(annotations[0].path))
    arrays['part'][7, 3, 2] = 0
    np.savez(tmp_path / 'a.npz', **arrays)
    cfg = dict(type='H36MDepthSequenceDataset', input_source=source, seq_len=3, ann_file=str(tmp_path / 'a.npz'))
    with pytest.raises(InputError, match=r"input_source '.*' needs all joints, and 'right_foot' is .* in row 7 \(S1"):
        DATASETS.build(dict(cfg, data_root=str(data_root), pipeline=[]))
