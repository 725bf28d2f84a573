import multiprocessing
import os
import runpy
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from official_h36m import OfficialTake, make_official_cameras, write_official_h36m

from depth_refine.data_tools.preparation import videopose3d

TOOL = Path(__file__).parents[2] / 'tools' / 'prepare_h36m.py'


def write_raw(folder, frames):
    joints = np.random.default_rng(0).uniform([-0.5, -0.5, 0], [0.5, 0.5, 1.8], (frames, 17, 3))
    write_official_h36m(folder, [OfficialTake('S6', 'Walking', joints)], make_official_cameras())
    return folder


@pytest.fixture
def raw(tmp_path):
    return write_raw(tmp_path / 'raw', frames=6)


def test_everything_is_fine(run_tool, raw, tmp_path):
    out = tmp_path / 'out'
    status, printed, _ = run_tool('prepare_h36m', raw, out, '--step', 2, 3, '--crops', '--workers', 1)
    assert status == 0
    assert (out / 'preparation_report.txt').read_text() in printed
    assert printed.splitlines()[-1] == f'wrote {out}, this report as {out}/preparation_report.txt'
    assert sorted(path.parent.name for path in out.rglob('*.npz')) == ['fps16.6667', 'fps25']
    assert {path.name[-6:-4] for path in out.rglob('*.jpg')} == {'01', '03', '04', '05'}, 'the images of every step'
    with np.load(out / 'annotation_body3d/fps25/h36m_train.npz') as file:
        assert 'crop' in file.files and len(file['imgname']) == 4 * 3


def test_a_damaged_file_is_an_error_in_the_end(run_tool, raw, tmp_path):
    (raw / 'S6/Videos/Walking.58860488.mp4').write_bytes(b'')
    status, printed, _ = run_tool('prepare_h36m', raw, tmp_path / 'out', '--workers', 1)
    assert sorted(path.parent.name for path in (tmp_path / 'out').rglob('*.npz')) == ['fps10', 'fps50'], 'by default'
    assert status == 'error: 1 sequences were left out, see "Left out" above'
    assert 'S6 Walking.58860488: ' in printed and 'cannot be decoded' in printed
    assert run_tool('prepare_h36m', raw, tmp_path / 'other', '--no-images', '--workers', 1)[0] == 0


def test_folders_that_are_not_apart_and_nothing_prepared(run_tool, raw, tmp_path):
    before = sorted(tmp_path.rglob('*'))
    for out in (raw, raw / '../raw'):
        status, printed, _ = run_tool('prepare_h36m', raw, out, '--workers', 1)
        assert 'is the folder of the downloads: write to a folder of its own' in status and printed == ''
    assert sorted(tmp_path.rglob('*')) == before
    for video in (raw / 'S6/Videos').iterdir():
        video.write_bytes(b'')
    status, printed, _ = run_tool('prepare_h36m', raw, tmp_path / 'out', '--workers', 1)
    assert 'Left out: 4 sequences' in printed and 'wrote' not in printed
    assert status.startswith('error: no sequence could be prepared, see "Left out" above or in ')


def test_archives_of_videopose3d(run_tool, tmp_path):
    (tmp_path / 'data_3d_h36m.npz').write_bytes(b'')
    for option, message in ([], 'archives hold no cameras'), (['--crops'], 'which have no images: leave out --crops'):
        assert message in run_tool('prepare_h36m', tmp_path, tmp_path / 'out', *option).status


def test_archives_that_were_left_out(run_tool, tmp_path, monkeypatch):
    (tmp_path / 'data_3d_h36m.npz').write_bytes(b'')
    monkeypatch.setattr(videopose3d, 'import_videopose3d', lambda *_: {'data_2d_h36m_x.npz': "of COCO's joints"})
    status, printed, _ = run_tool('prepare_h36m', tmp_path, tmp_path / 'out')
    assert printed == f"wrote {tmp_path}/out\nleft out data_2d_h36m_x.npz: of COCO's joints\n"
    assert status == 'error: 1 archives of detections were left out, see above'


def run_as_script(errors, *arguments):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in background processes
    sys.stderr = errors.open('w', buffering=1)
    sys.argv = ['prepare_h36m.py', *map(str, arguments)]
    runpy.run_path(str(TOOL), run_name='__main__')


@pytest.mark.posix
@pytest.mark.parametrize(('stop', 'status'), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_stopped(tmp_path, stop, status):
    raw, out, errors = write_raw(tmp_path / 'raw', frames=120), tmp_path / 'out', tmp_path / 'errors'
    context = multiprocessing.get_context('forkserver')
    # without effect if another test started it
    context.set_forkserver_preload(['depth_refine.data_tools.preparation.prepare'])
    process = context.Process(target=run_as_script, args=(errors, raw, out, '--workers', 1))
    process.start()
    while not list(out.glob('images/S6/*')):
        assert process.is_alive()
        time.sleep(0.005)
    os.kill(process.pid, stop)
    process.join()
    assert process.exitcode == status
    assert 'image/s' in errors.read_text(), 'progress with a rate'
    assert 'Traceback' not in errors.read_text()
    assert ('stopped; the same command continues from here' in errors.read_text()) == (stop == signal.SIGINT)
    assert not list(tmp_path.rglob('*partial*')) and not list(tmp_path.rglob('*.npz'))
