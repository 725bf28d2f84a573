"""From predicted data samples of either stage to root-relative poses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from mmpose.utils.tensor_utils import to_numpy

from depth_refine.functional.camera import back_project
from depth_refine.structures.skeleton import ROOT
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_names import action_of, parse_image_name

_NUM_JOINTS = 17


class Conditions(NamedTuple):
    """How predictions came about, as far as their samples state it."""

    true_root_depth: bool  # the ground truth's absolute root depth was used
    bbox_policy: str
    flip_test: str


@dataclass(frozen=True, slots=True)
class RootRelativePoses:
    """Poses of T frames of one sequence, root at the origin on both sides.

    Not a tuple: mmengine copies those.
    """

    sequence: str
    action: str
    frames: np.ndarray  # (T,) frame numbers
    joints: np.ndarray  # (T, 17, 7) float32: prediction and truth, metres, and visibility
    conditions: Conditions


def lifted_poses(sample: dict) -> RootRelativePoses:
    """Poses of a sample with ``gt_instances.lifting_target``.

    Raises:
        InputError: shapes do not fit, an image name is not of Human3.6M's form, a prediction is not finite, or a true
            root is not visible.
    """
    parsed = [_parse_img_path(path) for path in sample['target_img_path']]
    sequence = sample.get('sequence', parsed[0][0])
    gt = sample['gt_instances']
    joints = _root_relative(
        sequence,
        _prediction(sequence, sample),
        _joints(sequence, gt['lifting_target']),
        to_numpy(gt['lifting_target_visible']).reshape(-1, _NUM_JOINTS, 1),
    )
    if len(joints) != len(parsed):
        raise InputError(
            f'{sequence}: expected one target_img_path per predicted frame, got {len(parsed)} paths and '
            f'{len(joints)} frames'
        )
    action, conditions = _action_and_conditions(sample, sequence, true_root_depth=False)
    return RootRelativePoses(sequence, action, np.array([frame for _, frame in parsed]), joints, conditions)


def single_frame_poses(sequence: str, samples: list[dict]) -> Iterator[RootRelativePoses]:
    """Poses of (u px, v px, depth m) samples of one sequence, hence of one camera, one by one.

    Raises:
        InputError: as :func:`lifted_poses`; a camera, a true pose or a frame number is missing.
    """
    if 'camera_param' not in samples[0] or 'keypoints_cam' not in samples[0]['gt_instances']:
        raise InputError(
            f"{sequence}: pixels and depth need 'camera_param' in the metainfo and 'keypoints_cam' in gt_instances to "
            'become metres; let PackPoseInputs of the evaluated dataset pack them'
        )
    pred = np.concatenate([_prediction(sequence, sample) for sample in samples])
    truths = [sample['gt_instances'] for sample in samples]
    gt = np.concatenate([_joints(sequence, truth['keypoints_cam']) for truth in truths])
    visible = np.concatenate([to_numpy(truth['keypoints_visible']).reshape(-1, _NUM_JOINTS, 1) for truth in truths])
    depth = pred[..., 2] + gt[:, ROOT, 2:]
    pred = back_project(pred[..., :2], depth, samples[0]['camera_param'])
    if not np.isfinite(pred).all():
        raise InputError(
            f'{sequence}: predicted pixels lie so far outside the image that its lens cannot have put them there; the '
            'model has probably diverged in training or the checkpoint is damaged'
        )
    joints = _root_relative(sequence, pred, gt, visible)
    frames = np.array([sequence_and_frame(sample)[1] for sample in samples])
    action, conditions = _action_and_conditions(samples[0], sequence, true_root_depth=True)
    for frame, pose in zip(frames[:, None], joints[:, None], strict=True):
        yield RootRelativePoses(sequence, action, frame, pose, conditions)


def sequence_and_frame(sample: dict) -> tuple[str, int]:
    """Sequence name and frame number of a single-frame sample, from the metainfo or else the image's file name."""
    if 'sequence' in sample and 'frame' in sample:
        return sample['sequence'], int(sample['frame'])
    if 'sequence' in sample or 'img_path' not in sample:
        raise InputError(
            f"{sample.get('sequence', 'a sample')}: expected both 'sequence' and 'frame' in the metainfo, or "
            f"'img_path' alone, got {sorted(sample.keys() & {'sequence', 'frame', 'img_path'})}; let PackPoseInputs of "
            'the evaluated dataset pack them'
        )
    return _parse_img_path(sample['img_path'])


def _parse_img_path(path: str) -> tuple[str, int]:
    """'.../S9_Directions_1.54138969_000001.jpg' to ('S9_Directions_1.54138969', 1)."""
    try:
        name = parse_image_name(path)
    except ValueError as error:
        raise InputError(f'cannot tell sequence and frame of an image: {error}; name the files so') from error
    return name.sequence, name.frame


def _action_and_conditions(sample: dict, sequence: str, true_root_depth: bool) -> tuple[str, Conditions]:
    """What a sample's metainfo tells; an action that it lacks is in the sequence's name, before the take number."""
    flip_test = {None: 'not stated', True: 'on', False: 'off'}[sample['pred_instances'].get('flip_test')]
    conditions = Conditions(true_root_depth, sample.get('bbox_policy', 'not stated'), flip_test)
    return sample.get('action') or action_of(sequence), conditions


def _joints(sequence: str, values) -> np.ndarray:
    """Tensor or array (..., 17, 3) to (T, 17, 3) float64."""
    joints = to_numpy(values)
    if joints.shape[-2:] != (_NUM_JOINTS, 3):
        raise InputError(f'{sequence}: expected poses of shape (T, 17, 3), got {joints.shape}')
    return joints.astype(np.float64).reshape(-1, _NUM_JOINTS, 3)


def _prediction(sequence: str, sample: dict) -> np.ndarray:
    """The sample's predicted (T, 17, 3), checked to be finite."""
    pred = _joints(sequence, sample['pred_instances']['keypoints'])
    if not np.isfinite(pred).all():
        finite = np.isfinite(pred).all(axis=(1, 2))
        raise InputError(
            f'{sequence}: expected finite predictions, got NaN or infinity in {np.sum(~finite)} of {len(pred)} frames; '
            'the model has probably diverged in training or the checkpoint is damaged'
        )
    return pred


def _root_relative(sequence: str, pred: np.ndarray, gt: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Join prediction, truth and visibility to (T, 17, 7) float32, root at the origin on both sides."""
    if not len(pred) == len(gt) == len(visible):
        raise InputError(
            f'{sequence}: expected a prediction for every true frame, got {len(pred)} predicted, {len(gt)} true and '
            f'{len(visible)} visibility frames'
        )
    if not np.all(visible[:, ROOT] > 0):
        raise InputError(f'{sequence}: errors are relative to the root, but the annotation has frames without it')
    return np.concatenate([pred - pred[:, [ROOT]], gt - gt[:, [ROOT]], visible > 0], axis=-1).astype(np.float32)
