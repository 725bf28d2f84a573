"""The errors of Human3.6M's protocols, for all frames and differences of each action."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from depth_refine.functional.pose_error import difference_error, mpjpe, scale_align, similarity_align
from depth_refine.utils.errors import InputError

from .root_relative_poses import RootRelativePoses, in_order

# Name and unit of each error, in the order of the table's columns.
ERRORS = (('MPJPE', 'mm'), ('P-MPJPE', 'mm'), ('N-MPJPE', 'mm'), ('MPJVE', 'mm_per_frame'), ('MPJAE', 'mm_per_frame2'))


def errors_by_action(
    kept: dict[str, list[RootRelativePoses]], chosen: Sequence[int]
) -> tuple[dict[str, tuple[np.ndarray, ...]], set[int]]:
    """Errors of sequences, by action; sequences are assembled one by one.

    Args:
        kept: the parts of each sequence, in any order.
        chosen: indices of the joints that count.

    Returns:
        - for each action, in alphabetical order, one array for each of ``ERRORS``, in those units; a difference
          belongs to its last frame.
        - the steps between the numbers of consecutive frames.

    Raises:
        InputError: a frame was predicted twice, or has no visible joint among the chosen.
    """
    errors_of = defaultdict(list)
    steps = set()
    for name, parts in kept.items():
        frames, actions, joints = in_order(name, parts)
        steps.update(np.diff(frames).tolist())
        try:
            errors = _errors_mm(joints[:, chosen])
        except ValueError as error:
            raise InputError(f'{name}: {error}') from error
        for action in np.unique(actions).tolist():
            its_own = actions == action
            errors_of[action].append([column[its_own[len(its_own) - len(column) :]] for column in errors])
    return {action: concatenate(errors_of[action]) for action in sorted(errors_of)}, steps


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


def concatenate(errors: Iterable[Sequence[np.ndarray]]) -> tuple[np.ndarray, ...]:
    """One array for each kind of error, from those of several groups of frames."""
    return tuple(np.concatenate(column) for column in zip(*errors, strict=True))


def means(errors: tuple[np.ndarray, ...]) -> np.ndarray:
    """Mean of each kind of error over its frames or differences, NaN where there are none."""
    return np.array([np.mean(column) if len(column) else np.nan for column in errors])
