import errno
import hashlib
import multiprocessing
import os
import pickle
import shutil
import signal
import tarfile
import time
from collections import namedtuple

import cv2
import numpy as np
import pytest
from mmpose.datasets import Human36mDataset

from depth_refine.errors import InputError
from depth_refine.functional.camera import project, world_to_camera
from depth_refine.functional.h36m_facts import CAMERA_IDS
from depth_refine.preparation import frames
from depth_refine.preparation.prepare import prepare_h36m
from depth_refine.preparation.raw_h36m import SequenceKey
from depth_refine.synthetic.official_h36m import write_cdf, write_video

LONG = SequenceKey('S5', 'Eating 1', '55011271')
KNOWN = SequenceKey('S11', 'Directions', '54138969')


@pytest.fixture(scope='module')
def prepared(official_h36m, tmp_path_factory):
    out = tmp_path_factory.mktemp('prepared') / 'out'
    return out, prepare_h36m(official_h36m, out, steps=[1, 3], workers=1)


def annotation(out, split, rate='50'):
    with np.load(out / f'annotation_body3d/fps{rate}/h36m_{split}.npz') as file:
        return dict(file)


def digests(out):
    """A hash for each visible file."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob('*')
        if path.is_file() and '.preparation' not in path.parts
    }


def names(sequence, numbers):
    return [f'{sequence.split("_")[0]}/{sequence}/{sequence}_{number:06d}.jpg' for number in numbers]


def test_layout(prepared):
    out, report = prepared
    assert annotation(out, 'train')['imgname'].tolist() == [
        name
        for take, count in (('Directions_1', 5), ('TakingPhoto', 6))
        for camera in CAMERA_IDS
        for name in names(f'S1_{take}.{camera}', range(1, count + 1))
    ]
    assert annotation(out, 'test', '16.6667')['imgname'].tolist() == [
        name
        for take, numbers in (('S9_Photo_1', [1, 4, 7]), ('S11_Directions', [1, 4, 7]))
        for camera in CAMERA_IDS
        for name in names(f'{take}.{camera}', numbers)
    ]
    for path in annotation(out, 'train')['imgname']:
        assert cv2.imread(str(out / 'images' / path)).shape[1] == 1000
    assert not report.errors and not report.notes and len(report.frames) == 16
    assert (out / 'preparation_report.txt').read_text() == f'{report}\n'
    assert sorted(path.name for path in out.iterdir()) == [
        '.preparation', 'annotation_body3d', 'images', 'preparation_report.txt',
    ]  # fmt: skip


def test_poses_are_those_of_the_world(prepared, official_takes, official_cameras):
    out, _ = prepared
    ann = annotation(out, 'test')
    row = 0
    for take in official_takes[2:]:
        for name in CAMERA_IDS:
            camera, rows = official_cameras[take.subject, name], slice(row, row + len(take.joints))
            joints = world_to_camera(take.joints, camera)
            np.testing.assert_allclose(ann['S'][rows, :, :3], joints, atol=1e-6)
            np.testing.assert_allclose(ann['part'][rows, :, :2], project(joints, camera), atol=1e-4)
            row += len(take.joints)
    assert row == len(ann['S'])


@pytest.mark.parametrize('split', ['train', 'test'])
def test_written_poses_project_to_the_written_pixels(prepared, split):
    out, _ = prepared
    ann, cameras = annotation(out, split), pickle.loads((out / 'annotation_body3d/cameras.pkl').read_bytes())
    assert len(cameras) == 44
    for name, part, joints in zip(ann['imgname'], ann['part'], ann['S'], strict=True):
        camera = cameras[name.split('/')[0], name.rsplit('.', 2)[1].split('_')[0]]
        np.testing.assert_allclose(project(joints[:, :3], camera), part[:, :2], atol=1e-3)


def test_mmpose_reads_it(prepared, official_cameras):
    out, _ = prepared
    dataset = Human36mDataset(
        ann_file='annotation_body3d/fps50/h36m_test.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        data_root=str(out),
        data_prefix=dict(img='images/'),
        seq_len=1,
        causal=False,
    )
    ann = annotation(out, 'test')
    assert len(dataset) == len(ann['imgname']) == 4 * (7 + 8)
    for index in (0, 13, 59):
        sample = dataset[index]
        row = ann['imgname'].tolist().index(sample['target_img_path'][0])
        np.testing.assert_allclose(sample['lifting_target'][0], ann['S'][row, :, :3], atol=1e-6)
        np.testing.assert_allclose(sample['keypoints'][0], ann['part'][row, :, :2], atol=1e-3)
        subject, camera_id = ann['imgname'][row].split('/')[0], sample['camera_param']['id']
        np.testing.assert_allclose(sample['camera_param']['R'], official_cameras[subject, camera_id]['R'], atol=1e-12)


def test_again_nothing_changes(prepared, official_h36m):
    out, report = prepared
    before = {path: path.stat().st_mtime_ns for path in out.rglob('*.jpg')}, digests(out)
    assert str(prepare_h36m(official_h36m, out, steps=[3, 1, 1], workers=1)) == str(report)
    assert ({path: path.stat().st_mtime_ns for path in out.rglob('*.jpg')}, digests(out)) == before


@pytest.mark.parametrize('arrangement', ['official', 'mmpose'])
def test_archives_give_the_same(prepared, official_h36m, tmp_path, arrangement):
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


def test_processes_and_folders_of_another_kind_give_the_same(prepared, raw, tmp_path):
    for subject in ('S1', 'S9', 'S11'):
        for kind in ('D2_Positions', 'D3_Positions_mono'):
            (raw / subject / 'MyPoseFeatures' / kind).rename(raw / subject / f'Poses_{kind}')
        (raw / subject).rename(raw / subject.lower())
    prepare_h36m(raw, tmp_path / 'out', steps=[1, 3], workers=3)
    assert digests(tmp_path / 'out') == digests(prepared[0])


def test_crops(official_h36m, prepared, tmp_path):
    out, full = tmp_path / 'out', prepared[0]
    report = prepare_h36m(official_h36m, out, steps=[4], crops=True, workers=1)
    ann, whole = annotation(out, 'test', '12.5'), annotation(full, 'test')
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
    assert 'Person crops take' in str(report)
    with pytest.raises(InputError, match='was begun with person crops, not with full frames'):
        prepare_h36m(official_h36m, out, steps=[4], images=False, workers=1)


def test_without_images(raw, prepared, tmp_path):
    shutil.rmtree(raw / 'S1/Videos')
    (raw / 'S9/Videos/Photo 1.54138969.mp4').write_bytes(b'')
    report = prepare_h36m(raw, tmp_path / 'out', steps=[1, 3], images=False, workers=1)
    assert not report.errors and not (tmp_path / 'out/images').exists()
    expected = {name: digest for name, digest in digests(prepared[0]).items() if name.startswith('annotation_body3d')}
    assert {name: digest for name, digest in digests(tmp_path / 'out').items() if 'report' not in name} == expected


def test_images_of_every_step(long_raw, tmp_path, grey_video):
    write_video(long_raw / 'S5/Videos/Eating 1.55011271.mp4', grey_video(60))
    prepare_h36m(long_raw, tmp_path / 'out', steps=[10, 25], workers=1)
    stored = sorted(path.name[-6:-4] for path in (tmp_path / 'out').rglob('*.jpg'))
    assert stored == ['01', '11', '21', '26', '31', '41', '51']
    assert not (tmp_path / 'out/annotation_body3d/fps5/h36m_test.npz').exists(), 'there is no test subject'


# the rule for lengths


@pytest.mark.parametrize(
    ('video', 'used', 'text'),
    [
        (75, 60, 'Videos that go on after the last pose: 1, most of all\n  S5 Eating 1.55011271: by 15 frames'),
        (59, 59, 'S5 Eating 1.55011271: the video has 59 of 60 frames: it is shortened to these'),
        (11, 11, 'S5 Eating 1.55011271: the video has 11 of 60 frames: it is shortened to these'),
    ],
)
def test_lengths_that_fit(long_raw, tmp_path, grey_video, video, used, text):
    write_video(long_raw / 'S5/Videos/Eating 1.55011271.mp4', grey_video(video))
    for _ in range(2):
        report = prepare_h36m(long_raw, tmp_path / 'out', steps=[1, 20], workers=1)
        assert report.frames == {LONG: used} and not report.errors
        assert text in str(report)
        assert len(annotation(tmp_path / 'out', 'train')['imgname']) == used
        assert len(annotation(tmp_path / 'out', 'train', '2.5')['imgname']) == (used + 19) // 20


def test_a_video_that_is_too_short(long_raw, tmp_path, grey_video):
    write_video(long_raw / 'S5/Videos/Eating 1.55011271.mp4', grey_video(10))
    report = prepare_h36m(long_raw, tmp_path / 'out', steps=[20], workers=1)
    assert report.frames == {} and list(report.errors) == [LONG]
    assert report.errors[LONG].endswith('Eating 1.55011271.mp4 ends after 10 of 60 frames: download or unpack it again')
    assert not list((tmp_path / 'out').rglob('*.npz')) and not list((tmp_path / 'out').rglob('*.jpg'))


# damage: one sequence is listed and left out, the others are prepared


def remove(*kinds):
    def change(raw, key):
        for path in raw.rglob(f'{key.take}.{key.camera}.*'):
            if path.parent.name in kinds and key.subject in path.parts:
                path.unlink()

    return change


def truncate(kind):
    def change(raw, key):
        (path,) = (path for path in raw.rglob(f'{kind}/{key.take}.{key.camera}.*') if key.subject in path.parts)
        path.write_bytes(path.read_bytes()[:900])

    return change


def garble(raw, key):
    (path,) = raw.glob(f'{key.subject}/MyPoseFeatures/D3_Positions_mono/{key.take}.{key.camera}.cdf')
    write_cdf(path, np.full((6, 96), 2000.0))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (remove('Videos'), 'no video'),
        (remove('D2_Positions'), 'no 2D poses'),
        (remove('D2_Positions', 'D3_Positions_mono'), 'no 2D poses and no 3D poses'),
        (truncate('D3_Positions_mono'), 'TakingPhoto.58860488.cdf is not a readable CDF file'),
        (truncate('Videos'), 'TakingPhoto.58860488.mp4 cannot be decoded'),
        (garble, 'the 3D poses are projected up to'),
    ],
)
def test_damage_of_one_sequence(raw, prepared, tmp_path, change, message):
    key = SequenceKey('S1', 'TakingPhoto', '58860488')
    change(raw, key)
    report = prepare_h36m(raw, tmp_path / 'out', steps=[5], workers=1)
    assert list(report.errors) == [key] and message in report.errors[key]
    assert set(prepared[1].frames) - set(report.frames) == {key}
    assert len(annotation(tmp_path / 'out', 'train', '10')['imgname']) == 4 + 3 * 2
    assert not (tmp_path / 'out/images/S1' / key.name).exists()
    assert 'Left out: 1 sequences' in (tmp_path / 'out/preparation_report.txt').read_text()


def test_a_sequence_without_any_file_is_no_error(raw, tmp_path):
    remove('Videos', 'D2_Positions', 'D3_Positions_mono')(raw, SequenceKey('S1', 'TakingPhoto', '58860488'))
    report = prepare_h36m(raw, tmp_path / 'out', steps=[5], workers=1)
    assert not report.errors and len(report.frames) == 15


@pytest.mark.parametrize('change', [remove('Videos'), truncate('Videos')])
def test_the_video_known_to_be_damaged(raw, tmp_path, change):
    change(raw, KNOWN)
    report = prepare_h36m(raw, tmp_path / 'out', steps=[5], workers=1)
    assert not report.errors and KNOWN not in report.frames
    assert report.notes[KNOWN].startswith('left out, as its video is known to be damaged: ')
    report = prepare_h36m(raw, tmp_path / 'annotations', steps=[5], images=False, workers=1)
    assert report.frames[KNOWN] == 8 and not report.notes


def test_files_of_an_unknown_camera_and_take(raw, tmp_path):
    folder = raw / 'S9/MyPoseFeatures/D2_Positions'
    shutil.copy(folder / 'Photo 1.54138969.cdf', folder / 'Photo 1.11111111.cdf')
    shutil.copy(folder / 'Photo 1.54138969.cdf', folder / 'Photo 7.54138969.cdf')
    shutil.copy(folder / 'Photo 1.54138969.cdf', folder / '_ALL.54138969.cdf')
    report = prepare_h36m(raw, tmp_path / 'out', steps=[5], images=False, workers=1)
    assert report.errors == {
        SequenceKey('S9', 'Photo 1', '11111111'): 'metadata.xml has no such camera',
        SequenceKey('S9', 'Photo 7', '54138969'): 'metadata.xml has no such take',
    }


# nothing can be done


def test_no_raw_folder(tmp_path):
    with pytest.raises(InputError, match=r'no folder .*/none: expected the archives Poses_D2_Positions_S1.tgz'):
        prepare_h36m(tmp_path / 'none', tmp_path / 'out')


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / 'raw').mkdir()
    (tmp_path / 'raw/metadata.xml').write_text('')
    with pytest.raises(InputError, match=r"raw holds none of Human3\.6M's files: expected the archives"):
        prepare_h36m(tmp_path / 'raw', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_no_metadata(raw, tmp_path):
    (raw / 'metadata.xml').unlink()
    with pytest.raises(InputError, match=r"no metadata.xml in .*raw: it comes with the code on Human3\.6M's web site"):
        prepare_h36m(raw, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_a_camera_is_missing_in_the_metadata(raw, tmp_path):
    path = raw / 'metadata.xml'
    path.write_text(path.read_text().replace('<td>60457274</td>', ''))
    with pytest.raises(InputError, match=r'metadata.xml: expected the cameras .* in <index2id>, got'):
        prepare_h36m(raw, tmp_path / 'out')


def test_steps(raw, tmp_path):
    with pytest.raises(InputError, match='expected steps of 1 or more, got 0'):
        prepare_h36m(raw, tmp_path / 'out', steps=[5, 0])


def test_a_damaged_archive(raw, tmp_path):
    (raw / 'Videos_S5.tgz').write_bytes(b'<html>')
    with pytest.raises(InputError, match=r'Videos_S5.tgz is damaged'):
        prepare_h36m(raw, tmp_path / 'out', workers=1)


def test_a_full_disk_is_noticed_before(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: namedtuple('usage', 'free')(1_000_000))
    message = (
        r'^104 full frames of about \d+ kB and their annotation need up to 0\.0 GB in .*out, where 0\.0 GB are free'
    )
    with pytest.raises(InputError, match=message):
        prepare_h36m(raw, tmp_path / 'out', workers=1)
    assert not list((tmp_path / 'out').rglob('*.jpg'))


@pytest.mark.parametrize('place', ['image', 'annotation'])
def test_the_disk_is_full_half_way(raw, prepared, tmp_path, monkeypatch, place):
    out = tmp_path / 'out'

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if place == 'image':
            encode, calls = frames._encode, []
            patch.setattr(
                frames, '_encode', lambda image: calls.append(1) or (encode(image) if len(calls) < 30 else fail())
            )
        else:
            patch.setattr(np.lib.format, 'write_array_header_1_0', fail)
        with pytest.raises(
            InputError, match=r'stopped, the disk is full: make room\. What is finished in .*out stays; '
        ):
            prepare_h36m(raw, out, steps=[1, 3], workers=1)
    left = digests(out)
    assert left and left.items() <= digests(prepared[0]).items(), 'only finished files are left'
    prepare_h36m(raw, out, steps=[1, 3], workers=1)
    assert digests(out) == digests(prepared[0])


def test_killed_and_run_again(raw, prepared, tmp_path):
    """The process is killed when a first, when most images are there, and while annotations are written."""
    out = tmp_path / 'out'
    context = multiprocessing.get_context('forkserver')
    for marker in ('images/S1/S1_*', 'images/S11/S11_*', 'annotation_body3d/*'):
        process = context.Process(target=prepare_h36m, args=(raw, out, (1, 3)), kwargs=dict(workers=1))
        process.start()
        while process.is_alive() and not list(out.glob(marker)):
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert list(out.glob(marker))
    prepare_h36m(raw, out, steps=[1, 3], workers=1)
    assert digests(out) == digests(prepared[0])
