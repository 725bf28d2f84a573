"""The whole pipeline on synthetic data, in minutes on two CPU cores: ``python tools/demo.py``.

Each step is one of the project's tools, printed as a user would type it. A step whose result exists is skipped, and a
training continues from its last epoch, so that an interrupted demo can be continued. Remove the output folder to start
afresh.
"""

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from command_line import run_tool

import torch
from mmengine.config import Config
from reproduction.demo.results import REFINERS, refiner_folder, write_report

from depth_refine.utils.errors import InputError

CONFIGS = Path('configs/demo')
# of each step on two cores, from the output of one run; used to estimate the time left
SECONDS = dict(data=45, first_stage=180, first_stage_test=15, stores=55, refiner=25, refiner_test=6)


class Step(NamedTuple):
    """One command of the demo."""

    title: str
    seconds: int  # about
    command: list[str]
    result: Path | None = None  # the step is skipped if this exists


def plan(data: Path, out: Path, motion: str | None) -> list[Step]:
    """All steps, from the data to the last evaluation."""
    root = f'data_root={data}'
    amp = ['--amp'] if torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported() else []
    if motion:  # a few clips: all of their frames
        source, frame_steps = ['--motion', motion], dict(integral=3, refiner=1)
    else:
        source, frame_steps = ['--train-subjects', '16', '--frames', '60', '--image-size', '128'], {}
    steps = [Step('Make the data', SECONDS['data'], ['tools/make_synthetic.py', str(data), *source], data)]

    def stage(title: str, name: str, config: str, work_dir: Path, *test_options: str, seed: int = 0) -> tuple[str, str]:
        path = str(CONFIGS / f'{config}.py')
        checkpoint = work_dir / f'epoch_{Config.fromfile(path).train_cfg.max_epochs}.pth'
        common = ['--work-dir', str(work_dir), '--cfg-options', root]
        if seed:
            common.append(f'randomness.seed={seed}')
        if frame_steps:
            common.append(f'train_dataloader.dataset.frame_step={frame_steps[config.split("_")[0]]}')
        train = ['tools/train.py', path, '--resume', *amp, *common]
        steps.append(Step(f'Train: {title}', SECONDS[name], train, checkpoint))
        metrics = work_dir / 'metrics.json'
        test = ['tools/test.py', path, str(checkpoint), '--out', str(metrics), *test_options, *common]
        steps.append(Step(f'Evaluate: {title}', SECONDS[f'{name}_test'], test, metrics))
        return path, str(checkpoint)

    config, checkpoint = stage('first stage', 'first_stage', 'integral', out / 'integral')
    stores = ['--out', str(data / 'depth_sequences/integral'), *amp, '--cfg-options', root]
    extract = ['tools/extract_depth_sequences.py', config, checkpoint, *stores]
    steps.append(Step('Extract depth sequences', SECONDS['stores'], extract))
    for title, (config, seeds) in REFINERS.items():
        for seed in range(seeds):
            folder = refiner_folder(out, config, seed)
            dump = ['--dump', str(folder / 'predictions.pkl')]
            stage(f'{title}, seed {seed}', 'refiner', config, folder, *dump, seed=seed)
    return steps


def run(step: Step, log: Path) -> None:
    """Run a command; its whole output goes to ``log``, its progress to the terminal.

    Raises:
        InputError: the command failed.
    """
    with log.open('w', encoding='utf-8') as file:
        process = subprocess.Popen(
            [sys.executable, '-u', *step.command],
            stdout=subprocess.PIPE,
            # progress bars are drawn on stderr; a runner logs on stdout and leaves warnings there
            stderr=None if step.result is None or step.result.suffix == '' else file,
            text=True,
        )
        for line in process.stdout:
            file.write(line)
            file.flush()
            if ' - Epoch(' in line:
                print('  ' + line.split(' - ')[-1].rstrip()[:150], flush=True)
    if process.wait():
        printed = log.read_text(encoding='utf-8', errors='replace')
        raise InputError(f'{step.title} failed; {log} ends with:\n{printed[-2000:]}')


def main() -> None:
    """Run what is missing, then write the table and the figures."""
    parser = argparse.ArgumentParser(description='Run the whole pipeline, small')
    parser.add_argument(
        '--motion', help='npz of motion clips instead of procedural motion, see tools/make_synthetic.py'
    )
    parser.add_argument('--data', type=Path, default=Path('data/synthetic'), help='data root (default: data/synthetic)')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/demo'), help='output (default: work_dirs/demo)')
    args = parser.parse_args()
    steps = plan(args.data, args.out, args.motion)
    (args.out / 'logs').mkdir(parents=True, exist_ok=True)
    start = time.time()
    for number, step in enumerate(steps, start=1):
        print(f'[{number}/{len(steps)}] {step.title}', end='')
        if step.result is not None and step.result.exists():
            print(f': {step.result} exists, skipped')
            continue
        left = sum(s.seconds for s in steps[number - 1 :] if s.result is None or not s.result.exists())
        print(
            f' (about {step.seconds} s; {left / 60:.0f} min left in all)\n$ python {shlex.join(step.command)}',
            flush=True,
        )
        began = time.time()
        run(step, args.out / 'logs' / f'{number:02d}.log')
        print(f'  took {time.time() - began:.0f} s', flush=True)
    write_report(args.data, args.out, CONFIGS)
    print(f'{(time.time() - start) / 60:.1f} min in all')


if __name__ == '__main__':
    run_tool(main)
