"""The depth sequence stores that all cells of an experiment read, and the first stage behind them."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from torch import distributed as dist

from depth_refine.datasets import H36MAnnotation, SequenceStore
from depth_refine.evaluation import H36MPoseMetric
from depth_refine.inference.extraction import extract_depth_sequences
from depth_refine.utils.checkpoint import resume_latest
from depth_refine.utils.config import load_config
from depth_refine.utils.errors import InputError
from depth_refine.utils.runner import build_runner, use_mixed_precision

from .cell import Settings, in_step
from .identity import CAMERAS, claim, file_identity, h36m_datasets, read_json

_LONGEST_EXTRACTION = timedelta(days=7)
_PROVENANCE = ('config', 'checkpoint', 'flip_test', 'amp', 'bbox_policy')


def make_stores(config: Path, settings: Settings, bbox_policy: str = '', training_root: Path | None = None) -> Path:
    """Train a first stage and extract its sequences, or continue where that was interrupted.

    Args:
        config: the first stage's.
        settings: the experiment's.
        bbox_policy: bounding boxes other than the config's.
        training_root: data root to train on, if that is not the experiment's.

    Returns:
        The folder of the stores.

    Raises:
        LostProcess: an error that one of several processes may have met alone.
        InputError: ``settings.out`` holds another first stage; see also
            :func:`depth_refine.inference.extraction.extract_depth_sequences`.
    """
    suffix = f'_{bbox_policy}' if bbox_policy else ''
    cfg = load_config(str(config), {})
    trained, tested = list(h36m_datasets(cfg.train_dataloader)), list(h36m_datasets(cfg.test_dataloader))
    for dataset in trained + tested:
        dataset.data_root = str(settings.data_root)
        if bbox_policy:
            dataset.bbox_policy = bbox_policy
    for dataset in trained:
        dataset.data_root = str(training_root or settings.data_root)
    if settings.amp:
        use_mixed_precision(cfg)
    cfg.experiment_name = f'first_stage{suffix}'
    cfg.work_dir = str(settings.out / cfg.experiment_name)
    cfg.launcher = settings.launcher
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    claim(Path(cfg.work_dir), cfg)
    checkpoint = Path(cfg.work_dir, f'epoch_{cfg.train_cfg.max_epochs}.pth')
    if not checkpoint.exists():
        resume_latest(cfg)
        runner = build_runner(cfg)
        _ = runner.train_loop  # as in a cell
        with in_step('the first stage'):
            runner.train()
    for dataset in trained:
        dataset.data_root = str(settings.data_root)
    stores = settings.out / f'depth_sequences{suffix}'
    _extract(cfg, checkpoint, stores, settings.amp)
    return stores


def _extract(cfg: Config, checkpoint: Path, stores: Path, amp: bool) -> None:
    """Extract in the first process; the others wait for its end or its error, longer than a group's usual timeout."""
    waiting = dist.new_group(backend='gloo', timeout=_LONGEST_EXTRACTION) if dist.is_initialized() else None
    failed = [None]
    if is_main_process():
        try:
            extract_depth_sequences(cfg, checkpoint, stores, 'cuda' if torch.cuda.is_available() else 'cpu', amp)
        except Exception as error:
            if not waiting:
                raise
            failed = [f'{type(error).__name__}: {error}']
    if waiting:
        dist.broadcast_object_list(failed, group=waiting)
    if failed[0]:
        raise InputError(f'the first process could not extract {stores}: {failed[0]}')


def provenance(stores: Path, cfg: Config) -> dict:
    """The origin of the stores that a second-stage config reads, and hashes of their content.

    Raises:
        InputError: a store is missing or belongs to another annotation, or they were not made by one first stage.
    """
    found, content = {}, {}
    for split in ('train', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        annotation = Path(dataset.data_root, dataset.ann_file)
        path = stores / annotation.stem / 'store.json'
        if not path.is_file():
            raise InputError(f'no depth sequence store at {path.parent.absolute()}')
        meta = read_json(path)
        owner = meta.get('annotation')
        if not isinstance(owner, dict) or owner.get('sha256') != file_identity(annotation):
            raise InputError(
                f'{path.parent} is not of {annotation}: it was made for another annotation. Extract again.'
            )
        found[annotation.stem] = {key: meta.get(key) for key in _PROVENANCE}
        arrays = json.dumps(meta.get('sha256'), sort_keys=True)
        content[annotation.stem] = hashlib.sha256(arrays.encode()).hexdigest()[:16]
    (first, made), (other, made_too) = found.items()
    for key, value in made.items():
        if value != made_too[key]:
            raise InputError(
                f'the stores in {stores} were not made by one first stage: {key} is {value} in {first} and '
                f'{made_too[key]} in {other}. Extract both again.'
            )
    return dict(made, content=content)


def first_stage_result(cfg: Config, stores: Path) -> dict:
    """Errors of the first stage alone, on every test frame, from its store.

    Args:
        cfg: a second-stage config, whose test data set and evaluator are used.
        stores: the folder of the stores.

    Returns:
        ``metrics`` and ``by_action``, as in the result of a cell, and ``depth_error_mm``: for each split the mean
        absolute error of depth relative to the root, over all joints but the root; without depths, NaN.
    """
    annotation, store = _open_store(cfg, 'test', stores)
    metric = H36MPoseMetric(**{key: value for key, value in cfg.test_evaluator.items() if key != 'type'})
    for sequence, camera in zip(annotation.sequences, annotation.cameras, strict=True):
        samples = [
            dict(
                sequence=sequence.name,
                action=sequence.action,
                frame=int(annotation.frames[row]),
                camera_param=camera,
                bbox_policy=store.bbox_policy,
                pred_instances=dict(keypoints=store.keypoints[row][None], flip_test=store.meta.get('flip_test')),
                gt_instances=dict(
                    keypoints_cam=annotation.keypoints_3d[row][None],
                    keypoints_visible=annotation.keypoints_3d_visible[row][None],
                ),
            )
            for row in sequence.rows
        ]
        metric.process({}, samples)
    errors = metric.compute_metrics(metric.results)  # not evaluate(), which would gather this from all ranks
    return dict(
        metrics={f'{metric.prefix}/{key}': value for key, value in errors.items()},
        by_action=metric.by_action,
        depth_error_mm=dict(
            train=_depth_error(*_open_store(cfg, 'train', stores)), test=_depth_error(annotation, store)
        ),
    )


def _open_store(cfg: Config, split: str, stores: Path) -> tuple[H36MAnnotation, SequenceStore]:
    """A split's annotation and its store."""
    dataset = cfg[f'{split}_dataloader'].dataset
    cameras = Path(dataset.data_root, dataset.get('camera_param_file', CAMERAS))
    annotation = H36MAnnotation(Path(dataset.data_root, dataset.ann_file), cameras)
    return annotation, SequenceStore(stores / Path(dataset.ann_file).stem, annotation)


def _depth_error(annotation: H36MAnnotation, store: SequenceStore) -> float:
    """Mean over frames and joints, mm."""
    root = annotation.skeleton.root
    depth = annotation.keypoints_3d[..., 2]
    error = np.abs(store.keypoints[..., 2] - (depth - depth[:, [root]]))
    counts = annotation.keypoints_3d_visible & (np.arange(depth.shape[1]) != root)
    return 1000 * float(error[counts].mean())
