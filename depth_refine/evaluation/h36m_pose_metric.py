"""Human3.6M's evaluation protocols for both stages."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmpose.registry import METRICS
from mmpose.utils.tensor_utils import to_numpy

from depth_refine.errors import InputError
from depth_refine.functional.camera import back_project
from depth_refine.functional.h36m_names import action_of, parse_image_name
from depth_refine.functional.pose_error import difference_error, mpjpe, scale_align, similarity_align
from depth_refine.functional.skeleton import ROOT

from .pose_error_table import ERRORS, means, pose_error_table


@METRICS.register_module()
class H36MPoseMetric(BaseMetric):
    """Protocol 1, Protocol 2, N-MPJPE, velocity and acceleration error, per action, in millimetres.

    Every error is measured with the root joint (joint 0) at the origin on both sides and averages over the visible
    joints, root included:

    - ``MPJPE_mm``: Protocol 1, no further alignment.
    - ``P-MPJPE_mm``: Protocol 2, after the best rotation, translation and scale of each frame.
    - ``N-MPJPE_mm``: after the best scale of each frame.
    - ``MPJVE_mm_per_frame``, ``MPJAE_mm_per_frame2``: error of the first and second difference between consecutive
      evaluated frames of a sequence, never across sequences; NaN if an action's sequences are too short for that.

    Those names hold the unweighted mean of the action means, as published tables do; the same names with ``_frames``
    before the unit hold the mean over all frames. The log gets a table of all actions.

    Two kinds of data sample are understood:

    - with ``gt_instances.lifting_target`` (stage 2 and MMPose's own lifters), ``pred_instances.keypoints``
      (T, 17, 3) are camera-frame metres with any root position. Frame numbers are read from ``target_img_path``, and
      the sequence too where the metainfo has none.
    - otherwise (stage 1), ``pred_instances.keypoints`` (1, 17, 3) are (u px, v px, depth relative to the root m).
      They are back-projected with ``camera_param`` and **the ground truth's absolute root depth**, as Sun et al.
      ("Integral human pose regression", ECCV 2018) do; ``gt_instances.keypoints_cam`` holds the truth. Frames may
      come in any order.

    Args:
        skip_list: sequences to leave out, named '<subject>_<action>' as in the file names, take number included where
            there is one, for all cameras. Published tables leave out ``['S11_Directions']``.
        collect_device: 'cpu' or 'gpu', how results travel between ranks.
        prefix: put before the names, ``'h36m'`` if None.

    Raises:
        InputError: ``skip_list`` is a string.
    """

    default_prefix = 'h36m'

    def __init__(self, skip_list: Sequence[str] = (), collect_device: str = 'cpu', prefix: str | None = None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        if isinstance(skip_list, str):
            raise InputError(f'skip_list of H36MPoseMetric: expected a list of sequences, got the string {skip_list!r}')
        self.skip_list = frozenset(skip_list)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep root-relative poses of a batch.

        Each sample becomes one tuple (sequence, action, frame numbers (T,), joints, uses true root depth), skipped
        sequences included, since mmengine drops the padding of distributed runs by counting samples. ``joints``
        (T, 17, 7) float32 holds prediction, truth (metres) and visibility.

        Raises:
            InputError: a prediction has the wrong shape or is not finite, or the true root is not visible.
        """
        results = [None] * len(data_samples)
        single_frames = defaultdict(list)
        for index, sample in enumerate(data_samples):
            if 'lifting_target' in sample['gt_instances']:
                results[index] = _lifted_result(sample)
            else:
                single_frames[_sequence_and_frame(sample)[0]].append(index)
        # Undistortion iterates, so the frames that share a camera go through it together.
        for sequence, indices in single_frames.items():
            frames = _single_frame_results(sequence, [data_samples[index] for index in indices])
            for index, result in zip(indices, frames, strict=True):
                results[index] = result
        self.results.extend(results)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Errors of all collected frames; see the class.

        Args:
            results: tuples of :meth:`process`, in any order.

        Returns:
            The five action means, then the five frame means, without prefix.

        Raises:
            InputError: nothing is left to evaluate, or a frame of a sequence was predicted twice.
        """
        sequences = defaultdict(list)
        for sequence, *rest in results:
            sequences[sequence].append(rest)
        kept = {name: parts for name, parts in sequences.items() if name.split('.')[0] not in self.skip_list}
        skipped = sorted(sequences.keys() - kept.keys())
        if not kept:
            raise InputError(
                f'H36MPoseMetric has nothing to evaluate: expected at least one sequence, got {len(results)} data '
                f'samples of which skip_list {sorted(self.skip_list)} drops {len(skipped)} sequences; check the '
                'dataset of the evaluated dataloader and skip_list'
            )

        errors_of = defaultdict(list)
        steps = set()
        for name, parts in kept.items():
            frames, joints = _in_order(name, parts)
            steps.update(np.diff(frames).tolist())
            errors_of[parts[0][0]].append(_errors_mm(joints))
        by_action = {action: _concatenate(errors_of[action]) for action in sorted(errors_of)}
        frame_means = means(_concatenate(by_action.values()))
        action_means = np.mean([means(errors) for errors in by_action.values()], axis=0)

        MMLogger.get_current_instance().info(
            pose_error_table(by_action, action_means, frame_means)
            + f'\nRules: {len(by_action)} actions, {sum(len(errors[0]) for errors in by_action.values())} frames, '
            f'{len(kept)} sequences; skipped: {", ".join(skipped) or "none"}; root at the origin on both sides; '
            f'differences between consecutive evaluated frames (frame step {_range(steps)}); absolute root depth: '
            + ('from the ground truth' if any(parts[0][3] for parts in kept.values()) else 'not used')
        )
        return {
            **{f'{name}_{unit}': float(mean) for (name, unit), mean in zip(ERRORS, action_means, strict=True)},
            **{f'{name}_frames_{unit}': float(mean) for (name, unit), mean in zip(ERRORS, frame_means, strict=True)},
        }


def _sequence_and_frame(sample: dict) -> tuple[str, int]:
    """Sequence name and frame number of a single-frame sample, from the metainfo or else the image's file name."""
    if 'sequence' in sample:
        return sample['sequence'], int(sample['frame'])
    return _parse_img_path(sample['img_path'])


def _parse_img_path(path: str) -> tuple[str, int]:
    """'.../S9_Directions_1.54138969_000001.jpg' to ('S9_Directions_1.54138969', 1)."""
    try:
        name = parse_image_name(path)
    except ValueError as error:
        raise InputError(f'cannot tell sequence and frame of an image: {error}; name the files so') from error
    return name.sequence, name.frame


def _action(sample: dict, sequence: str) -> str:
    """The sample's action, from the sequence's name without take number where the metainfo lacks it."""
    return sample.get('action') or action_of(sequence)


def _lifted_result(sample: dict) -> tuple:
    """Result of a sample whose prediction is a 3D pose already."""
    parsed = [_parse_img_path(path) for path in sample['target_img_path']]
    sequence = sample.get('sequence', parsed[0][0])
    gt = sample['gt_instances']
    joints = _root_relative(
        sequence,
        _prediction(sequence, sample),
        _joints(sequence, gt['lifting_target']),
        to_numpy(gt['lifting_target_visible']).reshape(-1, 17, 1),
    )
    if len(joints) != len(parsed):
        raise InputError(
            f'{sequence}: expected one target_img_path per predicted frame, got {len(parsed)} paths and '
            f'{len(joints)} frames'
        )
    return sequence, _action(sample, sequence), np.array([frame for _, frame in parsed]), joints, False


def _single_frame_results(sequence: str, samples: list[dict]) -> Iterable[tuple]:
    """Results of (u px, v px, depth m) samples of one sequence, hence of one camera."""
    if 'camera_param' not in samples[0] or 'keypoints_cam' not in samples[0]['gt_instances']:
        raise InputError(
            f"{sequence}: pixels and depth need 'camera_param' in the metainfo and 'keypoints_cam' in gt_instances to "
            'become metres; let PackPoseInputs of the evaluated dataset pack them'
        )
    pred = np.concatenate([_prediction(sequence, sample) for sample in samples])
    truths = [sample['gt_instances'] for sample in samples]
    gt = np.concatenate([_joints(sequence, truth['keypoints_cam']) for truth in truths])
    visible = np.concatenate([to_numpy(truth['keypoints_visible']).reshape(-1, 17, 1) for truth in truths])
    depth = pred[..., 2] + gt[:, ROOT, 2:]
    joints = _root_relative(sequence, back_project(pred[..., :2], depth, samples[0]['camera_param']), gt, visible)
    action = _action(samples[0], sequence)
    for sample, pose in zip(samples, joints, strict=True):
        yield sequence, action, np.array([_sequence_and_frame(sample)[1]]), pose[None], True


def _joints(sequence: str, values) -> np.ndarray:
    """Tensor or array (..., 17, 3) to (T, 17, 3) float64."""
    joints = to_numpy(values)
    if joints.shape[-2:] != (17, 3):
        raise InputError(f'{sequence}: expected poses of shape (T, 17, 3), got {joints.shape}')
    return joints.astype(np.float64).reshape(-1, 17, 3)


def _prediction(sequence: str, sample: dict) -> np.ndarray:
    """The sample's predicted (T, 17, 3), checked to be finite."""
    pred = _joints(sequence, sample['pred_instances']['keypoints'])
    finite = np.isfinite(pred).all(axis=(1, 2))
    if not finite.all():
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


def _in_order(sequence: str, parts: list) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers (T,) and joints (T, 17, 7) float64 of one sequence in order of time."""
    frames = np.concatenate([part[1] for part in parts])
    joints = np.concatenate([part[2] for part in parts]).astype(np.float64)
    order = np.argsort(frames)
    frames, joints = frames[order], joints[order]
    repeated = frames[1:][np.diff(frames) == 0]
    if len(repeated):
        raise InputError(
            f'{sequence}: expected every frame once, got frame {repeated[0]} more than once; '
            'let the windows of the evaluated dataset not overlap'
        )
    return frames, joints


def _errors_mm(joints: np.ndarray) -> tuple[np.ndarray, ...]:
    """The errors of one sequence's frames and differences, in the order of ``ERRORS``, millimetres."""
    pred, gt, visible = joints[..., :3], joints[..., 3:6], joints[..., 6] > 0
    errors = (
        mpjpe(pred, gt, visible),
        mpjpe(similarity_align(pred, gt, visible), gt, visible),
        mpjpe(scale_align(pred, gt, visible), gt, visible),
        difference_error(pred, gt, 1, visible),
        difference_error(pred, gt, 2, visible),
    )
    return tuple(1000 * error for error in errors)


def _concatenate(errors: Iterable[tuple]) -> tuple[np.ndarray, ...]:
    return tuple(np.concatenate(column) for column in zip(*errors, strict=True))


def _range(steps: set[int]) -> str:
    return ' to '.join(map(str, sorted({min(steps), max(steps)}))) if steps else 'none'
