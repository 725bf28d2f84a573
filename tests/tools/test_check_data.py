import pickle
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from official_mpi_inf_3dhp import write_recording, write_test_set
from skeletons import smpl_metainfo, standing_pose

from depth_refine.datasets import AnnotatedSequence, write_annotation
from depth_refine.functional.camera import project
from depth_refine.structures.skeleton import Skeleton

CONFIGS = Path(__file__).parents[2] / 'configs'


def test_list_figure_and_status(run_tool, data_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run_tool('check_data', data_root, '--seed', 3)
    *lines, last = out.splitlines()
    assert status == 0
    assert 'ok      annotation_body3d/cameras.pkl: 8 cameras of 2 subjects' in lines
    assert 'ok      check_data.png: 12 random frames: check that rings and crosses coincide on the joints' in lines
    notes = sum(line.startswith('note    ') for line in lines)
    assert notes >= 2 and last == f'problems: 0, notes: {notes}'
    assert cv2.imread(str(tmp_path / 'check_data.png')) is not None


def test_problems_give_a_status(run_tool, tmp_path):
    status, out, _ = run_tool('check_data', tmp_path, '--figure', tmp_path / 'a.png', '--coco', tmp_path)
    lines = out.splitlines()
    assert status == 1
    assert lines[0].startswith('problem annotation_body3d: no annotation of Human3.6M')
    assert lines[-1] == 'problems: 2, notes: 0'
    assert list(tmp_path.iterdir()) == []


def test_coco_and_mpii(run_tool, data_root, body_2d_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    coco, mpii = body_2d_root / 'coco', body_2d_root / 'mpii'
    status, out, _ = run_tool('check_data', data_root, '--coco', coco, '--mpii', mpii)
    assert status == 0 and 'person_keypoints_train2017.json' in out and 'mpii_train.json' in out


def test_the_name_of_the_figure_is_checked_first(run_tool, data_root, tmp_path):
    ended = run_tool('check_data', data_root, '--figure', tmp_path / 'a.xyz')
    assert 'a.xyz: expected the name of a figure that ends in one of' in ended.status
    assert not ended.out and list(tmp_path.iterdir()) == []


def test_mpi_inf_3dhp(run_tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_recording(Path('raw'), 'S1/Seq1', frames=7, seed=1)
    write_test_set(Path('raw'), 'TS1', (2048, 2048), [True] * 5 + [False, True], seed=3)
    assert run_tool('prepare_mpi_inf_3dhp', 'raw', 'data/mpi_inf_3dhp', '--workers', 1).status == 0
    status, out, _ = run_tool('check_data', CONFIGS / 'mpi_inf_3dhp/integral.py')
    assert status == 0 and out.count('2D joints lie within ') == out.count('every image is there') == 2
    assert out.endswith('problems: 0, notes: 0\n') and Path('check_data.png').is_file()
    status, out, _ = run_tool('check_data', CONFIGS / 'mpi_inf_3dhp/refiner_27.py')
    assert status == 0 and out.endswith('problems: 0, notes: 2\n')
    assert out.count('S is the pose that part shows times 0.9, about the root, as in universal annotations') == 2
    status, out, _ = run_tool('check_data', 'data/mpi_inf_3dhp')
    assert status == 1 and 'by the config that reads them' in out and out.endswith('problems: 1, notes: 0\n')


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A function that writes data of SMPL's 24 joints, and their config; it may change what a camera sees."""
    monkeypatch.chdir(tmp_path)
    skeleton = Skeleton.from_metainfo(smpl_metainfo(), root='pelvis')
    camera = dict(w=640, h=480, f=[500, 500], c=[320, 240])

    def write(change=lambda keypoints, joints: (keypoints, joints), test='b'):
        for split, subject in (('train', 'a'), ('test', test)):
            joints = np.tile(standing_pose(skeleton), (30, 1, 1)) + [0, 0, 4]
            joints[:, :, 0] += 0.02 * np.arange(30)[:, None]
            keypoints, joints = change(project(joints, camera), joints)
            sequence = AnnotatedSequence('walk', np.arange(30), keypoints, joints, subject=subject, camera='left')
            write_annotation(f'{split}.npz', [sequence], frame_rate=25)
        Path('cameras.pkl').write_bytes(pickle.dumps(dict(left=camera)))
        data = dict(
            type='DepthSequenceDataset', metainfo=smpl_metainfo(), root='pelvis', input_source='gt2d', seq_len=3
        )
        loaders = [
            f"{split}_dataloader = dict(dataset=dict(ann_file='{split}.npz', camera_param_file='cameras.pkl', **data))"
            for split in ('train', 'test')
        ]
        Path('own.py').write_text('\n'.join([f'data = {data}', *loaders]))

    return write


def test_data_of_ones_own(run_tool, own):
    own()
    status, out, _ = run_tool('check_data', 'own.py')
    assert status == 0 and out.splitlines() == [
        'ok      cameras.pkl: 1 cameras',
        *[
            f'ok      {split}.npz: {message}'
            for split in ('train', 'test')
            for message in (
                '30 frames of 1 videos at 25 frames a second',
                'poses are 1.8 m from joint to joint at most (median of frames)',
                '2D joints lie within 0.0001 px of the projected 3D joints',
            )
        ],
        'ok      check_data.png: 12 random frames: check that rings and crosses coincide on the joints',
        'problems: 0, notes: 0',
    ]


@pytest.mark.parametrize(
    ('change', 'kind', 'message'),
    [
        (
            lambda k, j: (k, j * 0.1),
            'note',
            "poses are 0.18 m from joint to joint at most .*: is the unit of 'S' the metre",
        ),
        (lambda k, j: (k[:, ::-1], j), 'problem', 'are seen by its camera'),
        (
            lambda k, j: (np.roll(k, 2, axis=0), j),
            'problem',
            'the 2D joints of walk are 2 frames late: they are 4',
        ),
        (lambda k, j: (k * 0.9, j), 'problem', 'part is seen by a camera of f = 450 450 and c = 288 216 px'),
    ],
)
def test_mistakes_in_data_of_ones_own(run_tool, own, change, kind, message):
    own(change)
    _, out, _ = run_tool('check_data', 'own.py')
    assert re.search(rf'^{kind} *train.npz: .*({message})', out, re.MULTILINE)


def test_one_person_in_both_splits(run_tool, own):
    own(test='a')
    assert "problem test.npz: ['a'] are subjects of both splits" in run_tool('check_data', 'own.py').out
