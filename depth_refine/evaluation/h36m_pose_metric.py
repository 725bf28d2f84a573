"""Human3.6M's evaluation protocols for both stages."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmpose.registry import METRICS

from depth_refine.functional.pose_error import difference_error, mpjpe, scale_align, similarity_align
from depth_refine.utils.errors import InputError

from .pose_error_table import ERRORS, evaluation_rules, means, pose_error_table
from .root_relative_poses import RootRelativePoses, lifted_poses, sequence_and_frame, single_frame_poses

# 14 leaves out root, spine and neck_base: limbs, thorax and head, as evaluations of SMPL-based methods do.
_JOINTS = {17: list(range(17)), 14: [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16]}


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
    before the unit hold the mean over all frames. The log gets a table of all actions and one line with the rules.

    Two kinds of data sample are understood:

    - with ``gt_instances.lifting_target`` (stage 2 and MMPose's own lifters), ``pred_instances.keypoints``
      (T, 17, 3) are camera-frame metres with any root position. Frame numbers are read from ``target_img_path``, and
      the sequence too where the metainfo has none.
    - otherwise (stage 1), ``pred_instances.keypoints`` (1, 17, 3) are (u px, v px, depth relative to the root m).
      They are back-projected with ``camera_param`` and **the ground truth's absolute root depth**, as Sun et al.
      ("Integral human pose regression", ECCV 2018) do; ``gt_instances.keypoints_cam`` holds the truth. Frames may
      come in any order.

    The rules also name the bounding boxes and flip testing where samples state them: ``bbox_policy`` in their metainfo,
    ``flip_test`` (bool) in that of ``pred_instances``.

    Attributes:
        by_action: after an evaluation, each action's means, ``dict(MPJPE=..., ...)``, units as above.

    Args:
        skip_list: sequences to leave out, named '<subject>_<action>' as in the file names, take number included where
            there is one, for all cameras. The default is that of published tables; ``[]`` leaves out nothing.
        num_joints: 17, or 14: without root, spine and neck base, once the root has been put at the origin. All errors
            and alignments are over these.
        collect_device: 'cpu' or 'gpu', how results travel between ranks.
        prefix: put before the names, ``'h36m'`` if None.

    Raises:
        InputError: ``skip_list`` is a string, or ``num_joints`` neither 17 nor 14.
    """

    default_prefix = 'h36m'

    def __init__(
        self,
        skip_list: Sequence[str] = ('S11_Directions',),
        num_joints: int = 17,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix)
        if isinstance(skip_list, str):
            raise InputError(f'skip_list of H36MPoseMetric: expected a list of sequences, got the string {skip_list!r}')
        if num_joints not in _JOINTS:
            raise InputError(f'num_joints of H36MPoseMetric: expected 17 or 14, got {num_joints!r}')
        self.skip_list = frozenset(skip_list)
        self.num_joints = num_joints
        self.by_action: dict[str, dict[str, float]] = {}

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep root-relative poses of a batch.

        Each sample becomes one result, skipped sequences included, since mmengine drops the padding of distributed runs
        by counting samples.

        Raises:
            InputError: a prediction has the wrong shape or is not finite, the true root is not visible, or a sample
                lacks what evaluation needs.
        """
        results = [None] * len(data_samples)
        single_frames = defaultdict(list)
        for index, sample in enumerate(data_samples):
            if 'lifting_target' in sample['gt_instances']:
                results[index] = lifted_poses(sample)
            else:
                single_frames[sequence_and_frame(sample)[0]].append(index)
        # Undistortion iterates, so the frames that share a camera go through it together.
        for sequence, indices in single_frames.items():
            frames = single_frame_poses(sequence, [data_samples[index] for index in indices])
            for index, result in zip(indices, frames, strict=True):
                results[index] = result
        self.results.extend(results)

    def compute_metrics(self, results: list[RootRelativePoses]) -> dict[str, float]:
        """Errors of all collected frames; see the class.

        One sequence after the other is put together, so that memory does not grow by a second copy of the predictions.

        Args:
            results: those of :meth:`process`, in any order.

        Returns:
            The five action means, then the five frame means, without prefix.

        Raises:
            InputError: nothing is left to evaluate, a frame of a sequence was predicted twice, or a frame has no
                visible joint to evaluate.
        """
        sequences = defaultdict(list)
        for result in results:
            sequences[result.sequence].append(result)
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
            try:
                errors_of[parts[0].action].append(_errors_mm(joints[:, _JOINTS[self.num_joints]]))
            except ValueError as error:
                raise InputError(f'{name}: {error}') from error
        by_action = {action: _concatenate(errors_of[action]) for action in sorted(errors_of)}
        frame_means = means(_concatenate(by_action.values()))
        means_of = {action: means(errors) for action, errors in by_action.items()}
        action_means = np.mean(list(means_of.values()), axis=0)
        names = [name for name, _ in ERRORS]
        self.by_action = {action: dict(zip(names, row.tolist(), strict=True)) for action, row in means_of.items()}

        logger = MMLogger.get_current_instance()
        logger.info(pose_error_table(by_action, action_means, frame_means))
        logger.info(
            f'Rules: {self.num_joints} joints, {len(by_action)} actions, '
            f'{sum(len(errors[0]) for errors in by_action.values())} frames, {len(kept)} sequences; '
            f'skipped by skip_list {sorted(self.skip_list)}: {", ".join(skipped) or "none"}; '
            + evaluation_rules(steps, {part.conditions for parts in kept.values() for part in parts})
        )
        return {
            **{f'{name}_{unit}': float(mean) for (name, unit), mean in zip(ERRORS, action_means, strict=True)},
            **{f'{name}_frames_{unit}': float(mean) for (name, unit), mean in zip(ERRORS, frame_means, strict=True)},
        }


def _in_order(sequence: str, parts: list[RootRelativePoses]) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers (T,) and joints (T, 17, 7) float64 of one sequence in order of time."""
    frames = np.concatenate([part.frames for part in parts])
    joints = np.concatenate([part.joints for part in parts]).astype(np.float64)
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
