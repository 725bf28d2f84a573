import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from reproduction.real_video import scenes_of_clip
from reproduction.scenes import SCORED, errors

from depth_refine.functional.pose_error import similarity_align
from depth_refine.utils.errors import InputError

CONFIG = 'configs/mocap/refiner_2d_27.py'


def test_an_estimator_that_is_right(write_clip):
    scenes = list(scenes_of_clip(write_clip(), 'heavy'))
    assert len(scenes) == 2
    for scene in scenes:  # depths in the camera's axes, pixels without distortion
        truth = scene.truth - scene.truth[:, :1]
        np.testing.assert_allclose(scene.seen.measurements[:, SCORED, 2], truth[:, SCORED, 2], atol=1e-4)
        f, c = (np.ravel(scene.camera[key]) for key in 'fc')
        flat = scene.truth[..., :2] / scene.truth[..., 2:] * f + c
        np.testing.assert_allclose(scene.seen.measurements[:, SCORED[1:], :2], flat[:, SCORED[1:]], atol=0.1)
        # its own poses stay in axes of the ray, as it gives them
        aligned = similarity_align(scene.given[:, SCORED], truth[:, SCORED])
        np.testing.assert_allclose(aligned, truth[:, SCORED], atol=1e-4)
    assert errors(scenes, None, finish=False)[:, 1].max() < 0.1


def test_an_estimator_that_is_wrong_in_depth(write_clip):
    (wrong, _), (right, _) = (list(scenes_of_clip(write_clip(f), 'full')) for f in (1.2, 1.0))
    truth = right.truth - right.truth[:, :1]
    np.testing.assert_allclose(
        np.linalg.norm(wrong.given - right.given, axis=-1)[:, SCORED].mean(),
        0.2 * np.abs(right.given[..., 2])[:, SCORED].mean(),
        rtol=1e-3,
    )
    # scored against an independent computation
    moved = np.linalg.norm((wrong.given - truth)[:, SCORED], axis=-1).mean() * 1000
    assert errors([wrong], None, finish=False)[0, 0] == pytest.approx(moved)
    steps = np.diff((wrong.given - truth)[:, SCORED[1:]], n=2, axis=0)
    expected = np.linalg.norm(steps, axis=-1).mean() * 60**2
    assert errors([wrong], None, finish=False)[0, 2] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [(dict(heavy_px=None), r"clip\.npz: the keys \['heavy_px'\] are missing"), (None, r'clip\.npz: expected an npz')],
)
def test_other_files(write_clip, changes, message):
    path = write_clip(**(changes or {}))
    if changes is None:
        path.write_bytes(b'PK')
    with pytest.raises(InputError, match=message):
        next(scenes_of_clip(path, 'heavy'))


def test_table(write_clip, tmp_path, run_tool):
    path = write_clip()
    model = MODELS.build(Config.fromfile(CONFIG).model)
    model.head.conv.weight.data.zero_()  # it always gives the same pose
    person = next(scenes_of_clip(path, 'heavy')).truth[0]
    model.head.conv.bias.data[:] = torch.from_numpy(person - person[:1]).ravel()
    for seed in (0, 1):
        meta = dict(dataset_meta=dict(frame_rate=50.0))
        torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / f'{seed}.pth')
    ended = run_tool('real_video', path, f'2D={CONFIG}:{tmp_path}/*.pth')
    assert ended.status == 0
    head, _, estimator, refined = [line for line in ended.out.splitlines() if line.startswith('|')]
    assert head == '|  | heavy | heavy, finished | full | full, finished |'
    assert estimator.startswith('| the estimator | ') and refined.count('± 0.0') == 12
    assert refined.startswith('| 2D | ')
    ended = run_tool('real_video', path, f'2D={CONFIG}:{tmp_path}/no.pth')
    assert 'expected TITLE=CONFIG:CHECKPOINTS' in str(ended.status) + ended.err
