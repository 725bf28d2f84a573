import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from motion_file import motion_clips, write_motion
from reproduction.experiment import add_cell_arguments, write_table
from reproduction.identity import file_identity
from reproduction.motion import mocap
from reproduction.motion.held_out import scenes_of_motion
from reproduction.motion.scenes import errors

from depth_refine.utils.errors import InputError

CONFIGS = Path(__file__).parents[4] / 'configs'
NAMES = ['mocap/sigma_1', 'mocap/2d_clean_1']


@pytest.fixture
def arguments(tmp_path):
    for name, lengths in (('train', (60, 41)), ('test', (50, 45))):
        write_motion(tmp_path / f'{name}.npz', lengths=lengths, who=name)
    parser = argparse.ArgumentParser()
    add_cell_arguments(parser)
    given = ['--out', str(tmp_path / 'out'), '--epochs', '1', '--seeds', '2', '--only', *NAMES]

    def parse(*extra):
        args = parser.parse_args([*given, *extra])
        return argparse.Namespace(
            **vars(args), motion=tmp_path / 'train.npz', test_motion=tmp_path / 'test.npz', clip=None
        )

    return parse


@pytest.mark.parametrize('row', mocap.ROWS, ids=[row.name for row in mocap.ROWS])
def test_rows(row, arguments, tmp_path):
    args = arguments()
    settings = mocap.Settings(CONFIGS, args.motion, args.out, epochs=2, amp=True)
    cfg = mocap.cell_config(row, 3, settings, args.motion, args.test_motion)
    kind, _, field = row.name.removeprefix('mocap/').rpartition('_')
    network, data = cfg.model.backbone, cfg.train_dataloader.dataset
    assert network.kernel_size ** (network.num_blocks + 1) == int(field) == data.seq_len
    assert network.in_channels == 17 * (2 if '2d' in kind else 3)
    assert data.input_source == ('gt2d' if '2d' in kind else 'gt2d+gtdepth')
    steps = [step.type for step in data.pipeline[2:]]
    noises = dict(sigma=['GaussianJointNoise'], clean=[], four=['EstimatorNoise'], shaped=['EstimatorNoise'])
    expected = noises['clean' if 'clean' in kind else kind.partition('_')[0].replace('2d', 'shaped')]
    assert steps == expected
    assert data.get('joint_angles', 10.0) == (0.0 if 'recorded' in kind else 10.0)
    assert ('yaw' in data.cameras) == ('four' in kind)
    assert (cfg.randomness.seed, cfg.train_cfg.max_epochs) == (3, 2)
    assert cfg.work_dir == str(tmp_path / 'out' / row.name / 'seed_3')


def test_held_out_motion_behind_an_estimator(tmp_path):
    write_motion(tmp_path / 'test.npz', lengths=(50, 45))
    cfg = Config.fromfile(CONFIGS / 'mocap/refiner_27.py')
    cfg.val_dataloader.dataset.motion_file = str(tmp_path / 'test.npz')
    noisy = list(scenes_of_motion(cfg, views=3))
    assert [len(scene.truth) for scene in noisy] == [50] * 3 + [45] * 3
    again = list(scenes_of_motion(cfg, views=3))
    np.testing.assert_array_equal(noisy[4].seen.measurements, again[4].seen.measurements)
    positions = motion_clips(lengths=(50, 45))['positions']
    bones = np.linalg.norm(positions[:, 3] - positions[:, 2], axis=-1)[:50]
    np.testing.assert_allclose(np.linalg.norm(noisy[0].truth[:, 3] - noisy[0].truth[:, 2], axis=-1), bones, rtol=1e-4)
    far = errors(noisy, None, finish=False)
    assert (far[:, 0] > 20).all() and (far[:, 2] > 20).all()

    for part in ('white', 'slow', 'constant'):
        cfg.val_dataloader.dataset.pipeline[1][part] = (0.0, 0.0)
    cfg.val_dataloader.dataset.pipeline[1].update(scale=0.0, tilt=0.0, swap=0.0, missing=0.0)
    exact = list(scenes_of_motion(cfg))
    np.testing.assert_allclose(errors(exact, None, finish=False), 0, atol=0.5)
    for scene in exact[:1]:
        f, c = (np.ravel(scene.camera[key]) for key in 'fc')
        pixels = scene.truth[..., :2] / scene.truth[..., 2:] * f + c
        np.testing.assert_allclose(scene.seen.measurements[..., :2], pixels, atol=0.05)


@pytest.mark.slow
def test_from_motion_to_a_table(arguments, tmp_path, capsys):
    done = mocap.run(CONFIGS, args := arguments())
    assert done.failed == 0 and set(done.missing) >= {'mocap/shaped_243'}
    metrics = done.results[NAMES[0]][1]['metrics']
    assert set(metrics) == {
        f'held out{suffix}/{measure}'
        for suffix in ('', ', finished')
        for measure in ('MPJPE', 'P-MPJPE', 'acceleration')
    }
    write_table(mocap, done, args)
    text = (tmp_path / 'out/mocap.md').read_text()
    mean = np.mean([done.results[NAMES[0]][seed]['metrics']['held out/MPJPE'] for seed in (0, 1)])
    assert f'| 2D + depth, σ = 0.1 | {mean:.1f} ± ' in text and '| the estimator | ' in text
    assert '| 2D + depth, σ = 0.1 against 2D, no noise, 1 frame | ' in text and 'left out by --only' in text
    assert json.loads((tmp_path / 'out/mocap.json').read_text())['seeds'] == 2
    assert (tmp_path / 'out/mocap.png').stat().st_size > 9000 and 'wrote ' in capsys.readouterr().out

    again = mocap.run(CONFIGS, arguments('--resume'))
    assert again.results == done.results
    write_motion(args.test_motion, lengths=(51, 45), who='test')
    file_identity.cache_clear()
    other = mocap.run(CONFIGS, arguments('--resume'))
    assert other.failed == 4 and 'holds the work of another data' in other.missing[NAMES[0]][0]


def test_missing_files(arguments):
    args = arguments()
    args.motion = args.motion.with_name('absent.npz')
    with pytest.raises(InputError, match=r'no motion file .*absent\.npz'):
        mocap.run(CONFIGS, args)
    args = arguments()
    args.test_motion = args.motion
    with pytest.raises(InputError, match=r'--test-motion: subjects of .*train.npz are in .*: train0, train1$'):
        mocap.run(CONFIGS, args)
    args = arguments('--seeds', '0')
    with pytest.raises(InputError, match='--seeds: expected at least 1, got 0'):
        mocap.run(CONFIGS, args)


def test_the_tool_with_a_real_person(arguments, write_clip, run_tool, tmp_path):
    args = arguments()
    files = ['--motion', args.motion, '--test-motion', args.test_motion, '--clip', write_clip(), '--out', args.out]
    ended = run_tool('reproduce_mocap', *files, '--amp', '--epochs', 1, '--seeds', 1, '--only', NAMES[1])
    assert ended.status == 0 and ended.out.endswith(f'wrote {tmp_path}/out/mocap.*\n')
    kinds = ['held out', 'heavy', 'full']
    titles = [f'## {kind}{suffix}' for kind in kinds for suffix in ('', ', finished')]
    assert [line for line in ended.out.splitlines() if line.startswith('## ')] == [*titles, '## Differences in MPJPE']
    assert 'mixed precision' in ended.out
