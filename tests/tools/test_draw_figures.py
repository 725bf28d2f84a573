from pathlib import Path

import numpy as np
from PIL import Image

from depth_refine.structures import H36M


def test_figures_of_the_readme(run_tool, data_root, tmp_path):
    rng, frames = np.random.default_rng(0), 30
    poses = rng.uniform(-0.7, 0.7, (frames, 17, 3))
    arrays = dict(joint_names=np.array(H36M.joint_names), track_id=np.array([2] * 24 + [5] * 6))
    arrays |= dict(time_s=np.arange(frames) / 60, root_relative_first_stage_m=poses, root_relative_m=poses)
    np.savez(tmp_path / 'poses.npz', **arrays)
    ended = run_tool('draw_figures', tmp_path / 'out', '--data-root', data_root, '--poses', tmp_path / 'poses.npz')
    assert ended.status == 0
    with Image.open(tmp_path / 'out/motion.gif') as image:
        assert (image.n_frames, image.info['duration']) == (12, 60), '23 / 60 s of the first person, 30 frames a second'
        assert image.size == (820, 310) and image.convert('RGB').getpixel((0, 0)) == (255, 255, 255)
    with Image.open(tmp_path / 'out/method.png') as image:
        assert image.size[0] > 1000


def test_the_truth_is_drawn_beside_the_curves(run_tool, tmp_path, monkeypatch):
    frames = np.arange(12)
    truth = np.zeros((12, 17, 3))
    truth[:, H36M.joint_names.index('right_foot'), 2] = np.linspace(-0.5, 0.5, 12)
    monkeypatch.setattr('reproduction.motion.real_video.truth_of_poses', lambda *of: (asked.append(of), truth)[1])
    poses, asked, images = np.random.default_rng(0).uniform(-0.7, 0.7, (12, 17, 3)), [], []
    names = dict(joint_names=np.array(H36M.joint_names), track_id=np.zeros(12, int), time_s=frames / 30)
    np.savez(tmp_path / 'p.npz', root_relative_first_stage_m=poses, root_relative_m=poses, **names)
    for out, given in (('without', []), ('with', ['--truth', 'clip.npz', 3])):
        assert run_tool('draw_figures', tmp_path / out, '--poses', tmp_path / 'p.npz', *given).status == 0
        with Image.open(tmp_path / out / 'motion.gif') as image:
            images.append(np.asarray(image.convert('RGB')).astype(int))
    assert asked == [(Path('clip.npz'), 3, tmp_path / 'p.npz')]
    changed = np.abs(images[0] - images[1]).max(axis=-1) > 50
    assert changed[:, 550:].any() and not changed[:, :500].any()
    ended = run_tool('draw_figures', tmp_path / 'c', '--poses', tmp_path / 'p.npz', '--truth', 'clip.npz', 'three')
    assert ended.status == 2 and '--truth CLIP CAMERA is of --poses, and CAMERA a number' in ended.err


def test_bad_input(run_tool, tmp_path):
    assert run_tool('draw_figures', tmp_path / 'out').status == 2
    (tmp_path / 'poses.npz').write_bytes(b'PK')
    ended = run_tool('draw_figures', tmp_path / 'out', '--poses', tmp_path / 'poses.npz')
    assert 'poses.npz: expected a poses.npz of tools/infer_video.py, got' in str(ended.status)
    np.savez(tmp_path / 'poses.npz', track_id=np.zeros(0, int))
    ended = run_tool('draw_figures', tmp_path / 'out', '--poses', tmp_path / 'poses.npz')
    assert "expected the poses of a person with Human3.6M's joints" in str(ended.status)
