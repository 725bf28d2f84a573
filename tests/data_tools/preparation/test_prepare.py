import errno
import itertools
import os
import pickle
import shutil
import tarfile

import cv2
import numpy as np
import pytest

from depth_refine.data_tools.preparation import frames
from depth_refine.data_tools.preparation.prepare import prepare_h36m
from depth_refine.functional.camera import project, world_to_camera
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import CAMERA_IDS


def names(sequence, numbers):
    return [f'{sequence.split("_")[0]}/{sequence}/{sequence}_{number:06d}.jpg' for number in numbers]


def test_layout(read_arrays, prepared):
    out, outcome = prepared
    assert read_arrays(out, 'train')['imgname'].tolist() == [
        name
        for take, count in (('Directions_1', 5), ('TakingPhoto', 6))
        for camera in CAMERA_IDS
        for name in names(f'S1_{take}.{camera}', range(1, count + 1))
    ]
    assert read_arrays(out, 'test', '16.6667')['imgname'].tolist() == [
        name
        for take, numbers in (('S9_Photo_1', [1, 4, 7]), ('S11_Directions', [1, 4, 7]))
        for camera in CAMERA_IDS
        for name in names(f'{take}.{camera}', numbers)
    ]
    for path in read_arrays(out, 'train')['imgname']:
        assert cv2.imread(str(out / 'images' / path)).shape[1] == 1000
    assert not outcome.errors and not outcome.notes and len(outcome.frames) == 16
    assert (out / 'preparation_report.txt').read_text() == f'{outcome}\n'
    assert sorted(path.name for path in out.iterdir()) == [
        '.preparation', 'annotation_body3d', 'images', 'preparation_report.txt',
    ]  # fmt: skip


def test_poses_are_those_of_the_world(read_arrays, prepared, official_takes, official_cameras):
    out, _ = prepared
    ann, row = read_arrays(out, 'test'), 0
    cameras = pickle.loads((out / 'annotation_body3d/cameras.pkl').read_bytes())
    for take in official_takes[2:]:
        for name in CAMERA_IDS:
            rows = slice(row, row + len(take.joints))
            camera, official = (of[take.subject, name] for of in (cameras, official_cameras))
            joints = world_to_camera(take.joints, official)
            np.testing.assert_allclose(ann['S'][rows, :, :3], joints, atol=1e-6)
            np.testing.assert_allclose(camera['R'], official['R'], atol=1e-12)
            projected = project(joints, camera)
            np.testing.assert_allclose(ann['part'][rows, :, :2], projected, atol=1e-4)
            row += len(take.joints)
    assert row == len(ann['S']) and len(cameras) == 44


def test_again_nothing_changes(digests, prepared, official_h36m):
    out, outcome = prepared
    before = {path: path.stat().st_mtime_ns for path in out.rglob('*.jpg')}, digests(out)
    assert str(prepare_h36m(official_h36m, out, steps=[3, 1, 1], workers=1)) == str(outcome)
    assert ({path: path.stat().st_mtime_ns for path in out.rglob('*.jpg')}, digests(out)) == before


@pytest.mark.parametrize('arrangement', ['official', 'mmpose'])
def test_archives_give_the_same(digests, prepared, official_h36m, tmp_path, arrangement):
    raw, out = tmp_path / 'raw', tmp_path / 'raw/out'
    for subject in ('S1', 'S9', 'S11'):
        for folder in ('MyPoseFeatures/D2_Positions', 'MyPoseFeatures/D3_Positions_mono', 'Videos'):
            kind = folder.rsplit('/')[-1]
            name = f'{"" if kind == "Videos" else "Poses_"}{kind}_{subject}' if arrangement == 'official' else kind
            archive = raw / ('.' if arrangement == 'official' else subject.lower()) / f'{name}.tgz'
            archive.parent.mkdir(parents=True, exist_ok=True)
            with tarfile.open(archive, 'w:gz', compresslevel=1) as tar:
                tar.add(official_h36m / subject / folder, f'{subject}/{folder}')
    shutil.copy(official_h36m / 'metadata.xml', raw)
    prepare_h36m(raw, out, steps=[1, 3], workers=1)
    assert digests(out) == digests(prepared[0])
    assert sorted(path.name for path in (out / '.preparation').iterdir()) == ['image_kind', 'lock']


def test_processes_and_folders_of_another_kind_give_the_same(digests, prepared, raw, tmp_path):
    for subject in ('S1', 'S9', 'S11'):
        for kind in ('D2_Positions', 'D3_Positions_mono'):
            (raw / subject / 'MyPoseFeatures' / kind).rename(raw / subject / f'Poses_{kind}')
        (raw / subject).rename(raw / subject.lower())
    prepare_h36m(raw, tmp_path / 'out', steps=[1, 3], workers=3)
    assert digests(tmp_path / 'out') == digests(prepared[0])


def test_crops(read_arrays, official_h36m, prepared, tmp_path):
    out, full = tmp_path / 'out', prepared[0]
    outcome = prepare_h36m(official_h36m, out, steps=[4], crops=True, workers=1)
    ann, whole = read_arrays(out, 'test', '12.5'), read_arrays(full, 'test')
    rows = [whole['imgname'].tolist().index(name) for name in ann['imgname']]
    for key in ('center', 'scale', 'part', 'S'):
        np.testing.assert_array_equal(ann[key], whole[key][rows])
    assert ann['crop'].shape == (len(rows), 4) and 'crop' not in whole
    for name, window in zip(ann['imgname'], ann['crop'].astype(int), strict=True):
        x1, y1, x2, y2 = window
        crop, frame = cv2.imread(str(out / 'images' / name)), cv2.imread(str(full / 'images' / name))
        assert crop.shape[0] < y2 - y1
        back = cv2.resize(crop, (x2 - x1, y2 - y1)).astype(int)
        assert np.abs(back - frame[y1:y2, x1:x2]).mean() < 2
    assert 'Person crops take' in str(outcome)
    with pytest.raises(InputError, match='was begun with person crops, not with full frames'):
        prepare_h36m(official_h36m, out, steps=[4], images=False, workers=1)


def test_without_images(digests, raw, prepared, tmp_path):
    shutil.rmtree(raw / 'S1/Videos')
    (raw / 'S9/Videos/Photo 1.54138969.mp4').write_bytes(b'')
    outcome = prepare_h36m(raw, tmp_path / 'out', steps=[1, 3], images=False, workers=1)
    assert not outcome.errors and not (tmp_path / 'out/images').exists()
    expected = {name: digest for name, digest in digests(prepared[0]).items() if name.startswith('annotation_body3d')}
    assert {name: digest for name, digest in digests(tmp_path / 'out').items() if 'report' not in name} == expected


def test_the_disk_is_full_half_way(digests, official_h36m, prepared, tmp_path, monkeypatch):
    out, encode, calls = tmp_path / 'out', frames._encode, itertools.count()

    def fail(*arguments):
        if next(calls) == 40:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return encode(*arguments)

    monkeypatch.setattr(frames, '_encode', fail)
    with pytest.raises(InputError, match=r'stopped, the disk is full: make room\. What is finished in .*out stays'):
        prepare_h36m(official_h36m, out, steps=[1, 3], workers=1)
    left = digests(out)
    assert left and left.items() <= digests(prepared[0]).items(), 'only finished files are left'
    prepare_h36m(official_h36m, out, steps=[1, 3], workers=1)
    assert digests(out) == digests(prepared[0])
