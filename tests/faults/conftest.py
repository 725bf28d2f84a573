import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from mmengine.runner import CheckpointLoader
from official_h36m import OfficialTake, make_official_cameras, write_official_h36m

from depth_refine.synthetic.performances import procedural_performances

ROOT = Path(__file__).parents[2]
EPOCHS = 3
LOGS = re.compile(r'\d{8}_\d{6}|last_checkpoint|.*\.(log|py)')


def pytest_addoption(parser):
    parser.addoption('--kills', type=int, default=12, help='kills at random moments, spread over the tools')
    parser.addoption('--kill-seed', type=int, default=0, help='seed of the moments and of the signals')


class Server:
    """The client of ``tool_server.py``."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name('tool_server.py')],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'),
        )

    def ask(self, *request):
        print(json.dumps(request, default=str), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def start(self, tool, *arguments, most_bytes=None, **variables):
        """Start a tool; returns its process id and the file that it prints to.

        ``most_bytes``: of a file that it writes; variables: of its environment.
        """
        self.count += 1
        output = self.folder / f'output_{self.count}.txt'
        return self.ask('start', output, most_bytes, variables, tool, *arguments), output

    def wait(self, process):
        """A tool's exit status, negative for a signal, and the seconds of computing that it took."""
        return self.ask('wait', process)

    def run(self, *command, **options):
        """Run a tool to its end; returns its exit status, what it printed and the seconds of computing."""
        process, output = self.start(*command, **options)
        status, seconds = self.wait(process)
        return status, output.read_text(), seconds

    def run_and_kill(self, seconds, signal_number, *command):
        """Run a tool and kill it after some seconds of computing; returns its exit status."""
        process, _ = self.start(*command)
        while self.computed(process) < seconds:
            time.sleep(0.002)
        os.kill(process, signal_number)
        return self.wait(process)[0]

    @staticmethod
    def computed(process):
        """The seconds that a process has computed, endless if it has ended."""
        fields = Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()
        return float('inf') if fields[0] == 'Z' else (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    @staticmethod
    def finished(folder):
        """A digest of everything in a folder that has a finished name; of a checkpoint, its weights."""
        named = [(path, path.relative_to(folder).parts) for path in folder.rglob('*') if path.is_file()]
        return {
            '/'.join(parts): _digest(path)
            for path, parts in named
            if not any(part.startswith('.') or LOGS.fullmatch(part) for part in parts)
        }

    @staticmethod
    def losses_of(folder):
        """The losses written down in a folder for each iteration, by every run that came to it."""
        losses = {}
        for path in folder.rglob('scalars.json'):
            for line in path.read_text().splitlines():
                if line.endswith('}') and 'loss' in (scalars := json.loads(line)):
                    losses.setdefault(f'{path.parents[2].name} {scalars["step"]}', []).append(scalars['loss'])
        return losses


@pytest.fixture(scope='session')
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('server'))
    yield server
    server.process.kill()
    server.process.communicate()


class Job(NamedTuple):
    """A tool, what it is told, and what came out of it when nothing interrupted it."""

    tool: str
    arguments: list  # ``OUT`` for the folder to make
    out: Path
    seconds: float  # of computing

    def command(self, out, *more):
        return [self.tool, *(str(argument).replace('OUT', str(out)) for argument in [*self.arguments, *more])]


@pytest.fixture(scope='session')
def run_job(server, tmp_path_factory):
    """A function that runs a tool without interruption."""

    def run(tool, arguments, more=()):
        job = Job(tool, arguments, tmp_path_factory.mktemp(tool) / 'out', 0.0)
        status, printed, seconds = server.run(*job.command(job.out, *more))
        assert status == 0, printed[-3000:]
        return job._replace(seconds=seconds)

    return run


def training_options(data_root, workers, **extra):
    """Of a training that writes down the loss of every iteration."""
    values = {f'{split}_dataloader.dataset.data_root': data_root for split in ('train', 'val', 'test')}
    values |= {f'{split}_dataloader.num_workers': 0 for split in ('val', 'test')}
    values |= {'train_dataloader.num_workers': workers, 'default_hooks.logger.interval': 1}
    values |= {'log_processor.window_size': 1, 'train_cfg.max_epochs': EPOCHS, 'train_cfg.val_interval': 2, **extra}
    return ['--cfg-options', *(f'{key}={value}' for key, value in values.items())]


