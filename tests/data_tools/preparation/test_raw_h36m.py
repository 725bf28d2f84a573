from pathlib import PurePosixPath

import pytest

from depth_refine.data_tools.preparation.raw_h36m import RawFile, SequenceKey, find_raw_files, recognise


@pytest.mark.parametrize(
    ('path', 'kind'),
    [
        ('S1/MyPoseFeatures/D2_Positions/Directions 1.54138969.cdf', '2D poses'),
        ('S1/MyPoseFeatures/D3_Positions_mono/Directions 1.54138969.cdf', '3D poses'),
        ('S1/Videos/Directions 1.54138969.mp4', 'video'),
        ('S1/Poses_D2_Positions/Directions 1.54138969.cdf', '2D poses'),
        ('extracted/s1/Poses_D3_Positions_mono/Directions 1.54138969.cdf', '3D poses'),
        ('s9/S1/Videos/Directions 1.54138969.mp4', 'video'),
    ],
)
def test_wanted(path, kind):
    assert recognise(PurePosixPath(path)) == RawFile(SequenceKey('S1', 'Directions 1', '54138969'), kind)


@pytest.mark.parametrize(
    'path',
    [
        'S1/MyPoseFeatures/D3_Positions_mono_universal/Directions 1.54138969.cdf',
        'S1/MyPoseFeatures/D3_Positions/Directions 1.cdf',
        'S1/MyPoseFeatures/D2_Positions/_ALL 1.54138969.cdf',
        'S1/Videos/_ALL.54138969.mp4',
        'S1/Videos/Directions 1.54138969.cdf',
        'S1/MyPoseFeatures/D2_Positions/Directions 1.54138969.mp4',
        'Videos/Directions 1.54138969.mp4',
        'S1/MySegmentsMat/Videos.54138969.mp4',
        'S1/Videos/.Directions 1.54138969.mp4.partial',
    ],
)
def test_not_wanted(path):
    assert recognise(PurePosixPath(path)) is None


def test_names():
    key = SequenceKey('S5', 'SittingDown 1', '55011271')
    assert key.name == 'S5_SittingDown_1.55011271'
    assert str(key) == 'S5 SittingDown 1.55011271'


def test_finding(tmp_path):
    name = 'S1/Videos/Eating.54138969.mp4'
    for folder in ('b', 'a', 'out', '.hidden'):
        (tmp_path / folder / name).parent.mkdir(parents=True)
        (tmp_path / folder / name).write_text(folder)
    (tmp_path / 'b/notes.txt').write_text('')
    found, paths = find_raw_files(tmp_path, without=tmp_path / 'out')
    assert found == {RawFile(SequenceKey('S1', 'Eating', '54138969'), 'video'): tmp_path / 'a' / name}
    assert paths == [tmp_path / 'a' / name, tmp_path / 'b/notes.txt', tmp_path / 'b' / name]


def test_a_link_to_another_disk(tmp_path):
    (tmp_path / 'disk/Videos').mkdir(parents=True)
    (tmp_path / 'disk/Videos/Eating.54138969.mp4').write_text('')
    (tmp_path / 'raw').mkdir()
    (tmp_path / 'raw/S1').symlink_to(tmp_path / 'disk')
    assert len(find_raw_files(tmp_path / 'raw')[0]) == 1
