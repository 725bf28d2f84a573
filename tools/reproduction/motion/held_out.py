"""Scenes of held-out people's motion, with noise in the place of a per-frame estimator's errors."""

from collections.abc import Iterator

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

from depth_refine.functional.camera import back_project, project_rays
from depth_refine.inference.people.tracking import Observations
from depth_refine.structures import Skeleton

from .scenes import Scene


def scenes_of_motion(cfg: Config, views: int = 2) -> Iterator[Scene]:
    """Scenes of the clips of a config's validation data; the noise has a fixed seed.

    Args:
        cfg: of ``configs/mocap/``, for 2D and depth: its pipeline makes labels, adds noise, and packs them.
        views: number of cameras for each clip.
    """
    init_default_scope('mmpose')
    target, noise, _ = cfg.val_dataloader.dataset.pipeline
    dataset = DATASETS.build(dict(cfg.val_dataloader.dataset, pipeline=[target, noise], seq_len=1, views=views))
    depth_range = dataset.pipeline.transforms[0].encoder.depth_range
    torch.manual_seed(0)
    for index in range(len(dataset)):
        yield _scene(dataset[index], dataset.skeleton, dataset.metainfo['frame_rate'], depth_range)


def _scene(sample: dict, skeleton: Skeleton, frame_rate: float, depth_range: float) -> Scene:
    labels, truth = sample['keypoint_labels'], sample['lifting_target']
    camera = {key: np.asarray(value) for key, value in sample['camera_param'].items()}
    pixels, depth = project_rays(labels[..., :2], camera), labels[..., 2] * (depth_range / 2)
    count, sure = len(labels), np.ones_like(depth)
    seen = Observations(
        size=(int(camera['w'].item()), int(camera['h'].item())),
        times=np.arange(count) / frame_rate,
        frames=np.arange(count),
        ids=np.zeros(count, int),
        bboxes=np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1).astype(np.float32),
        measurements=np.stack([*np.moveaxis(pixels, -1, 0), depth, sure, np.full_like(depth, np.nan)], axis=-1),
        notes=[],
    )
    # the estimator's poses, placed at the true depth of the root
    own = back_project(pixels, depth + truth[:, [skeleton.root], 2], camera)
    return Scene(seen, own - own[:, [skeleton.root]], camera, truth, skeleton)
