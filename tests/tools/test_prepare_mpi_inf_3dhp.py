import numpy as np
import pytest
from official_mpi_inf_3dhp import write_recording, write_test_set


@pytest.fixture
def raw(tmp_path):
    write_recording(tmp_path / 'raw', 'S5/Seq1', frames=7, seed=0)
    write_test_set(tmp_path / 'raw', 'TS6', (1920, 1080), [True] * 7, seed=1)
    return tmp_path / 'raw'


def test_everything_is_fine(run_tool, raw, tmp_path):
    out = tmp_path / 'out'
    status, printed, _ = run_tool('prepare_mpi_inf_3dhp', raw, out, '--rate', 5, 25, '--crops', '--workers', 1)
    assert status == 0 and (out / 'preparation_report.txt').read_text() in printed
    assert printed.splitlines()[-1] == f'wrote {out}, this report as {out}/preparation_report.txt'
    names = {f'mpi_inf_3dhp{kind}_{split}.npz' for kind in ('', '_universal') for split in ('train', 'test')}
    for folder, frames in (('fps5', 1), ('fps25', 4)):
        paths = list((out / 'annotation_body3d' / folder).iterdir())
        assert {path.name for path in paths} == names
        with np.load(out / f'annotation_body3d/{folder}/mpi_inf_3dhp_train.npz') as file:
            assert 'crop' in file.files and len(file['imgname']) == 8 * frames
    assert (
        len(list((out / 'images/S5').rglob('*.jpg'))) == 8 * 4 and len(list((out / 'images/TS6').rglob('*.jpg'))) == 7
    )


def test_a_damaged_file_is_an_error_in_the_end(run_tool, raw, tmp_path):
    (raw / 'S5/Seq1/imageSequence/video_7.avi').write_bytes(b'')
    status, printed, _ = run_tool('prepare_mpi_inf_3dhp', raw, tmp_path / 'out', '--workers', 1)
    assert status == 'error: 1 sequences were left out, see "Left out" above'
    assert 'S5_Seq1_Cam7: ' in printed and 'video_7.avi cannot be decoded' in printed
    arguments = raw, tmp_path / 'other', '--no-images', '--joints', 28, '--workers', 1
    assert run_tool('prepare_mpi_inf_3dhp', *arguments).status == 0
    assert {path.name for path in (tmp_path / 'other').rglob('*.npz')} == {
        'mpi_inf_3dhp_28_train.npz', 'mpi_inf_3dhp_28_universal_train.npz',
    }  # fmt: skip


def test_nothing_prepared(run_tool, raw, tmp_path):
    for file in [*raw.rglob('annot*.mat')]:
        file.write_bytes(b'')
    status, printed, _ = run_tool('prepare_mpi_inf_3dhp', raw, tmp_path / 'out', '--workers', 1)
    assert 'Left out: 2 sequences' in printed and 'wrote' not in printed
    assert status.startswith('error: no sequence could be prepared, see "Left out" above or in ')
    ended = run_tool('prepare_mpi_inf_3dhp', raw, raw, '--workers', 1)
    assert 'is the folder of the downloads: write to a folder of its own' in ended.status


def test_bad_options(run_tool, raw, tmp_path):
    assert (
        'no recording can be annotated at 30 frames'
        in run_tool('prepare_mpi_inf_3dhp', raw, tmp_path, '--rate', 30).status
    )
    ended = run_tool('prepare_mpi_inf_3dhp', tmp_path / 'no', tmp_path)
    assert ended.status.startswith(f'error: no folder {tmp_path}/no: expected the original folders S1/Seq1, with')
