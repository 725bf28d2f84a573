"""Archives made to write elsewhere, or to fill the disk."""

import gzip
import io
import stat
import tarfile

import pytest

from depth_refine.data_tools.preparation.metadata import read_cameras
from depth_refine.data_tools.preparation.raw_files import unpack
from depth_refine.utils.errors import InputError

VIDEO = 'S1/Videos/Eating 1.54138969.mp4'


@pytest.fixture
def attack(tmp_path):
    """Unpack an archive of some members, and see that everything new lies in the output folder and is a plain file."""
    raw, folder, archive = tmp_path / 'raw', tmp_path / 'out/unpacked', tmp_path / 'raw/Videos_S1.tgz'
    raw.mkdir()
    folder.parent.mkdir()

    def run(*members, mode='w:gz'):
        with tarfile.open(archive, mode) as tar:
            for info, content in members:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        before = {path: path.lstat() for path in tmp_path.rglob('*')}
        try:
            return unpack([archive], raw, folder, already=[])
        finally:
            for path in tmp_path.rglob('*'):
                if path not in before:
                    assert path.is_relative_to(folder), path
                    assert stat.S_ISREG(path.lstat().st_mode) or stat.S_ISDIR(path.lstat().st_mode), path
                    assert not path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)
            assert all(path.exists() for path in before)

    return run


def member(name, kind=tarfile.REGTYPE, **fields):
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize('folder', ['../..', 'a/../../..', '..//..//x', 'x/../../../../tmp'])
def test_names_that_climb(attack, folder):
    with pytest.raises(InputError, match=r'Videos_S1\.tgz is not one of Human3\.6M'):
        attack((member(f'{folder}/{VIDEO}'), b'evil'))


@pytest.mark.parametrize('link', [False, True])
def test_names_that_stay_inside(attack, tmp_path, link):
    """Absolute ones; and behind a link, which is passed over, so that the file makes folders of its own."""
    behind = [(member('S1/Videos', tarfile.SYMTYPE, linkname=str(tmp_path)), b'')] if link else []
    name = VIDEO if link else f'{tmp_path}/elsewhere/{VIDEO}'
    (path,) = attack(*behind, (member(name, mode=0o6777, uid=1234, uname='nobody'), b'evil')).values()
    assert path.resolve().is_relative_to(tmp_path / 'out/unpacked') and not (tmp_path / 'elsewhere').exists()
    assert stat.S_IMODE(path.stat().st_mode) & 0o6022 == 0, 'modes and owners are not kept'


@pytest.mark.parametrize('kind', [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_only_plain_files(attack, kind):
    assert attack((member(VIDEO, kind, linkname='/etc/passwd', devmajor=1, devminor=5), b'')) == {}


@pytest.mark.parametrize('claim', [1 << 30, 1 << 50])
def test_a_bomb(tmp_path, claim):
    """A gigabyte of zeros is a megabyte; a sparse file of any size is nothing."""
    (tmp_path / 'out').mkdir()
    with gzip.open(tmp_path / 'Videos_S1.tgz', 'wb') as file:
        file.write(member(VIDEO, size=claim).tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))
    with pytest.raises(InputError, match=r'Videos_S1\.tgz is not one of Human3\.6M: it would unpack to \d+ MB or more'):
        unpack([tmp_path / 'Videos_S1.tgz'], tmp_path, tmp_path / 'out/unpacked', already=[])
    assert list((tmp_path / 'out').rglob('*.mp4')) == []


def test_many_files_make_a_bomb(attack):
    members = [(member(VIDEO.replace('Eating', f'Eating{i}')), bytes(1 << 20)) for i in range(20)]
    with pytest.raises(InputError, match=r'it would unpack to \d+ MB or more, over 100 times its size'):
        attack(*members)


def test_an_xml_bomb(tmp_path):
    """Entities of entities are stopped by the parser, and files are not included."""
    entities = '<!ENTITY a0 "' + 'x' * 1000 + '">'
    entities += ''.join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(9))
    for text in (f'<!DOCTYPE r [{entities}]><r>&a9;</r>', '<!DOCTYPE r [<!ENTITY a SYSTEM "/etc/passwd">]><r>&a;</r>'):
        (tmp_path / 'metadata.xml').write_text(text)
        with pytest.raises(InputError, match=r'metadata\.xml is not an XML file'):
            read_cameras(tmp_path / 'metadata.xml')
