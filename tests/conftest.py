import json
import runpy
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import cv2
import matplotlib
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpose.registry import MODELS
from reproduction import experiment

import depth_refine  # noqa: F401  # registers everything, and makes MMPose importable
from depth_refine.inference.blazepose.model_files import model_files
from depth_refine.synthetic import make_synthetic
from depth_refine.utils.errors import InputError

TOOLS = Path(__file__).parents[1] / 'tools'
DEMO_CONFIGS = Path(__file__).parents[1] / 'configs' / 'demo'


class Ended(NamedTuple):
    """The end of a tool's run, and its output."""

    status: int | str  # or the message that it exited with
    out: str
    err: str


@pytest.fixture(autouse=True)
def mmpose_scope():
    """Look names up as in a runner with ``default_scope = 'mmpose'``, whatever ran before."""
    init_default_scope('mmpose')


@pytest.fixture
def short_logs(monkeypatch):
    """Keep runners from logging the machine and the config, which takes most of the time of a short training."""
    monkeypatch.setattr(Config, 'pretty_text', '')
    monkeypatch.setattr(Runner, '_log_env', lambda *_: None)


@pytest.fixture(scope='session')
def run_tool():
    """A function that runs a tool of tools/ in this process, which has loaded all imports already."""

    def run(name, *arguments):
        tool, out, err = str(TOOLS / f'{name}.py'), StringIO(), StringIO()  # or another folder's, by its full path
        handler, status = signal.getsignal(signal.SIGTERM), 0
        MMLogger._instance_dict.clear()  # one of the same second would write to the last tool's output
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, 'argv', [tool, *map(str, arguments)])
            try:
                runpy.run_path(tool, run_name='__main__')
            except SystemExit as end:
                status = end.code
            finally:
                signal.signal(signal.SIGTERM, handler)
        return Ended(status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def cells_without_workers(monkeypatch):
    """Load the data of table cells in this process: PyTorch may wait five seconds for a worker process to end."""

    def without_workers(*args):
        cfg = cell_config(*args)
        for split in ('train', 'test'):
            cfg[f'{split}_dataloader'].update(num_workers=0, persistent_workers=False)
        return cfg

    cell_config = experiment.cell_config
    monkeypatch.setattr(experiment, 'cell_config', without_workers)


@pytest.fixture(scope='session')
def save():
    """A function that writes a config and random weights for it: its path without suffix to both paths."""

    def save(cfg, path):
        init_default_scope('mmpose')  # fixtures of a session come before the one that does this for each test
        torch.manual_seed(0)
        cfg.dump(path.with_suffix('.py'))
        torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), path.with_suffix('.pth'))
        return path.with_suffix('.py'), path.with_suffix('.pth')

    return save


@pytest.fixture(scope='session')
def stages(save, tmp_path_factory):
    """Config and checkpoint of a first, then of a second stage, tiny and random."""
    folder = tmp_path_factory.mktemp('stages')
    first = Config.fromfile(DEMO_CONFIGS / 'integral.py')
    first.model.backbone.update(base_channels=4, stem_channels=4)
    first.model.head.update(in_channels=16, deconv_out_channels=(8, 8))
    second = Config.fromfile(DEMO_CONFIGS / 'refiner.py')
    second.model.backbone.channels = second.model.head.in_channels = 16
    return (*save(first, folder / 'first'), *save(second, folder / 'second'))


@pytest.fixture(scope='session')
def causal_stages(stages, save, tmp_path_factory):
    """The same first stage with a causal refiner."""
    second = Config.fromfile(stages[2])
    second.model.backbone.causal = second.test_dataloader.dataset.causal = True
    return (*stages[:2], *save(second, tmp_path_factory.mktemp('stages') / 'causal'))


@pytest.fixture(scope='session')
def data_root(tmp_path_factory):
    """A small synthetic Human3.6M.

    One training and one test subject, two activities, four cameras, 12 frames of 64 px.
    """
    return make_synthetic(
        tmp_path_factory.mktemp('data') / 'h36m',
        frames=12,
        image_size=64,
        workers=1,
        subjects=('S1', 'S9'),
        activities=('Walking', 'Greeting'),
    )


@pytest.fixture(scope='session')
def body_2d_root(tmp_path_factory):
    """A small COCO in ``coco/`` and a small MPII in ``mpii/``, two images and seven persons each.

    The first four persons of COCO and the first three of MPII are usable.
    """
    root, rng = tmp_path_factory.mktemp('body_2d'), np.random.default_rng(0)
    write_coco(root / 'coco', rng)
    write_mpii(root / 'mpii', rng)
    return root


def write_images(folder, names, rng):
    """Noise of 97 x 75 px."""
    folder.mkdir(parents=True)
    for name in names:
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (75, 97, 3), np.uint8))


def write_coco(root, rng):
    """Persons 0 to 3 are usable; then a crowd, one off the image and one of whom only the face is visible."""
    names = ['000000000009.jpg', '000000000025.jpg']
    write_images(root / 'train2017', names, rng)
    images = [dict(file_name=name, height=75, width=97, id=int(name[:-4])) for name in names]
    annotations = []
    for index in range(7):
        x, y, w, h = [10.5 + index, 5.25, 50.0, 60.5] if index != 5 else [120, 5, 50, 60]
        visible = rng.permutation([0, 1, 2, 2, 2]).repeat(4)[:17] if index else np.full(17, 2)
        if index == 6:
            visible = np.where(np.arange(17) < 5, 2, 0)
        joints = np.column_stack([rng.uniform(x, x + w, 17).round(1), rng.uniform(y, y + h, 17).round(1), visible])
        joints[visible == 0] = 0
        annotations.append(
            dict(num_keypoints=int(np.sum(visible > 0)), keypoints=joints.ravel().tolist(), iscrowd=int(index == 4))
            | dict(
                bbox=[x, y, w, h], area=w * h / 2, category_id=1, image_id=images[index % 2]['id'], id=183000 + index
            )
        )
    content = dict(images=images, annotations=annotations, categories=[dict(id=1, name='person')])
    write_json(root / 'annotations/person_keypoints_train2017.json', content)


def write_mpii(root, rng):
    """Persons 0 to 2 are usable; then no visible joint, the thorax alone, no box and joints far from the box."""
    names = ['015601864.jpg', '086617615.jpg']
    write_images(root / 'images', names, rng)
    persons = []
    for index in range(7):
        visible = {3: np.zeros(16), 4: np.arange(16) == 7}.get(index, (np.arange(16) + index) % 7 > 0)
        joints = np.where(visible[:, None] > 0, rng.uniform((20, 10), (80, 65), (16, 2)).round(), -1)
        if index == 6:
            joints += 300
        box = dict(scale=0.3125, center=[50.0, 36.0]) if index != 5 else dict(scale=-1.0, center=[-1.0, -1.0])
        person = dict(joints_vis=visible.astype(int).tolist(), joints=joints.tolist(), image=names[index % 2])
        persons.append(person | box)
    write_json(root / 'annotations/mpii_train.json', persons)


def write_json(path, content):
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))


@pytest.fixture(scope='session')
def models():
    """The files of the detector and of the landmark network 'full', fetched if they are not in the cache folder."""
    try:
        return model_files('full')
    except InputError as error:  # no network
        pytest.skip(str(error))


@pytest.fixture(scope='session')
def photo():
    """(600, 512, 3) BGR, head and shoulders of Grace Hopper: Matplotlib's sample, in the public domain."""
    return cv2.imread(str(Path(matplotlib.get_data_path(), 'sample_data', 'grace_hopper.jpg')))
