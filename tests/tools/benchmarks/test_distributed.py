import dataclasses
import json

import numpy as np
import pytest
from benchmarks import distributed
from mmengine.config import Config
from mmpose.registry import DATASETS

from depth_refine.utils.errors import InputError

SCRIPT = """
config=$1; processes=$2; folder=$4
test "$processes" = {fails} && {{ echo "out of luck" >&2; exit 3; }}
mkdir -p "$folder/run_$processes/vis_data"
echo '{steps}' | tr ' ' '\\n' > "$folder/run_$processes/vis_data/scalars.json"
"""


@pytest.fixture
def launcher(tmp_path):
    """Makes a script in the place of ``tools/dist_train.sh``, whose steps take some seconds each."""

    def make(seconds, fails=0):
        path = tmp_path / 'launcher.sh'
        steps = [json.dumps({'time': s}, separators=(',', ':')) for s in seconds]
        path.write_text(SCRIPT.format(steps=' '.join([*steps, '{"mpjpe":1}']), fails=fails))
        return path

    return make


def test_seconds_of_the_steps_after_the_first_ones(launcher, tmp_path):
    path = launcher([9.0, 8.0, 7.0, 0.5, 0.25])
    assert distributed._train(path, tmp_path, 2, tmp_path / 'work').tolist() == [0.5, 0.25]
    with pytest.raises(InputError, match='training in 2 processes failed: out of luck'):
        distributed._train(launcher([1.0], fails=2), tmp_path, 2, tmp_path / 'work')


def test_samples_of_all_processes_count(setup, monkeypatch):
    configs = []

    def train(script, config, processes, work_dir):
        assert script == setup.configs.parent / 'tools' / 'dist_train.sh' and script.exists()
        configs.append((processes, Config.fromfile(config)))
        return np.full(6, {1: 0.5, 2: 0.8}[processes])

    monkeypatch.setattr(distributed, '_train', train)
    (row,) = distributed.measure(dataclasses.replace(setup, rounds=1), channels=8, batch=40, steps=5)
    assert row.work == 'training in 2 processes, fp32' and row.peer == 'one process'
    assert (row.ours.median, row.theirs.median, row.ratio.median) == (100, 80, 1.25)
    assert [processes for processes, _ in configs] == [1, 2]
    cfg = configs[0][1]
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(dataset) == (5 + 3) * 40 * 2 and cfg.train_dataloader.batch_size == 40  # enough for two processes
    assert cfg.model.backbone.channels == cfg.model.head.in_channels == 8 and cfg.train_cfg.max_epochs == 1
