import argparse
import errno
import multiprocessing

from command_line import add_runner_arguments, load_runner_config, run_tool

import pytest
import torch
from mmengine.config import Config

from depth_refine.utils import runner
from depth_refine.utils.config import load_config
from depth_refine.utils.errors import InputError
from depth_refine.utils.runner import build_runner, evaluate_in_mixed_precision, put_data_on_device, use_mixed_precision


class FailsInItsWorker(torch.utils.data.Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise InputError('cannot read the image a.jpg: expected a JPEG')


def wrapped():
    try:
        raise InputError('no annotation file a.npz')
    except InputError as error:  # as mmengine's registry does
        raise InputError(f'class `X` in y.py: {error}')  # noqa: B904


@pytest.mark.parametrize(
    ('main', 'message'),
    [
        (wrapped, 'error: no annotation file a.npz'),
        (
            lambda: list(torch.utils.data.DataLoader(FailsInItsWorker(), num_workers=1)),
            'error: cannot read the image a.jpg: expected a JPEG',
        ),
    ],
)
def test_bad_input_is_one_message(main, message):
    with pytest.raises(SystemExit) as exit_info:
        run_tool(main)
    assert exit_info.value.code == message


def test_bugs_keep_their_traceback():
    for bug in (ZeroDivisionError, IndexError, OSError(errno.EBADF, 'Bad file descriptor'), RuntimeError('shapes')):
        with pytest.raises(bug if isinstance(bug, type) else type(bug)):
            run_tool(fails(bug))


def test_a_connection_to_a_worker_that_breaks_off():
    ours, others = multiprocessing.Pipe()
    others.close()
    with pytest.raises(
        SystemExit, match=r'error: a worker process of the data loader was killed \(EOFError\), perhaps'
    ):
        run_tool(ours.recv)
    with pytest.raises(EOFError):  # of something else
        run_tool(fails(EOFError()))


def fails(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (
            OSError(errno.ENOSPC, 'No space left on device', 'a.npz'),
            r'a.npz: No space left on device. What was finished',
        ),
        (
            OSError(errno.EROFS, 'Read-only file system'),
            r'a file: Read-only file system. What .* is kept: make room, or',
        ),
        (
            RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed'),
            r'a worker .* killed \(DataLoader .* again',
        ),
        (
            RuntimeError('[gloo/pair.cc:5] Connection closed by peer'),
            r'another process of this run has ended: .*by peer',
        ),
    ],
)
def test_storage_and_other_processes_are_one_message(error, message):
    with pytest.raises(SystemExit, match=f'error: {message}'):
        run_tool(fails(error))


@pytest.mark.parametrize(
    ('content', 'message'), [(None, 'no config file .*absent.py'), ('a = (', 'not a usable config')]
)
def test_config_that_cannot_be_used(tmp_path, content, message):
    path = tmp_path / ('absent.py' if content is None else 'config.py')
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_config(str(path), {})


def test_work_dir_and_pictures(tmp_path):
    (tmp_path / 'config.py').write_text(
        "default_hooks = dict(visualization=dict(type='X', enable=False))\na = dict(b=1)\n"
    )
    parser = argparse.ArgumentParser()
    add_runner_arguments(parser)
    path = str(tmp_path / 'config.py')
    cfg = load_runner_config(parser.parse_args([path, '--cfg-options', 'a.b=2']))
    assert cfg.work_dir == 'work_dirs/config' and cfg.a.b == 2 and not cfg.default_hooks.visualization.enable
    cfg = load_runner_config(parser.parse_args([path, '--show-dir', 'pictures', '--work-dir', 'w', '--interval', '5']))
    hook = cfg.default_hooks.visualization
    assert (cfg.work_dir, hook.enable, hook.out_dir, hook.interval) == ('w', True, 'pictures', 5)


@pytest.mark.parametrize(
    ('launcher', 'message'),
    [
        ('pytorch', 'torchrun .* did not start this one: use tools/dist_train.sh'),
        ('slurm', '--launcher slurm needs a GPU for every process'),
    ],
)
def test_launchers_that_cannot_start(monkeypatch, launcher, message):
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    monkeypatch.setattr(runner, 'get_device', lambda: 'cpu')
    with pytest.raises(InputError, match=message):
        build_runner(Config(dict(launcher=launcher)))


