"""Text for the log: a table of errors, and the rules of the evaluation."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .root_relative_poses import Conditions

_UNIT_LABELS = {'mm_per_frame': 'mm/frame', 'mm_per_frame2': 'mm/frame²'}


class Row(NamedTuple):
    """One line of a table."""

    label: str
    frames: int | str
    values: np.ndarray  # one for each column; NaN is printed as '-'


def pose_error_table(
    title: str, label: str, columns: Sequence[tuple[str, str]], blocks: Sequence[Sequence[Row]]
) -> str:
    """Format errors of groups of frames as a table.

    Args:
        title: the first line.
        label: heading of the rows' labels.
        columns: name and unit of each error, the units as in the names of results.
        blocks: groups of rows, separated by lines.

    Returns:
        The table as text: a header with units, and the blocks.

    Example:
        >>> import numpy as np
        >>> from depth_refine.evaluation.pose_error_table import Row, pose_error_table
        >>> print(pose_error_table('Errors', 'action', [('MPJPE', 'mm')], [[Row('Walking', 250, np.array([42.0]))]]))
        Errors
        action    frames      MPJPE
                                 mm
        ---------------------------
        Walking      250       42.0
    """
    width = max(len(label), *(len(row.label) for block in blocks for row in block))

    def line(label: str, frames: int | str, cells: list[str]) -> str:
        return f'{label:<{width}}{frames:>9}' + ''.join(f'{cell:>11}' for cell in cells)

    def cells(values: np.ndarray) -> list[str]:
        return [f'{value:.1f}' if np.isfinite(value) else '-' for value in values]

    rule = '-' * (width + 9 + 11 * len(columns))
    lines = [
        title,
        line(label, 'frames', [name for name, _ in columns]),
        line('', '', [_UNIT_LABELS.get(unit, unit) for _, unit in columns]),
    ]
    for block in blocks:
        lines += [rule, *(line(row.label, row.frames, cells(row.values)) for row in block)]
    return '\n'.join(lines)


def evaluation_rules(steps: set[int], conditions: set[Conditions]) -> str:
    """One line on how poses were aligned and under which conditions they were predicted.

    Args:
        steps: differences between the numbers of consecutive evaluated frames.
        conditions: those of all evaluated samples.
    """
    frame_step = ' to '.join(map(str, sorted({min(steps), max(steps)}))) if steps else 'none'
    return (
        'root at the origin on both sides; '
        f'differences between consecutive evaluated frames (frame step {frame_step}); {stated(conditions)}'
    )


def stated(conditions: set[Conditions]) -> str:
    """One line on the conditions under which poses were predicted."""
    root_depths, bbox_policies, flip_tests = map(set, zip(*conditions, strict=True))
    return (
        f'absolute root depth: {"from the ground truth" if any(root_depths) else "not used"}; '
        f'bounding boxes: {" and ".join(sorted(bbox_policies))}; flip test: {" and ".join(sorted(flip_tests))}'
    )
