import shutil
from collections import namedtuple

import numpy as np
import pytest
from official_h36m import write_cdf, write_video

from depth_refine.data_tools.preparation.prepare import prepare_h36m
from depth_refine.data_tools.preparation.raw_h36m import SequenceKey
from depth_refine.utils.errors import InputError

LONG = SequenceKey('S5', 'Eating 1', '55011271')
KNOWN = SequenceKey('S11', 'Directions', '54138969')


# the rule for lengths


@pytest.mark.parametrize(
    ('video', 'used', 'text'),
    [
        (75, 60, 'Videos that go on after the last pose: 1, most of all\n  S5 Eating 1.55011271: by 15 frames'),
        (59, 59, 'S5 Eating 1.55011271: the video has 59 of 60 frames: it is shortened to these'),
        (11, 11, 'S5 Eating 1.55011271: the video has 11 of 60 frames: it is shortened to these'),
    ],
)
def test_lengths_that_fit(annotation, long_raw, tmp_path, grey_video, video, used, text):
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
def test_damage_of_one_sequence(annotation, raw, prepared, tmp_path, change, message):
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


def test_a_full_disk_is_noticed_before(annotation, raw, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: namedtuple('usage', 'free')(1_000_000))
    message = (
        r'^104 full frames of about \d+ kB and their annotation need up to 0\.0 GB in .*out, where 0\.0 GB are free'
    )
    with pytest.raises(InputError, match=message):
        prepare_h36m(raw, tmp_path / 'out', workers=1)
    assert not list((tmp_path / 'out').rglob('*.jpg'))