@pytest.mark.parametrize(
    ('has_gpu', 'has_bfloat16', 'wrapper'),
    [
        (False, False, dict(type='CpuAmpOptimWrapper')),
        (True, True, dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))),
        (True, False, dict(type='AmpOptimWrapper', loss_scale='dynamic')),
    ],
)
def test_mixed_precision(monkeypatch, has_gpu, has_bfloat16, wrapper):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: has_gpu)
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda including_emulation: has_bfloat16)
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type='Adam')), test_cfg=dict()))
    use_mixed_precision(cfg)
    evaluate_in_mixed_precision(cfg)
    assert cfg.optim_wrapper == dict(wrapper, optimizer=dict(type='Adam')) and cfg.test_cfg.fp16


def test_compiling_whole_steps_is_refused():
    with pytest.raises(InputError, match='the config says compile'):
        build_runner(Config(dict(launcher='none', compile=True)))


@pytest.mark.parametrize('has_gpu', [True, False])
def test_copies_to_a_gpu(monkeypatch, has_gpu):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: has_gpu)
    monkeypatch.setattr(runner.Runner, 'from_cfg', lambda cfg: cfg)
    model, given = dict(type='A'), dict(type='B', data_preprocessor=dict(type='PoseDataPreprocessor'))
    there = dict(train_dataloader=dict(dataset=dict(device='cuda')))
    loaders = dict(train_dataloader=dict(pin_memory=False), test_dataloader=dict(num_workers=2), val_dataloader=None)
    cfg, other = (build_runner(Config(dict(launcher='none', model=m, **loaders))) for m in (model, given))
    assert cfg.train_dataloader.pin_memory is False and cfg.val_dataloader is None
    assert 'pin_memory' not in build_runner(Config(dict(launcher='none', model=model, **there))).train_dataloader
    if has_gpu:
        assert cfg.test_dataloader.pin_memory is True
        assert cfg.model.data_preprocessor == dict(type='BaseDataPreprocessor', non_blocking=True)
        assert other.model.data_preprocessor == dict(type='PoseDataPreprocessor', non_blocking=True)
    else:
        assert cfg.test_dataloader == dict(num_workers=2) and cfg.model == model


def loader_config(**dataset):
    return Config(dict(train_dataloader=dict(num_workers=8, persistent_workers=True, dataset=dataset)))


def test_data_on_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = loader_config(type='H36MDepthSequenceDataset', seq_len=27)
    put_data_on_device(cfg)
    loader = cfg.train_dataloader
    assert loader.dataset == dict(type='H36MDepthSequenceDataset', seq_len=27, device='cuda')
    assert (loader.num_workers, loader.persistent_workers, loader.pin_memory) == (0, False, False)


@pytest.mark.parametrize(
    ('has_gpu', 'dataset', 'message'),
    [
        (False, 'H36MDepthSequenceDataset', '--data-on-device needs a GPU, and PyTorch finds none'),
        (True, 'CombinedDataset', 'type H36MDepthSequenceDataset, and the config says CombinedDataset'),
    ],
)
def test_data_that_cannot_be_on_a_device(monkeypatch, has_gpu, dataset, message):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: has_gpu)
    cfg = loader_config(type=dataset)
    with pytest.raises(InputError, match=message):
        put_data_on_device(cfg)
    assert cfg.train_dataloader.num_workers == 8 and 'device' not in cfg.train_dataloader.dataset


def test_data_root_moves_the_data_sets_that_lie_there():
    cfg = load_config('configs/integral_h36m.py', dict(data_root='elsewhere'))
    roots = {source.type: source.data_root for source in cfg.train_dataloader.dataset.datasets}
    assert roots == dict(H36MImageDataset='elsewhere', CocoBodyDataset='data/coco/', MpiiBodyDataset='data/mpii/')
    assert cfg.val_dataloader.dataset.data_root == cfg.test_dataloader.dataset.data_root == 'elsewhere'
    own = {'data_root': 'elsewhere', 'train_dataloader.dataset.data_root': 'own'}
    cfg = load_config('configs/refiner_243.py', own)
    assert cfg.train_dataloader.dataset.data_root == 'own' and cfg.test_dataloader.dataset.data_root == 'elsewhere'


def test_data_root_without_a_data_set_there(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("data_root = 'here'\ntest_dataloader = dict(dataset=dict(data_root='there'))\n")
    with pytest.raises(
        InputError, match=r"data_root=new: no data set of .*config\.py lies in its data_root, 'here'; name"
    ):
        load_config(str(path), dict(data_root='new'))
