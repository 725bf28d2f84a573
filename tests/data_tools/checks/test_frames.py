from pathlib import Path

import numpy as np
import pytest

from depth_refine.data_tools.checks import frames
from depth_refine.data_tools.checks.frames import check_counts, check_frame_numbers, check_joints


def joints(annotation, kind='problem'):
    return [message for got, message in check_joints(annotation) if got == kind]


def test_good(annotation):
    assert list(check_frame_numbers(annotation)) == [('ok', '96 frames of 8 videos')]
    assert joints(annotation) == []
    ((kind, message),) = check_counts(annotation)
    assert kind == 'note'
    assert message.startswith("other numbers of frames than Human3.6M's: S1 96, not 248,376. As it should be of a part")


@pytest.mark.parametrize(
    ('official', 'count'), [({('S1',): 96}, 0), ({('S1', 'S11'): 7396}, 0), ({('S1', 'S2'): 7396}, 1)]
)
def test_official_counts(annotation, monkeypatch, official, count):
    """S11 Directions, of 4 times 1825 frames, may be missing."""
    monkeypatch.setattr(frames, 'OFFICIAL_FRAMES', official)
    assert len(list(check_counts(annotation))) == count


def test_millimetres(annotation):
    annotation.keypoints_3d = annotation.keypoints_3d * 1000
    message = joints(annotation)[0]
    assert message.startswith('in the median frame S is ')
    assert message.endswith('m from the camera; it looks like millimetres: divide S by 1000.')


def test_root(annotation):
    annotation.keypoints_3d[:5, 0, 2] += 0.002
    annotation.keypoints_3d[5:9, 0, 2] += 0.0005
    (problem,) = joints(annotation)
    assert 'the root off the middle of the hips by more than 1 mm in 5 frames' in problem


def test_box(annotation):
    annotation.scale[90:] *= 0.5
    annotation.keypoints_visible = annotation.keypoints_visible.copy()
    annotation.keypoints_visible[95] = False
    (problem,) = joints(annotation)
    assert problem.startswith('5 frames have 2D joints outside their box.')


def test_crops(annotation):
    low, high = annotation.keypoints.min(axis=1), annotation.keypoints.max(axis=1)
    annotation.crops = np.concatenate([np.floor(low), np.ceil(high) + 1], axis=-1)
    assert joints(annotation) == []
    annotation.crops[3, 0] += 2
    annotation.crops[7, 3] -= 3
    (problem,) = joints(annotation)
    assert problem.startswith('2 frames have 2D joints in the image but outside their crop.')


def test_depth_range_and_image(annotation):
    annotation.keypoints_3d[:, 10] *= 1.5
    annotation.keypoints[:48, 16, 1] = 65
    annotation.scale *= 10
    depth, image = joints(annotation, 'note')
    assert depth.startswith(f'{1 / 17:.2%} of the joints lie more than 750 mm nearer or farther')
    assert image == f'{0.5 / 17:.2%} of the joints lie outside the image'


def test_frame_numbers(annotation):
    first, second, third = annotation.sequences[:3]
    annotation.frames[first.rows[-1]] = 20
    annotation.frames[second.rows[-1]] = 11
    annotation.frames[third.rows] += 100
    _, twice, jump, late = check_frame_numbers(annotation)
    assert twice == (
        'problem', f'frame numbers repeat in 1 of 8 videos, first {second.name}. Remove the second rows.'
    )  # fmt: skip
    gaps = f'frame numbers have gaps (expected steps of 1) in 1 of 8 videos, first {first.name}, from 11 to 20.'
    assert jump[0] == 'problem' and jump[1].startswith(gaps)
    assert late == ('note', f'frame numbers do not start at 1 in 1 of 8 videos, first {third.name}')


@pytest.mark.parametrize(('folder', 'step'), [('fps10', 5), ('fps16.6667', 3), ('fps50', 1), ('fpsx', 1)])
def test_steps_are_those_of_the_folder(annotation, folder, step):
    annotation.path = Path(folder, 'h36m_train.npz')
    annotation.frames = step * (annotation.frames - 1) + 1
    notes = [message for kind, message in check_frame_numbers(annotation) if kind != 'ok']
    assert [note[:27] for note in notes] == ['the name of its folder does'] * (folder == 'fpsx')
    assert len(list(check_counts(annotation))) == (step == 1)
    annotation.frames = 2 * (annotation.frames - 1) + 1
    *_, (kind, message) = check_frame_numbers(annotation)
    assert kind == 'problem'
    assert message.startswith(f'frame numbers have gaps (expected steps of {step}) in 8 of 8 videos')