SMALL_RESNET = {
    'model.backbone.stem_channels': 8,
    'model.backbone.base_channels': 8,
    'model.head.in_channels': 32,
    'model.head.deconv_out_channels': '[16,16]',
}
KEEP_ALL = ['default_hooks.checkpoint.max_keep_ckpts=-1']


@pytest.fixture(scope='session')
def first_stage(run_job, data_root):
    """With a worker process, where the augmentation draws its random numbers."""
    options = training_options(data_root, 1, **SMALL_RESNET, **{'train_dataloader.batch_size': 8})
    arguments = [ROOT / 'configs/demo/integral.py', '--resume', '--work-dir', 'OUT', *options]
    return run_job('train', arguments, KEEP_ALL)


@pytest.fixture(scope='session')
def extraction(run_job, data_root, first_stage):
    checkpoint = first_stage.out / f'epoch_{EPOCHS}.pth'
    config = ROOT / 'configs/demo/integral.py'
    options = training_options(data_root, 0, **SMALL_RESNET, **{'test_dataloader.batch_size': 4})
    return run_job('extract_depth_sequences', [config, checkpoint, '--out', 'OUT', *options])


@pytest.fixture(scope='session')
def second_stage(run_job, data_root, extraction):
    """With noise, flips and dropout."""
    small = {'model.backbone.num_blocks': 1, 'model.backbone.channels': 32, 'model.head.in_channels': 32}
    for split, store in dict(train='train', val='test', test='test').items():
        small[f'{split}_dataloader.dataset.seq_len'] = 9
        small[f'{split}_dataloader.dataset.depth_store'] = extraction.out / f'h36m_{store}'
    options = training_options(data_root, 0, **small, **{'train_dataloader.batch_size': 16})
    arguments = [ROOT / 'configs/demo/refiner.py', '--resume', '--work-dir', 'OUT', *options]
    return run_job('train', arguments, KEEP_ALL)


@pytest.fixture(scope='session')
def table(run_job, data_root, extraction):
    rows = ['table1/2d_depth_noise_1']
    arguments = ['--data-root', data_root, '--stores', extraction.out, '--out', 'OUT', '--schedule', 'short']
    return run_job('reproduce_table1', [*arguments, '--epochs', 2, '--seeds', 1, '--only', *rows, '--resume'])


@pytest.fixture(scope='session')
def synthetic(run_job, tmp_path_factory):
    joints = np.concatenate([p.joints for p in procedural_performances(['S1', 'S5'], ['Waiting'], 4, seed=0)])
    motion = tmp_path_factory.mktemp('motion') / 'm.npz'
    np.savez(motion, positions=joints, clip=np.repeat([0, 1], 4), fps=50, subject=['a', 'b'])
    options = ['--image-size', 48, '--test-subjects', 'a', '--workers', 1]
    return run_job('make_synthetic', ['OUT', '--motion', motion, *options])


@pytest.fixture(scope='session')
def preparation(run_job, tmp_path_factory):
    raw = tmp_path_factory.mktemp('raw')
    joints = np.random.default_rng(0).uniform([-0.5, -0.5, 0], [0.5, 0.5, 1.8], (3, 17, 3))
    takes = [OfficialTake(subject, 'Walking', joints) for subject in ('S6', 'S9')]
    write_official_h36m(raw, takes, make_official_cameras())
    return run_job('prepare_h36m', [raw, 'OUT', '--workers', 1])


def _digest(path):
    if path.suffix == '.pth':
        state = CheckpointLoader.load_checkpoint(str(path), map_location='cpu', logger='silent')['state_dict']
        content = b''.join(value.numpy().tobytes() for value in state.values())
    elif path.suffix == '.json' and path.name != 'store.json':
        result = {key: value for key, value in json.loads(path.read_text()).items() if key != 'settings'}
        content = re.sub(r'"seconds": [\d.]+', '', json.dumps(result)).encode()
    else:
        content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()
