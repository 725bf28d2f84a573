"""Human3.6M's evaluation protocols for both stages and any skeleton."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmpose.registry import METRICS

from depth_refine.utils.errors import InputError

from .pose_error_table import Row, evaluation_rules, pose_error_table
from .protocol_errors import ERRORS, concatenate, errors_by_action, means
from .root_relative_poses import Claims, RootRelativePoses, lifted_poses, sequence_of, single_frame_poses


@METRICS.register_module()
class DepthPoseMetric(BaseMetric):
    """Protocol 1, Protocol 2, N-MPJPE, velocity and acceleration error, per action, in millimetres.

    Every error is measured with the root joint at the origin on both sides, and is a mean over the visible joints, root
    included:

    - ``MPJPE_mm``: Protocol 1, no further alignment.
    - ``P-MPJPE_mm``: Protocol 2, after the best rotation, translation and scale of each frame.
    - ``N-MPJPE_mm``: after the best scale of each frame.
    - ``MPJVE_mm_per_frame``, ``MPJAE_mm_per_frame2``: error of the first and second difference between consecutive
      evaluated frames of a sequence, whatever their numbers, never across sequences. Each counts for the action of its
      last frame; NaN if an action's sequences are too short for that.

    Those names hold the unweighted mean of the action means, as Human3.6M's published tables do; the same names with
    ``_frames`` before the unit hold the mean over all frames. Without actions all frames are one group, and both are
    the mean over all frames. The log gets a table of all actions and one line with the rules.

    The metainfo of a sample names its ``sequence``, which differs between cameras, and may have an ``action``: one str,
    or one for each frame; all samples have it or none. There are two kinds of samples:

    - with ``gt_instances.lifting_target`` (stage 2 and MMPose's own lifters), ``pred_instances.keypoints``
      (T, K, 3) are camera-frame metres with any root position. ``frames`` (T,) in the metainfo are their numbers.
    - otherwise (stage 1), ``pred_instances.keypoints`` (1, K, 3) are (u px, v px, depth relative to the root m).
      They are back-projected with ``camera_param`` and **the ground truth's absolute root depth**, as Sun et al.
      ("Integral human pose regression", ECCV 2018) do; ``gt_instances.keypoints_cam`` holds the truth. Frames may
      come in any order; ``frame`` in the metainfo is the number.

    The rules also name the bounding boxes and flip testing where samples state them: ``bbox_policy`` in their metainfo,
    ``flip_test`` (bool) in that of ``pred_instances``.

    Attributes:
        by_action: after an evaluation, each action's means, ``dict(MPJPE=..., ...)``, units as above; empty without
            actions.

    Args:
        skip_list: sequences to leave out, by their names or by the part before the last dot. In Human3.6M's names that
            part is '<subject>_<action>', which stands for all cameras.
        joints: names or indices of the joints to evaluate, after the root has been moved to the origin; all if None.
            All errors and alignments are over these.
        root_index: index or name of the root. None takes ``root_index`` from the metainfo of the data set or the
            samples; where several give it, they must agree.
        collect_device: 'cpu' or 'gpu', how results travel between ranks.
        prefix: put before the names, ``'pose3d'`` if None.

    Raises:
        InputError: ``skip_list`` or ``joints`` is a string.

    Example:
        In a config, for a skeleton whose root is called ``pelvis``:

            val_evaluator = dict(type='DepthPoseMetric', root_index='pelvis')
    """

    default_prefix: str | None = 'pose3d'
    title = '3D pose errors'
    num_keypoints: int | None = None  # K, where a subclass knows it

    def __init__(
        self,
        skip_list: Sequence[str] = (),
        joints: Sequence[str | int] | None = None,
        root_index: str | int | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix)
        for argument, value, of in (('skip_list', skip_list, 'sequences'), ('joints', joints, 'joints')):
            if isinstance(value, str):
                raise InputError(
                    f'{argument} of {type(self).__name__}: expected a list of {of}, got the string {value!r}'
                )
        self.skip_list = frozenset(skip_list)
        self.joints = joints
        self.root_index = root_index
        self.by_action: dict[str, dict[str, float]] = {}

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep root-relative poses of a batch.

        Each sample becomes one result, skipped sequences included, since mmengine drops the padding of distributed runs
        by counting samples.

        Raises:
            InputError: a prediction has the wrong shape or is not finite, the true root is not visible, no source
                gives the root, or a sample lacks what evaluation needs.
        """
        claims = self._claims()
        results = [None] * len(data_samples)
        single_frames = defaultdict(list)
        for index, sample in enumerate(data_samples):
            if 'lifting_target' in sample['gt_instances']:
                results[index] = lifted_poses(sample, claims)
            else:
                single_frames[sequence_of(sample)].append(index)
        # undistortion is iterative and faster on many frames, so those of a sequence go through it together
        for sequence, indices in single_frames.items():
            frames = single_frame_poses(sequence, [data_samples[index] for index in indices], claims)
            for index, result in zip(indices, frames, strict=True):
                results[index] = result
        self.results.extend(results)

    def compute_metrics(self, results: list[RootRelativePoses]) -> dict[str, float]:
        """Errors of all collected frames; see the class.

        Sequences are assembled one by one, so that memory never holds a second copy of all predictions.

        Args:
            results: those of :meth:`process`, in any order.

        Returns:
            The five action means, then the five frame means, without prefix.

        Raises:
            InputError: nothing is left to evaluate, a frame of a sequence was predicted twice, a frame has no visible
                joint to evaluate, a joint does not exist, or some frames have an action and some have none.
        """
        kept, skipped = self.kept_sequences(results)
        num_joints = next(iter(kept.values()))[0].joints.shape[1]
        chosen = range(num_joints) if self.joints is None else self.joint_indices(self.joints, num_joints)
        by_action, steps = errors_by_action(kept, chosen)
        frame_means = means(concatenate(by_action.values()))
        frames = sum(len(errors[0]) for errors in by_action.values())
        if '' in by_action and len(by_action) > 1:
            raise InputError(
                f'{type(self).__name__}: expected an action for every frame or for none, got none for '
                f"{len(by_action[''][0])} of {frames} frames; fill the annotation's actions, or leave them all out"
            )
        means_of = {action: means(errors) for action, errors in by_action.items()}
        group_means = np.mean(list(means_of.values()), axis=0)
        blocks = [[Row('mean of frames', frames, frame_means)]]
        if '' not in by_action:
            blocks[0].insert(0, Row('mean of actions', '', group_means))
            blocks.insert(0, [Row(action, len(by_action[action][0]), row) for action, row in means_of.items()])
        names = [name for name, _ in ERRORS]
        self.by_action = {name: dict(zip(names, row.tolist(), strict=True)) for name, row in means_of.items() if name}

        logger = MMLogger.get_current_instance()
        logger.info(pose_error_table(self.title, 'action' if self.by_action else '', ERRORS, blocks))
        logger.info(
            f'Rules: {len(chosen)} joints, {len(self.by_action) or "no"} actions, {frames} frames, '
            + f'{self.sequence_rules(kept, skipped)}; '
            + evaluation_rules(steps, {part.conditions for parts in kept.values() for part in parts})
        )
        return {
            **{f'{name}_{unit}': float(mean) for (name, unit), mean in zip(ERRORS, group_means, strict=True)},
            **{f'{name}_frames_{unit}': float(mean) for (name, unit), mean in zip(ERRORS, frame_means, strict=True)},
        }

    def kept_sequences(self, results: list[RootRelativePoses]) -> tuple[dict[str, list[RootRelativePoses]], list[str]]:
        """The results of each sequence to evaluate, and the names of the skipped sequences.

        Raises:
            InputError: there is nothing to evaluate, or numbers of joints differ.
        """
        sequences = defaultdict(list)
        for result in results:
            sequences[result.sequence].append(result)
        kept = {name: parts for name, parts in sequences.items() if not self.skip_list & {name, name.rsplit('.', 1)[0]}}
        skipped = sorted(sequences.keys() - kept.keys())
        if not kept:
            raise InputError(
                f'{type(self).__name__} has nothing to evaluate: expected at least one sequence, got {len(results)} '
                f'data samples of which skip_list {sorted(self.skip_list)} drops {len(skipped)} sequences; check the '
                'dataset of the evaluated dataloader and skip_list'
            )
        counts = {part.joints.shape[1]: name for name, parts in kept.items() for part in parts}
        if len(counts) > 1:
            found = ', '.join(f'{count} in {name}' for count, name in sorted(counts.items()))
            raise InputError(f'{type(self).__name__}: expected one skeleton in all sequences, got joints: {found}')
        return kept, skipped

    def sequence_rules(self, kept: dict, skipped: list[str]) -> str:
        """Text on how many sequences are evaluated, and which are not."""
        return f'{len(kept)} sequences; skipped by skip_list {sorted(self.skip_list)}: {", ".join(skipped) or "none"}'

    def joint_indices(self, joints: Sequence[str | int], num_joints: int | None = None) -> list[int]:
        """Indices of joints given by name or index, in that order.

        Raises:
            InputError: a joint does not exist, or is named twice; or names are given and the data set has none.
        """
        id2name = (self.dataset_meta or {}).get('keypoint_id2name', {})
        names = [id2name[index] for index in range(len(id2name))]
        indices = [names.index(joint) if joint in names else joint for joint in joints]
        count = num_joints or len(names)
        for index in indices:
            if not isinstance(index, int) or not 0 <= index < count:
                known = f'{count} joints {names}' if names else 'joints, whose names it was not told (dataset_meta)'
                raise InputError(f'{type(self).__name__}: there is no joint {index!r} among the {known}')
        if len(set(indices)) < len(indices) or not indices:
            raise InputError(f'{type(self).__name__}: expected joints, each once, got {list(joints)}')
        return indices

    def _claims(self) -> Claims:
        """The root and the number of joints by the metric and by the data set's metainfo."""
        meta = self.dataset_meta or {}
        mine, theirs = type(self).__name__, "the data set's metainfo"
        root = self.joint_indices([self.root_index])[0] if isinstance(self.root_index, str) else self.root_index
        return Claims(
            roots={mine: root, theirs: meta.get('root_index')},
            counts={mine: self.num_keypoints, theirs: meta.get('num_keypoints')},
        )
