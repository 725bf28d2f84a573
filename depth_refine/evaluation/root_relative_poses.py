"""Root-relative poses from predicted data samples of either stage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from mmpose.utils.tensor_utils import to_numpy

from depth_refine.functional.camera import back_project
from depth_refine.utils.errors import InputError


class Conditions(NamedTuple):
    """Conditions of predictions, as far as their samples state them."""

    true_root_depth: bool  # the ground truth's absolute root depth was used
    bbox_policy: str
    flip_test: str


class Claims(NamedTuple):
    """Root and number of joints by source, None where a source gives none; samples must agree with all of them."""

    roots: dict[str, int | None]  # the root's index
    counts: dict[str, int | None]  # K


@dataclass(frozen=True, slots=True)
class RootRelativePoses:
    """Poses of T frames of one sequence, root at the origin on both sides.

    It is not a tuple, which mmengine would copy.
    """

    sequence: str
    actions: np.ndarray  # (T,) str, empty where there is none
    frames: np.ndarray  # (T,) frame numbers
    joints: np.ndarray  # (T, K, 7) float32: prediction and truth, metres, and visibility
    conditions: Conditions


def lifted_poses(sample: dict, claims: Claims) -> RootRelativePoses:
    """Poses of a sample with ``gt_instances.lifting_target``.

    Raises:
        InputError: the metainfo lacks the sequence or the frame numbers, shapes do not fit one another or ``claims``,
            no source gives the root, a prediction is not finite, or a true root is not visible.
    """
    sequence, truth = sequence_of(sample, 'frames'), sample['gt_instances']
    root, joints = _joined(sequence, [sample], [truth['lifting_target']], [truth['lifting_target_visible']], claims)
    frames = np.asarray(sample['frames']).reshape(-1)
    actions = _actions(sample, len(joints))
    if not len(joints) == len(frames) == len(actions):
        raise InputError(
            f'{sequence}: expected a frame number for each predicted frame, and one action or as many, got '
            f'{len(frames)} numbers and {len(actions)} actions for {len(joints)} frames'
        )
    return RootRelativePoses(sequence, actions, frames, _centred(sequence, joints, root), _conditions(sample, False))


def single_frame_poses(sequence: str, samples: Sequence[dict], claims: Claims) -> Iterator[RootRelativePoses]:
    """Poses of (u px, v px, depth m) samples of one sequence, which has one camera; yields one for each sample.

    Raises:
        InputError: as :func:`lifted_poses`; a camera, its focal length or a true pose is missing.
    """
    if 'camera_param' not in samples[0] or 'keypoints_cam' not in samples[0]['gt_instances']:
        raise InputError(
            f"{sequence}: pixels and depth need 'camera_param' in the metainfo and 'keypoints_cam' in gt_instances to "
            'become metres; let PackPoseInputs of the evaluated dataset pack them'
        )
    camera = samples[0]['camera_param']
    if missing := sorted({'f', 'c'} - camera.keys()):
        raise InputError(
            f"{sequence}: pixels and depth need the camera's focal length f and principal point c (px) to become "
            f'metres, but its camera_param has no {" and no ".join(missing)}; add them to the file of the cameras'
        )
    truths = [sample['gt_instances'] for sample in samples]
    gt, visible = ([truth[key] for truth in truths] for key in ('keypoints_cam', 'keypoints_visible'))
    root, joints = _joined(sequence, samples, gt, visible, claims)
    joints[..., :3] = back_project(joints[..., :2], joints[..., 2] + joints[:, root, 5, None], camera)
    if not np.isfinite(joints[..., :3]).all():
        raise InputError(
            f'{sequence}: predicted pixels lie so far outside the image that its lens cannot have put them there; the '
            'model has probably diverged in training or the checkpoint is damaged'
        )
    poses = _centred(sequence, joints, root)
    for sample, pose in zip(samples, poses[:, None], strict=True):
        frame = np.array([int(sample['frame'])])
        yield RootRelativePoses(sequence, _actions(sample, 1), frame, pose, _conditions(sample, True))


def in_order(sequence: str, parts: Sequence[RootRelativePoses]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame numbers (T,), actions (T,) and joints (T, K, 7) float64 of one sequence in temporal order.

    Frames without any true joint, which serve as context for their neighbours, are left out.

    Raises:
        InputError: a frame was predicted twice, or none has a true joint.
    """
    frames = np.concatenate([part.frames for part in parts])
    actions = np.concatenate([part.actions for part in parts])
    joints = np.concatenate([part.joints for part in parts]).astype(np.float64)
    order = np.argsort(frames)
    frames = frames[order]
    repeated = frames[1:][np.diff(frames) == 0]
    if len(repeated):
        raise InputError(
            f'{sequence}: expected every frame once, got frame {repeated[0]} more than once; '
            'let the windows of the evaluated dataset not overlap, and give each camera its own sequence'
        )
    known = joints[order, :, 6].any(axis=1)
    if not known.any():
        raise InputError(f'{sequence}: errors are relative to the root, but no frame of the annotation has it')
    return frames[known], actions[order][known], joints[order][known]


