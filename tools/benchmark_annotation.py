"""Time and memory of Human3.6M at its full size, on made-up poses: ``python tools/benchmark_annotation.py FOLDER``.

Prints a table in Markdown. Each line was measured in a process of its own: seconds without the imports, and the largest
resident memory of a process with them. With few ``--frames``, MMPose's own data set is measured too.
"""

import argparse
import contextlib
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset, DefaultSampler
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS
from scipy.spatial.transform import Rotation

from depth_refine.engine import tool
from depth_refine.errors import InputError
from depth_refine.evaluation import H36MPoseMetric
from depth_refine.functional.camera import project
from depth_refine.preparation.prepare import prepare_h36m
from depth_refine.synthetic.official_h36m import OfficialTake, make_official_cameras, takes_of, write_official_h36m
from depth_refine.synthetic.performances import procedural_performances

_FRAMES, _TEST_FRAMES, _TEST_SEQUENCES = 1_559_752, 543_344, 236  # of the official training set, of the published test
_BYTES_A_FRAME = 5000  # of poses, annotations and intermediate files
_MOST_FOR_MMPOSE = 20_000  # frames, of 540 kB each


def make_poses(root: Path, frames: int) -> None:
    """People who stand somewhere, turned at random, in takes as long as the official ones."""
    rng = np.random.default_rng(0)
    standing = procedural_performances(['S1'], ['Waiting'], 100, seed=0)[0].joints
    standing = standing - standing.mean(axis=(0, 1)) * [1, 1, 0]
    takes = [(subject, name) for subject in ('S1', 'S5', 'S6', 'S7', 'S8') for name in takes_of(subject)]
    takes = takes[: max(round(frames / _FRAMES * len(takes)), 1)]

    def move(count: int) -> np.ndarray:
        turns = Rotation.from_euler('z', rng.uniform(0, 2 * np.pi, (count, 1))).as_matrix()
        joints = standing[rng.integers(0, len(standing), count)] @ turns
        return joints + rng.uniform(-0.3, 0.3, (count, 1, 3)) * [1, 1, 0] + rng.normal(0, 0.01, joints.shape)

    lengths = np.diff(np.linspace(0, frames // 4, len(takes) + 1).astype(int))
    made = (OfficialTake(*take, move(count)) for take, count in zip(takes, lengths, strict=True))
    write_official_h36m(root / 'raw', made, make_official_cameras(), videos=False)


def open_training_set(root: Path, config: str, **changes) -> BaseDataset:
    """A config's training data set."""
    cfg = Config.fromfile(Path(__file__).parents[1] / 'configs' / config).train_dataloader.dataset
    return DATASETS.build(dict(cfg, data_root=str(root / 'h36m'), **changes))


def open_sequences(root: Path) -> BaseDataset:
    """The second stage's, on annotated 2D poses."""
    return open_training_set(root, 'refiner_243.py', input_source='gt2d', depth_store=None)


def evaluate(frames: int, make_samples: Callable[[str, np.ndarray, np.ndarray], list[dict]]) -> float:
    """Predictions 30 mm off for as many videos as the published test set has; the seconds spent in the metric."""
    metric, rng, seconds, count = H36MPoseMetric(), np.random.default_rng(0), 0.0, 0
    names = [f'S9_{name.replace(" ", "_")}.{camera}' for name in takes_of('S9') for camera in range(8)]
    length = max(round(frames / _FRAMES * _TEST_FRAMES / _TEST_SEQUENCES), 3)
    for name in names[:_TEST_SEQUENCES]:
        truth = rng.normal((0, 0, 5), 0.3, (length, 17, 3)).astype(np.float32)
        samples = make_samples(name, truth, truth + rng.normal(0, 0.03, truth.shape).astype(np.float32))
        start = time.perf_counter()
        for first in range(0, len(samples), 128):  # the batches of integral_h36m.py
            metric.process({}, samples[first : first + 128])
        seconds += time.perf_counter() - start
        count += len(samples)
    start = time.perf_counter()
    metric.evaluate(count)
    return seconds + time.perf_counter() - start


def video_sample(name: str, truth: np.ndarray, pred: np.ndarray) -> list[dict]:
    """What the second stage gives for a video."""
    paths = [f'{name}_{frame + 1:06d}.jpg' for frame in range(len(truth))]
    gt = dict(lifting_target=truth, lifting_target_visible=np.ones(truth.shape[:2]))
    return [dict(target_img_path=paths, pred_instances=dict(keypoints=pred), gt_instances=gt)]


def frame_samples(name: str, truth: np.ndarray, pred: np.ndarray) -> list[dict]:
    """What the first stage gives for the frames of a video."""
    camera = dict(f=[1145, 1143], c=[512, 515], k=[-0.2, 0.24, -0.002], p=[-0.001, -0.003])
    pred = np.concatenate([project(pred, camera), pred[..., 2:] - truth[:, :1, 2:]], axis=-1)
    return [
        dict(sequence=name, frame=frame, camera_param=camera, pred_instances=dict(keypoints=pred[frame, None]))
        | dict(gt_instances=dict(keypoints_cam=truth[frame, None], keypoints_visible=np.ones((1, 17))))
        for frame in range(len(truth))
    ]


_FILES = dict(ann_file='annotation_body3d/fps50/h36m_train.npz', camera_param_file='annotation_body3d/cameras.pkl')
_MMPOSES = dict(type='Human36mDataset', seq_len=243, causal=False, pad_video_seq=True, **_FILES)
STAGES: dict[str, Callable[[Path, int], object]] = {
    'imports alone': lambda root, frames: None,
    'write made-up CDF files': make_poses,
    'prepare them, without images': lambda root, frames: prepare_h36m(root / 'raw', root / 'h36m', images=False),
    'open `H36MImageDataset`': lambda root, frames: open_training_set(root, 'integral_h36m_only.py'),
    'open `H36MDepthSequenceDataset`': lambda root, frames: open_sequences(root),
    'order of an epoch, 1 index a frame': lambda root, frames: list(DefaultSampler(range(frames))),
    'metric, whole videos': lambda root, frames: evaluate(frames, video_sample),
    'metric, single frames': lambda root, frames: evaluate(frames, frame_samples),
    "open MMPose's `Human36mDataset`": lambda root, frames: DATASETS.build(_MMPOSES | dict(data_root=f'{root}/h36m')),
}


def measure(stage: str, root: Path, frames: int) -> tuple[float, int]:
    """Seconds of a stage, and bytes of the largest process so far: this one, or one that it started."""
    init_default_scope('mmpose')
    start = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):  # standard output is for the table
        result = STAGES[stage](root, frames)
    seconds = result if isinstance(result, float) else time.perf_counter() - start
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return seconds, peak * 1024


def main() -> None:
    """Run each stage in a new process."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('folder', type=Path, help='where to write, and then remove, 5 kB for each frame')
    parser.add_argument('--frames', type=int, default=_FRAMES, help=f'default: {_FRAMES}, as in the training set')
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    needed, free = _BYTES_A_FRAME * args.frames, shutil.disk_usage(args.folder).free
    if free < needed:
        raise InputError(f'{args.folder} needs {needed / 1e9:.1f} GB and has {free / 1e9:.1f} GB: give another folder')
    print(f'{args.frames} frames\n\n| step | seconds | peak GB |\n|---|---:|---:|', flush=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        for stage in list(STAGES)[: None if args.frames <= _MOST_FOR_MMPOSE else -1]:
            with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
                seconds, peak = pool.submit(measure, stage, Path(folder), args.frames).result()
            print(f'| {stage} | {seconds:.2f} | {peak / 1e9:.2f} |', flush=True)


if __name__ == '__main__':
    tool.run_tool(main)
