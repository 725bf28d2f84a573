"""Depth sequence stores from a trained first stage."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint
from mmengine.structures import InstanceData
from mmengine.utils.dl_utils import set_multi_processing
from mmpose.registry import DATASETS, MODELS
from torch.utils.data import SequentialSampler
from tqdm import tqdm

from depth_refine.datasets import DepthImageDataset, SequenceStore, write_sequence_store
from depth_refine.models.inference_optimization import optimise_for_inference
from depth_refine.utils.checkpoint import check_checkpoint
from depth_refine.utils.config import find_datasets
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import usable_device
from depth_refine.utils.runner import check_loaders, copy_while_computing

_FILES = ('ann_file', 'data_root', 'data_prefix', 'camera_param_file')  # keys of a data set's config


def extract_depth_sequences(
    cfg: Config, checkpoint: str | Path, out: str | Path, device: str = 'cpu', amp: bool = False
) -> list[Path]:
    """Write the first stage's predictions of every frame that its config trains or tests on, one store per annotation.

    Each frame goes through the config's test pipeline. Batch size and workers are the test data loader's.

    Args:
        cfg: config of the first stage.
        checkpoint: its checkpoint.
        out: folder of the stores, each named after its annotation file. A store that was made in the same way for the
            same annotation is kept.
        device: where to run.
        amp: run in bfloat16, see :func:`optimise_for_inference`.

    Returns:
        The folders of the stores.

    Raises:
        InputError: the checkpoint belongs to another config, the config is not of a first stage, an annotation or image
            cannot be used, another store is in the way, the device does not exist, or the batch size is not positive.
        ValueError: a prediction is not finite.
    """
    device = usable_device(device)
    check_loaders(cfg)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    set_multi_processing(**cfg.get('env_cfg', {}).get('mp_cfg', {}))
    if device.type == 'cuda':
        copy_while_computing(cfg)
    model = MODELS.build(cfg.model)
    check_checkpoint(model, checkpoint)
    load_checkpoint(model, str(checkpoint), map_location='cpu', logger='silent')
    optimise_for_inference(model, device, amp)
    with Path(checkpoint).open('rb') as file:
        provenance = dict(
            config=Path(cfg.filename).name,
            checkpoint=dict(file=Path(checkpoint).name, sha256=hashlib.file_digest(file, 'sha256').hexdigest()),
            flip_test=bool(cfg.model.get('test_cfg', {}).get('flip_test', False)),
            amp=amp,
        )
    nodes = find_datasets([cfg.train_dataloader, cfg.test_dataloader], DepthImageDataset)
    sources = {tuple(str(node.get(key)) for key in _FILES): node for node in nodes}
    if not sources:
        raise InputError(f'{cfg.filename} trains and tests on no DepthImageDataset: give a first-stage config')
    names = [Path(node.ann_file).stem for node in sources.values()]
    if len(set(names)) < len(names):
        raise InputError(
            f'{cfg.filename} has several data sets whose annotations have one name, {sorted(names)}: their stores '
            'would too. Extract them one by one, with --cfg-options'
        )
    policies = {node.get('bbox_policy', DepthImageDataset.BBOX_POLICIES[0]) for node in sources.values()}
    if len(policies) > 1:
        raise InputError(
            f'{cfg.filename} trains and tests under different bounding boxes, {sorted(map(str, policies))}: give all '
            'its data sets the same bbox_policy'
        )
    return [_extract(model, cfg, source, provenance, Path(out)) for source in sources.values()]


def _extract(model, cfg: Config, source: dict, provenance: dict, out: Path) -> Path:
    """Make the store of one annotation."""
    dataset_cfg = dict(cfg.test_dataloader.dataset, **{key: source.get(key) for key in _FILES}, frame_step=1)
    dataset = DATASETS.build({key: value for key, value in dataset_cfg.items() if value is not None})
    path = out / Path(source.ann_file).stem
    camera = dataset.annotation.cameras[0]
    meta = dict(provenance, image_size=[int(camera['w']), int(camera['h'])])
    if path.exists():
        store = SequenceStore(path, dataset.annotation)
        if store.bbox_policy == dataset.bbox_policy and meta.items() <= store.meta.items():
            print_log(f'{path} is complete, made in the same way: kept', logger='current')
            return path
    # the default sampler would split the frames between the processes of a distributed run
    loader_cfg = dict(cfg.test_dataloader, dataset=dataset, sampler=SequentialSampler(dataset))
    loader = Runner.build_dataloader(dict(loader_cfg, persistent_workers=False))
    with (
        write_sequence_store(path, dataset.annotation, dataset.bbox_policy, meta, has_depth_std=True) as writer,
        tqdm(total=len(dataset), desc=path.name, unit='frame') as progress,
        torch.inference_mode(),
    ):
        for samples in map(model.test_step, loader):
            found = InstanceData.cat([sample.pred_instances for sample in samples])
            rows = np.array([sample.img_id for sample in samples])
            writer.write(rows, found.keypoints, found.keypoint_scores, depth_std=found.depth_std)
            progress.update(len(samples))
    return path
