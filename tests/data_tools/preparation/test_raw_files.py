import io
import shutil
import tarfile
from collections import namedtuple
from pathlib import Path, PurePosixPath

import pytest

from depth_refine.data_tools.preparation import raw_files
from depth_refine.data_tools.preparation.raw_files import SequenceKey, find_raw_files, unpack
from depth_refine.utils.errors import InputError

VIDEO = 'S1/Videos/Eating 1.54138969.mp4'
FILE = (SequenceKey('S1', 'Eating 1', '54138969'), 'video')


@pytest.mark.parametrize(
    ('path', 'kind'),
    [
        ('S1/MyPoseFeatures/D3_Positions_mono/Directions 1.54138969.cdf', '3D poses'),
        ('S1/Poses_D2_Positions/Directions 1.54138969.cdf', '2D poses'),
        ('extracted/s1/Poses_D3_Positions_mono/Directions 1.54138969.cdf', '3D poses'),
        ('s9/S1/Videos/Directions 1.54138969.mp4', 'video'),
        ('S1/MyPoseFeatures/D3_Positions_mono_universal/Directions 1.54138969.cdf', None),
        ('S1/MyPoseFeatures/D2_Positions/_ALL 1.54138969.cdf', None),
        ('S1/Videos/Directions 1.54138969.cdf', None),
        ('Videos/Directions 1.54138969.mp4', None),
        ('S1/MySegmentsMat/Videos.54138969.mp4', None),
        ('S1/Videos/.Directions 1.54138969.mp4.partial', None),
        ('S1/Videos/._Directions 1.54138969.mp4', None),
    ],
)
def test_files_are_recognised(path, kind):
    wanted = (SequenceKey('S1', 'Directions 1', '54138969'), kind)
    assert raw_files.recognise(PurePosixPath(path)) == (wanted if kind else None)


def test_finding(tmp_path):
    """Links to other disks are followed."""
    for folder in ('raw/b', 'raw/out', 'raw/.hidden', 'disk'):
        (tmp_path / folder / VIDEO).parent.mkdir(parents=True)
        (tmp_path / folder / VIDEO).write_text(folder)
    raw = tmp_path / 'raw'
    (raw / 'b/notes.txt').write_text('')
    (raw / 'b/._Videos_S1.tgz').write_text('of macOS')
    (raw / 'a').symlink_to(tmp_path / 'disk')
    found, paths = find_raw_files(raw, without=raw / 'out')
    assert found == {FILE: raw / 'a' / VIDEO}
    assert paths == [raw / 'a' / VIDEO, raw / 'b/notes.txt', raw / 'b' / VIDEO]


def test_archives_by_name():
    poses = [Path(name) for name in ('Poses_D2_Positions_S1.tgz', 's1/D2_Positions.tgz', 'D3_Positions_mono_S1.tgz')]
    videos = [Path(name) for name in ('Videos_S1.tgz', 'VideosSubjectSpecific_1.tar.gz')]
    others = ('Poses_D3_Positions_mono_universal_S1.tgz', 'Poses_D3_Positions_S1.tgz', 'Videos_S1.tgz.aria2', 'x.xml')
    paths = [*poses, *videos, *map(Path, others)]
    assert raw_files.archives_among(paths, ['2D poses', '3D poses']) == poses
    assert raw_files.archives_among(paths, ['video']) == videos


@pytest.fixture
def folders(tmp_path):
    """The folders of raw and of unpacked files."""
    (tmp_path / 'raw/s1').mkdir(parents=True)
    (tmp_path / 'out').mkdir()
    return tmp_path / 'raw', tmp_path / 'out/unpacked'


def write(path, members, mode='w:gz'):
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_recognised_files_are_unpacked(folders):
    members = {VIDEO: b'one', 'S1/Videos/_ALL.54138969.mp4': b'all', 'S1/readme.txt': b''}
    archives = [
        write(folders[0] / 'Videos_S1.tgz', members, 'w'),
        write(folders[0] / 's1/Videos_S1.tgz', {VIDEO: b'two', VIDEO.replace('Eating', 'Posing'): b'other'}),
    ]
    found = unpack(archives, *folders, already=[])
    contents = {key.take: path.read_bytes() for (key, _), path in found.items()}
    assert contents == {'Eating 1': b'one', 'Posing 1': b'other'}
    assert len([path for path in folders[1].rglob('*.*') if path.is_file()]) == 3
    assert FILE not in unpack([archives[0]], folders[0], folders[1] / 'again', already=[FILE])


def test_an_unpacked_archive_is_not_read_again(folders):
    archive = write(folders[0] / 'Videos_S1.tgz', {VIDEO: b'one'})
    first = unpack([archive], *folders, already=[])
    archive.write_bytes(bytes(archive.stat().st_size))  # the same size
    assert unpack([archive], *folders, already=[]) == first
    write(archive, {VIDEO: bytes(range(256)) * 4})  # another download
    assert unpack([archive], *folders, already=[])[FILE].read_bytes() == bytes(range(256)) * 4


@pytest.mark.parametrize('damage', [lambda data: data[:-30], lambda data: data[:-8] + bytes(8), lambda data: b'html'])
def test_damaged_archives(folders, damage):
    archive = write(folders[0] / 'Videos_S1.tgz', {VIDEO: bytes(range(256)) * 400})
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(InputError, match=r'raw/Videos_S1.tgz is damaged \(.*\): download it again'):
        unpack([archive], *folders, already=[])
    assert list(folders[1].iterdir()) == []


def test_a_full_disk_is_noticed_before(folders, monkeypatch):
    archive = write(folders[0] / 'Videos_S1.tgz', {VIDEO: b'one'})
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: namedtuple('usage', 'free')(100))
    with pytest.raises(InputError, match=r'unpacking 1 archives takes about 0\.0 GB in .*unpacked, where 0\.0 GB are'):
        unpack([archive], *folders, already=[])
    assert not folders[1].exists()
