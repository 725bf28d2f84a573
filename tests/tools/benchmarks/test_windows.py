import itertools

import pytest
from benchmarks import windows
from benchmarks.made_up_data import write_data_root
from mmpose.registry import DATASETS

SIZES = dict(frames=2600, mmpose_frames=260, batch=16, batches=1)


def test_rows(setup_with_peer):
    absolute, generator, mmpose = windows.measure(setup_with_peer, **SIZES)
    assert (absolute.target, absolute.ratio) == (60_000, None)
    assert generator.ratio.median > 0 and generator.peer.startswith('VideoPose3D')
    assert mmpose.ratio.median > 0 and mmpose.peer.startswith('MMPose')


def test_without_videopose3d(setup):
    _, generator, _ = windows.measure(setup, **SIZES)
    assert generator.ours.median > 0 and 'no `--videopose3d`' in generator.note


def test_loader_is_the_configs(setup, tmp_path):
    cfg = setup.config('refiner_243.py').train_dataloader
    write_data_root(tmp_path / 'root', cfg.dataset, 300)
    dataset = DATASETS.build(dict(cfg.dataset, data_root=str(tmp_path / 'root')))
    batches = list(itertools.islice(windows.endless(cfg, dataset, 64), 6))  # more than an epoch
    assert all(batch['inputs'].shape == (64, 243, 17, 3) for batch in batches)
    assert batches[0]['data_samples'][0].gt_instance_labels.lifting_target_label.shape == (64, 17, 3)
    assert not batches[0]['inputs'].equal(batches[5]['inputs'])


@pytest.mark.parametrize('count', [0, 3])
def test_draw(count):
    numbers = itertools.count()
    windows.draw(numbers, count)()
    assert next(numbers) == count
