import numpy as np
import pytest

from depth_refine.data_tools.checks.annotation import check_annotation
from depth_refine.data_tools.checks.findings import Findings
from depth_refine.datasets import H36MAnnotation


@pytest.fixture
def annotation(data_root):
    """8 videos of 12 frames."""
    folder = data_root / 'annotation_body3d'
    return H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')


def check(annotation, kind, step=1):
    findings = Findings()
    check_annotation(annotation, step, 'a.npz', findings)
    return [finding.message for finding in findings if finding.kind == kind]


def test_good(annotation):
    assert check(annotation, 'problem') == []
    assert check(annotation, 'ok') == ['96 frames of 8 videos']
    (note,) = [note for note in check(annotation, 'note') if 'D = 1500 mm' not in note]
    assert note.startswith("other numbers of frames than Human3.6M's: S1 96, not 248,376. As it should be of a part")


def test_official_counts(annotation, monkeypatch):
    module = 'depth_refine.data_tools.checks.annotation'
    for official, expected in (({('S1',): 96}, 0), ({('S1', 'S11'): 7396}, 0), ({('S1', 'S2'): 7396}, 1)):
        monkeypatch.setattr(f'{module}.OFFICIAL_FRAMES', official)
        assert len([note for note in check(annotation, 'note') if 'other numbers of frames' in note]) == expected


def test_millimetres(annotation):
    annotation.keypoints_3d = annotation.keypoints_3d * 1000
    (unit,) = [problem for problem in check(annotation, 'problem') if 'median' in problem]
    assert unit.startswith('in the median frame S is ')
    assert unit.endswith('m from the camera; it looks like millimetres: divide S by 1000.')


def test_root(annotation):
    annotation.keypoints_3d[:5, 0, 2] += 0.002
    annotation.keypoints_3d[5:9, 0, 2] += 0.0005
    (problem,) = check(annotation, 'problem')
    assert 'the root off the middle of the hips by more than 1 mm in 5 frames' in problem


def test_box(annotation):
    annotation.scale[90:] *= 0.5
    annotation.keypoints_visible = annotation.keypoints_visible.copy()
    annotation.keypoints_visible[95] = False
    (problem,) = check(annotation, 'problem')
    assert problem.startswith('5 frames have 2D joints outside their box.')


def test_crops(annotation):
    low, high = annotation.keypoints.min(axis=1), annotation.keypoints.max(axis=1)
    annotation.crops = np.concatenate([np.floor(low), np.ceil(high) + 1], axis=-1)
    assert check(annotation, 'problem') == []
    annotation.crops[3, 0] += 2
    annotation.crops[7, 3] -= 3
    (problem,) = check(annotation, 'problem')
    assert problem.startswith('2 frames have 2D joints in the image but outside their crop.')


def test_depth_range_and_image(annotation):
    annotation.keypoints_3d[:, 10] *= 1.5
    annotation.keypoints[:48, 16, 1] = 65
    annotation.scale *= 10
    notes = check(annotation, 'note')
    assert f'{1 / 17:.2%} of the joints lie more than 750 mm nearer or farther' in notes[1]
    assert notes[2] == f'{0.5 / 17:.2%} of the joints lie outside the image'


def test_frame_numbers(annotation):
    first, second, third = (sequence.rows for sequence in annotation.sequences[:3])
    annotation.frames[first[-1]] = 20
    annotation.frames[second[-1]] = 11
    annotation.frames[third] += 100
    gaps = f'frame numbers have gaps (expected steps of 1) in 1 of 8 videos, first {annotation.sequences[0].name}, '
    twice, jump = check(annotation, 'problem')
    assert (
        twice == f'frame numbers repeat in 1 of 8 videos, first {annotation.sequences[1].name}. Remove the second rows.'
    )
    assert jump.startswith(gaps + 'from 11 to 20.')
    late = f'frame numbers do not start at 1 in 1 of 8 videos, first {annotation.sequences[2].name}'
    assert late in check(annotation, 'note')


def test_frame_step(annotation):
    annotation.frames = 5 * (annotation.frames - 1) + 1
    assert check(annotation, 'problem', step=5) == []
    assert not [note for note in check(annotation, 'note', step=5) if 'other numbers of frames' in note]
    (problem,) = check(annotation, 'problem', step=2)
    assert problem.startswith('frame numbers have gaps (expected steps of 2) in 8 of 8 videos')
