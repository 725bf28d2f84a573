import io
import shutil
import tarfile
from collections import namedtuple
from pathlib import Path

import pytest

from depth_refine.data_tools.preparation.archives import archives_among, unpack
from depth_refine.data_tools.preparation.raw_h36m import RawFile, SequenceKey
from depth_refine.utils.errors import InputError

VIDEO, ALL = 'S1/Videos/Eating 1.54138969.mp4', 'S1/Videos/_ALL.54138969.mp4'
KEY = RawFile(SequenceKey('S1', 'Eating 1', '54138969'), 'video')


@pytest.fixture
def raw(tmp_path):
    (tmp_path / 'raw/s1').mkdir(parents=True)
    return tmp_path / 'raw'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'out').mkdir()
    return tmp_path / 'out/unpacked'


def write(path, members, mode='w:gz'):
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
    return path


def test_archives_by_name():
    names = [
        'Poses_D2_Positions_S1.tgz', 's1/D2_Positions.tgz', 'Poses_D3_Positions_mono_S1.tgz', 'Videos_S1.tgz',
        'Poses_D3_Positions_mono_universal_S1.tgz', 'Poses_D3_Positions_S1.tgz', 'VideosSubjectSpecific_1.tar.gz',
        'Segments_mat_gt_bb_S1.tgz', 'Videos_S1.tgz.aria2', 'metadata.xml',
    ]  # fmt: skip
    paths = [Path('/raw', name) for name in names]
    assert archives_among(paths, ['2D poses', '3D poses']) == paths[:3]
    assert archives_among(paths, ['video']) == [paths[3], paths[6]]


@pytest.mark.parametrize('mode', ['w:gz', 'w'])
def test_what_is_wanted_is_unpacked(raw, folder, mode):
    archives = [
        write(raw / 'Videos_S1.tgz', {VIDEO: b'one', ALL: b'all', 'S1/readme.txt': b''}, mode),
        write(raw / 's1/Videos_S1.tgz', {VIDEO: b'two', VIDEO.replace('Eating', 'Posing'): b'other'}, mode),
    ]
    found = unpack(archives, raw, folder, already=[])
    assert {file.key.take: path.read_bytes() for file, path in found.items()} == {
        'Eating 1': b'one', 'Posing 1': b'other',
    }  # fmt: skip
    assert sorted(path.name for path in folder.rglob('*.*') if path.is_file()) == [
        'Eating 1.54138969.mp4', 'Eating 1.54138969.mp4', 'Posing 1.54138969.mp4',
    ]  # fmt: skip


def test_what_is_there_already_is_left_in_the_archive(raw, folder):
    assert unpack([write(raw / 'Videos_S1.tgz', {VIDEO: b'one'})], raw, folder, already=[KEY]) == {}


def test_an_unpacked_archive_is_not_read_again(raw, folder):
    archive = write(raw / 'Videos_S1.tgz', {VIDEO: b'one'})
    first = unpack([archive], raw, folder, already=[])
    archive.write_bytes(bytes(archive.stat().st_size))  # the same size
    assert unpack([archive], raw, folder, already=[]) == first
    write(archive, {VIDEO: bytes(range(256)) * 4})  # another download
    assert unpack([archive], raw, folder, already=[])[KEY].read_bytes() == bytes(range(256)) * 4


@pytest.mark.parametrize('damage', [lambda data: data[:-30], lambda data: data[:-8] + bytes(8), lambda data: b'html'])
def test_damaged(raw, folder, damage):
    archive = write(raw / 'Videos_S1.tgz', {VIDEO: bytes(range(256)) * 400})
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(InputError, match=r'raw/Videos_S1.tgz is damaged \(.*\): download it again'):
        unpack([archive], raw, folder, already=[])
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize('name', ['../../../S1/Videos/Eating 1.54138969.mp4', 'a/../../../../S1/Videos/Eating.1.mp4'])
def test_nothing_is_written_outside(raw, folder, tmp_path, name):
    archive = write(raw / 'Videos_S1.tgz', {name: b'evil'})
    with pytest.raises(InputError, match=r"Videos_S1.tgz is not one of Human3.6M: '.*' would be extracted to"):
        unpack([archive], raw, folder, already=[])
    assert not list(tmp_path.rglob('*.mp4'))


def test_links_are_passed_over(raw, folder):
    archive = write(raw / 'Videos_S1.tgz', {VIDEO: '/etc/passwd', 'S1/Videos': '/tmp'})
    assert unpack([archive], raw, folder, already=[]) == {}


def test_a_full_disk_is_noticed_before(raw, folder, monkeypatch):
    archive = write(raw / 'Videos_S1.tgz', {VIDEO: b'one'})
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: namedtuple('usage', 'free')(100))
    with pytest.raises(InputError, match=r'unpacking 1 archives takes about 0\.0 GB in .*unpacked, where 0\.0 GB are'):
        unpack([archive], raw, folder, already=[])
    assert not folder.exists()