def sequence_of(sample: dict, number: str = 'frame') -> str:
    """Sequence name of a sample; its metainfo must have both that and the frame numbers under the key ``number``."""
    if 'sequence' not in sample or number not in sample:
        raise InputError(
            f"{sample.get('sequence', 'a sample')}: expected both 'sequence' and {number!r} in the metainfo, got "
            f'{sorted(sample.keys() & {"sequence", number})}; let PackPoseInputs of the evaluated dataset pack them'
        )
    return sample['sequence']


def _actions(sample: dict, count: int) -> np.ndarray:
    """The actions of ``count`` frames, of which the metainfo has one for all, one for each, or none."""
    actions = sample.get('action')
    if actions is None or isinstance(actions, str):
        return np.broadcast_to(np.array(actions or ''), count)
    return np.array(actions, str).reshape(-1)


def _conditions(sample: dict, true_root_depth: bool) -> Conditions:
    flip_test = {None: 'not stated', True: 'on', False: 'off'}[sample['pred_instances'].get('flip_test')]
    return Conditions(true_root_depth, sample.get('bbox_policy', 'not stated'), flip_test)


def _joined(sequence: str, samples: Sequence[dict], gt: list, visible: list, claims: Claims) -> tuple[int, np.ndarray]:
    """The root's index, and prediction, truth and visibility concatenated, (T, K, 7) float64."""
    counts = _told(claims.counts) or {'the true poses': to_numpy(gt[0]).shape[-2]}
    predictions = [sample['pred_instances']['keypoints'] for sample in samples]
    pred, truth = (
        _joints(sequence, what, values, counts) for what, values in (('predicted', predictions), ('true', gt))
    )
    finite = np.isfinite(pred).all(axis=(1, 2))
    if not finite.all():
        raise InputError(
            f'{sequence}: expected finite predictions, got NaN or infinity in {np.sum(~finite)} of {len(pred)} frames; '
            'the model has probably diverged in training or the checkpoint is damaged'
        )
    visible = np.concatenate([to_numpy(one).reshape(-1, truth.shape[1], 1) for one in visible]) > 0
    if not len(pred) == len(truth) == len(visible):
        raise InputError(
            f'{sequence}: expected a prediction for every true frame, got {len(pred)} predicted, {len(truth)} true and '
            f'{len(visible)} visibility frames'
        )
    return _root(sequence, samples[0], claims, truth.shape[1]), np.concatenate([pred, truth, visible], axis=-1)


def _joints(sequence: str, what: str, values: list, counts: dict[str, int]) -> np.ndarray:
    """Tensors or arrays (..., K, 3) to one (T, K, 3) float64; every one of ``counts`` must be K."""
    arrays = [to_numpy(value) for value in values]
    for who, count in counts.items():
        for array in arrays:
            if array.shape[-2:] != (count, 3):
                raise InputError(
                    f'{sequence}: expected poses of shape (T, {count}, 3), got {array.shape} as {what} poses; '
                    f'{count} is the number of joints of {who}'
                )
    return np.concatenate([array.astype(np.float64).reshape(-1, *array.shape[-2:]) for array in arrays])


def _root(sequence: str, sample: dict, claims: Claims, num_joints: int) -> int:
    """The index of the root, on which all sources must agree."""
    roots = _told(claims.roots | {"the samples' root_index": sample.get('root_index')})
    if not roots:
        raise InputError(
            f'{sequence}: errors are relative to the root, but nothing says which joint that is: let PackPoseInputs of '
            "the evaluated dataset pack 'root_index', or give the metric its root_index"
        )
    if len(set(roots.values())) > 1:
        said = ', and '.join(f'{who} names joint {root}' for who, root in roots.items())
        raise InputError(f'{sequence}: errors are relative to one root, but {said}; let them agree')
    root = next(iter(roots.values()))
    if not 0 <= root < num_joints:
        raise InputError(f'{sequence}: there is no root joint {root}: expected one of 0 to {num_joints - 1}')
    return root


def _told(said: dict[str, int | None]) -> dict[str, int]:
    return {who: int(value) for who, value in said.items() if value is not None}


def _centred(sequence: str, joints: np.ndarray, root: int) -> np.ndarray:
    """Joined poses as float32, root at the origin on both sides."""
    known = joints[..., 6].any(axis=1)
    if not np.all(joints[known, root, 6] > 0):
        raise InputError(f'{sequence}: errors are relative to the root, but the annotation has frames without it')
    joints[..., :6] -= joints[:, [root], :6]
    return joints.astype(np.float32)
