import shutil
from collections import namedtuple

import numpy as np
import pytest
from official_h36m import write_cdf, write_video

from depth_refine.data_tools.preparation.prepare import prepare_h36m
from depth_refine.data_tools.preparation.raw_files import SequenceKey
from depth_refine.utils.errors import InputError

LONG = SequenceKey('S5', 'Eating 1', '55011271')
KNOWN = SequenceKey('S11', 'Directions', '54138969')
DAMAGED = SequenceKey('S1', 'TakingPhoto', '58860488')


@pytest.mark.parametrize(
    ('video', 'used', 'text'),
    [
        (75, 60, 'Videos that go on after the last pose: 1, most of all\n  S5 Eating 1.55011271: by 15 frames'),
        (11, 11, 'S5 Eating 1.55011271: the video has 11 of 60 frames: it is shortened to these'),
        (10, None, 'Eating 1.55011271.mp4 ends after 10 of 60 frames: download or unpack it again'),
    ],
)
def test_lengths(read_arrays, long_raw, tmp_path, grey_video, video, used, text):
    out = tmp_path / 'out'
    write_video(long_raw / 'S5/Videos/Eating 1.55011271.mp4', grey_video(video))
    for _ in range(2):
        outcome = prepare_h36m(long_raw, out, steps=[1, 20], workers=1)
        assert text in str(outcome)
        if used is None:
            assert not outcome.frames and list(outcome.errors) == [LONG]
            assert not list(out.rglob('*.npz')) and not list(out.rglob('*.jpg'))
        else:
            assert outcome.frames == {LONG: used} and not outcome.errors
            assert len(read_arrays(out, 'train')['imgname']) == used
            assert len(read_arrays(out, 'train', '2.5')['imgname']) == (used + 19) // 20


def damage(raw, key, **changes):
    """Remove files of kinds (None), cut them (bytes that stay) or replace their poses."""
    for kind, change in changes.items():
        (path,) = (path for path in raw.rglob(f'{kind}/{key.take}.{key.camera}.*') if key.subject in path.parts)
        if change is None:
            path.unlink()
        elif isinstance(change, int):
            path.write_bytes(path.read_bytes()[:change])
        else:
            write_cdf(path, change)


ASIDE, BEHIND = np.full((6, 96), 2000.0), np.tile([2000.0, 2000.0, -2000.0], (6, 32))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(Videos=None), 'no video'),
        (dict(D2_Positions=None, D3_Positions_mono=None), 'no 2D poses and no 3D poses'),
        (dict(D3_Positions_mono=900), 'TakingPhoto.58860488.cdf is not a readable CDF file'),
        (dict(Videos=900), 'TakingPhoto.58860488.mp4 cannot be decoded'),
        (dict(D3_Positions_mono=ASIDE), 'the 3D poses are projected up to'),
        (dict(D3_Positions_mono=BEHIND), 'the 3D poses lie behind the camera'),
        (dict(Videos=None, D2_Positions=None, D3_Positions_mono=None), None),  # a sequence without files is no error
    ],
)
def test_damage_of_one_sequence(read_arrays, raw, prepared, tmp_path, changes, message):
    damage(raw, DAMAGED, **changes)
    outcome = prepare_h36m(raw, tmp_path / 'out', steps=[5], workers=1)
    assert list(outcome.errors) == ([DAMAGED] if message else [])
    assert message is None or message in outcome.errors[DAMAGED]
    assert set(prepared[1].frames) - set(outcome.frames) == {DAMAGED}
    assert len(read_arrays(tmp_path / 'out', 'train', '10')['imgname']) == 4 + 3 * 2
    assert not (tmp_path / 'out/images/S1' / DAMAGED.name).exists()
    text = (tmp_path / 'out/preparation_report.txt').read_text()
    assert f'Left out: {int(message is not None)} sequences' in text


@pytest.mark.parametrize('left', [None, 900])
def test_the_video_known_to_be_damaged(raw, tmp_path, left):
    damage(raw, KNOWN, Videos=left)
    outcome = prepare_h36m(raw, tmp_path / 'out', steps=[5], workers=1)
    assert not outcome.errors and KNOWN not in outcome.frames
    assert outcome.notes[KNOWN].startswith('left out, as its video is known to be damaged: ')
    outcome = prepare_h36m(raw, tmp_path / 'annotations', steps=[5], images=False, workers=1)
    assert outcome.frames[KNOWN] == 8 and not outcome.notes


def test_files_of_an_unknown_camera_and_take(raw, tmp_path):
    folder = raw / 'S9/MyPoseFeatures/D2_Positions'
    for name in ('Photo 1.11111111', 'Photo 7.54138969', '_ALL.54138969'):
        shutil.copy(folder / 'Photo 1.54138969.cdf', folder / f'{name}.cdf')
    outcome = prepare_h36m(raw, tmp_path / 'out', steps=[5], images=False, workers=1)
    assert outcome.errors == {
        SequenceKey('S9', 'Photo 1', '11111111'): 'metadata.xml has no such camera',
        SequenceKey('S9', 'Photo 7', '54138969'): 'metadata.xml has no such take',
    }


@pytest.mark.parametrize(
    ('gone', 'message'),
    [
        ('raw', r'no folder .*/raw: expected the archives Poses_D2_Positions_S1.tgz'),
        ('raw/S*', r"raw holds none of Human3\.6M's files: expected the archives"),
        ('raw/*.xml', r"no metadata.xml in .*raw: it comes with the code on Human3\.6M's web site"),
    ],
)
def test_missing_files(raw, tmp_path, gone, message):
    for path in tmp_path.glob(gone):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError, match=message):
        prepare_h36m(raw, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_a_full_disk_is_noticed_before(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: namedtuple('usage', 'free')(1_000_000))
    message = r'^104 full frames of about \d+ kB and their annotation need up to 0\.0 GB in .*out, where 0\.0 GB are fr'
    with pytest.raises(InputError, match=message):
        prepare_h36m(raw, tmp_path / 'out', workers=1)
    assert not list((tmp_path / 'out').rglob('*.jpg'))
