"""MPI-INF-3DHP's metrics, as its owners define them."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from mmengine.logging import MMLogger
from mmpose.registry import METRICS

from .depth_pose_metric import DepthPoseMetric
from .pose_error_table import Row, pose_error_table, stated
from .root_relative_poses import RootRelativePoses, in_order

_SIDES = [
    f'{side}_{part}' for part in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle') for side in ('left', 'right')
]
PCK_JOINTS = ('head_top', 'neck', *_SIDES)
MPJPE_JOINTS = (*PCK_JOINTS, 'root', 'spine', 'head')
PCK_THRESHOLD = 150  # mm
AUC_THRESHOLDS = range(0, 151, 5)  # mm
COLUMNS = (('PCK', '%'), ('AUC', '%'), ('MPJPE', 'mm'))


@METRICS.register_module()
class MPIINF3DHPMetric(DepthPoseMetric):
    """PCK at 150 mm, AUC and MPJPE of MPI-INF-3DHP, as its owners define them (Mehta et al., 3DV 2017).

    The definition is that of the programs beside the owners' test set (``mpii_test_predictions.m``,
    ``mpii_evaluate_errors.m``, ``mpii_compute_3d_pck.m``), with the root (pelvis) at the origin on both sides:

    - ``PCK_150mm``: percentage of joints less than 150 mm from the truth, over 14 joints: head top, neck, shoulders,
      elbows, wrists, hips, knees and ankles. The root, the spine and the head's centre do not count.
    - ``AUC_150mm``: mean of that percentage at the 31 thresholds 0, 5, ... 150 mm, over the same joints. No joint is
      less than 0 mm off, so a perfect prediction has 96.8 %.
    - ``MPJPE_mm``: mean distance over all 17 joints, among them the root, whose distance is 0.

    All joints of all frames have the same weight, so that long sequences and activities count for more. The log gets a
    table of all activities, the samples' ``action``, and of all sequences, as the owners print it, and one line with
    the rules. The owners' scenes are means of two sequences each, weighted by frames.

    The annotation must hold what the owners evaluate: the frames that they mark as valid, and as truth their
    ``univ_annot3``, poses scaled to the height of one body. These do not project to the owners' 2D joints, which a
    first stage predicts. A first stage's back-projected pixels are therefore measured against ``annot3``, and its
    numbers are not comparable with published tables.

    P-STMO, and others after it such as MotionAGFormer, give their predictions to the owners' programs, and average
    sequences weighted by their numbers of frames, which is the same. Not comparable are means over activities or
    sequences; PCK over 17 joints, as in MMPose 0.x, which the root's distance of 0 raises; and errors against
    ``annot3``, or after an alignment of scale or rotation. Joints that are not visible do not count; the owners' data
    have none.

    Attributes:
        by_action: after an evaluation, each activity's ``dict(PCK=..., AUC=..., MPJPE=...)``, units as above; empty
            without activities.
        by_sequence: the same of each sequence.

    Args:
        skip_list: sequences to leave out; see :class:`DepthPoseMetric`, which also says what samples need.
        collect_device: 'cpu' or 'gpu', how results travel between ranks.
        prefix: put before the names, ``'mpi_inf_3dhp'`` if None.

    Raises:
        InputError: the list of sequences is a string.

    Example:
        In a config:

            val_evaluator = test_evaluator = dict(type='MPIINF3DHPMetric')
    """

    default_prefix = 'mpi_inf_3dhp'
    title = 'MPI-INF-3DHP 3D pose errors'

    def __init__(self, skip_list: Sequence[str] = (), collect_device: str = 'cpu', prefix: str | None = None):
        super().__init__(skip_list, MPJPE_JOINTS, 'root', collect_device, prefix)
        self.by_sequence: dict[str, dict[str, float]] = {}

    def compute_metrics(self, results: list[RootRelativePoses]) -> dict[str, float]:
        """The three measures of all collected frames; see the class.

        Args:
            results: those of :meth:`DepthPoseMetric.process`, in any order.

        Returns:
            ``PCK_150mm``, ``AUC_150mm`` and ``MPJPE_mm``, without prefix.

        Raises:
            InputError: nothing is left to evaluate, a frame of a sequence was predicted twice, or the data set's
                metainfo lacks the name of one of the 17 joints.
        """
        kept, skipped = self.kept_sequences(results)
        chosen = self.joint_indices(MPJPE_JOINTS)
        of_sequence, of_action = {}, defaultdict(list)
        for name, parts in sorted(kept.items()):
            _, actions, joints = in_order(name, parts)
            of_sequence[name] = distances = _distances_mm(joints[:, chosen])
            for action in np.unique(actions).tolist():
                of_action[action].append(distances[actions == action])
        total = _row('all', np.concatenate(list(of_sequence.values())))
        activities = [_row(action, np.concatenate(of_action[action])) for action in sorted(of_action) if action]
        sequences = [_row(name, distances) for name, distances in of_sequence.items()]
        self.by_action, self.by_sequence = map(_named, (activities, sequences))

        logger = MMLogger.get_current_instance()
        blocks = [rows for rows in (activities, sequences, [total]) if rows]
        logger.info(pose_error_table(self.title, 'activity' if activities else '', COLUMNS, blocks))
        logger.info(
            f'Rules: PCK: nearer than {PCK_THRESHOLD} mm, AUC: mean of it at 0, 5, ... {AUC_THRESHOLDS[-1]} mm, both '
            f'over {len(PCK_JOINTS)} joints, without root, spine and head; MPJPE over {len(MPJPE_JOINTS)} joints; root '
            'at the origin on both sides, no other alignment; all frames count alike; '
            f'{len(activities) or "no"} activities, {total.frames} frames, {self.sequence_rules(kept, skipped)}; '
            + stated({part.conditions for parts in kept.values() for part in parts})
        )
        return dict(zip(('PCK_150mm', 'AUC_150mm', 'MPJPE_mm'), total.values.tolist(), strict=True))


def _distances_mm(joints: np.ndarray) -> np.ndarray:
    """Distances (T, 17) between prediction and truth of joints (T, 17, 7), NaN where the truth is not visible."""
    distances = 1000 * np.linalg.norm(joints[..., :3] - joints[..., 3:6], axis=-1)
    return np.where(joints[..., 6] > 0, distances, np.nan)


def _row(label: str, distances: np.ndarray) -> Row:
    """PCK %, AUC % and MPJPE mm of (N, 17) distances, mm, in the order of ``MPJPE_JOINTS``."""
    counted = distances[:, : len(PCK_JOINTS)]
    counted = counted[~np.isnan(counted)]
    auc = np.mean([_percentage(counted, threshold) for threshold in AUC_THRESHOLDS])
    return Row(label, len(distances), np.array([_percentage(counted, PCK_THRESHOLD), auc, np.nanmean(distances)]))


def _percentage(distances: np.ndarray, threshold: float) -> float:
    return 100 * np.mean(distances < threshold) if len(distances) else np.nan


def _named(rows: list[Row]) -> dict[str, dict[str, float]]:
    names = [name for name, _ in COLUMNS]
    return {row.label: dict(zip(names, row.values.tolist(), strict=True)) for row in rows}
