"""What the log says: the table of errors per action, and the rules of the evaluation."""

import numpy as np

from .root_relative_poses import Conditions

# Name and unit of each error, in the order of the table's columns.
ERRORS = (('MPJPE', 'mm'), ('P-MPJPE', 'mm'), ('N-MPJPE', 'mm'), ('MPJVE', 'mm_per_frame'), ('MPJAE', 'mm_per_frame2'))
_UNIT_LABELS = {'mm': 'mm', 'mm_per_frame': 'mm/frame', 'mm_per_frame2': 'mm/frame²'}


def means(errors: tuple[np.ndarray, ...]) -> np.ndarray:
    """Mean of each kind of error over its frames or differences, NaN where there are none."""
    return np.array([np.mean(column) if len(column) else np.nan for column in errors])


def pose_error_table(
    by_action: dict[str, tuple[np.ndarray, ...]], action_means: np.ndarray, frame_means: np.ndarray
) -> str:
    """Lay out the errors of all actions.

    Args:
        by_action: for each action the errors of its frames, one array per entry of ``ERRORS``, in those units.
        action_means: (5,) unweighted means over actions.
        frame_means: (5,) means over all frames.

    Returns:
        The table as text: a header with units, one line per action, and the two means.
    """
    width = max(map(len, (*by_action, 'mean of actions')))

    def line(label: str, frames: int | str, cells: list[str]) -> str:
        return f'{label:<{width}}{frames:>9}' + ''.join(f'{cell:>11}' for cell in cells)

    def numbers(values: np.ndarray) -> list[str]:
        return [f'{value:.1f}' if np.isfinite(value) else '-' for value in values]

    rule = '-' * (width + 9 + 11 * len(ERRORS))
    total = sum(len(errors[0]) for errors in by_action.values())
    return '\n'.join(
        [
            'Human3.6M 3D pose errors',
            line('action', 'frames', [name for name, _ in ERRORS]),
            line('', '', [_UNIT_LABELS[unit] for _, unit in ERRORS]),
            rule,
            *(line(action, len(errors[0]), numbers(means(errors))) for action, errors in by_action.items()),
            rule,
            line('mean of actions', '', numbers(action_means)),
            line('mean of frames', total, numbers(frame_means)),
        ]
    )


def evaluation_rules(steps: set[int], conditions: set[Conditions]) -> str:
    """Say in one line how poses were aligned and under which conditions they were predicted.

    Args:
        steps: differences between the numbers of consecutive evaluated frames.
        conditions: all that the evaluated samples state.
    """
    frame_step = ' to '.join(map(str, sorted({min(steps), max(steps)}))) if steps else 'none'
    root_depths, bbox_policies, flip_tests = map(set, zip(*conditions, strict=True))
    return (
        'root at the origin on both sides; '
        f'differences between consecutive evaluated frames (frame step {frame_step}); '
        f'absolute root depth: {"from the ground truth" if any(root_depths) else "not used"}; '
        f'bounding boxes: {" and ".join(sorted(bbox_policies))}; flip test: {" and ".join(sorted(flip_tests))}'
    )
