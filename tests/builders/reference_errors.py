"""The numbers of Human3.6M's protocols by loops over sequences, frames and joints."""

from collections import defaultdict

import numpy as np
from scipy.spatial import procrustes


def reference_errors(
    videos: dict[str, tuple[np.ndarray, np.ndarray]],
    joints: list[int] | range | None = None,
    root: int = 0,
    actions: dict[str, list[str]] | None = None,
    prefix: str = 'h36m',
) -> dict[str, float]:
    """All ten numbers, in mm, for visible joints throughout.

    Args:
        videos: truth and prediction (T, K, 3) of each sequence, metres.
        joints: the joints to evaluate; all by default.
        root: the joint at the origin.
        actions: of each frame of each sequence; by default as Human3.6M's sequences name them.
        prefix: before the names.
    """
    errors = defaultdict(lambda: defaultdict(list))
    for name, (gt, pred) in videos.items():
        action = actions[name] if actions else [name.split('.')[0].split('_')[1]] * len(gt)
        joints = range(gt.shape[1]) if joints is None else joints
        gt, pred = ((x - x[:, [root]])[:, joints] for x in (gt, pred))
        for t, (g, p) in enumerate(zip(gt, pred, strict=True)):
            errors['MPJPE', 'mm'][action[t]].append(np.mean([np.linalg.norm(a - b) for a, b in zip(g, p, strict=True)]))
            scale = np.sum(g * p) / np.sum(p * p)
            errors['N-MPJPE', 'mm'][action[t]].append(np.mean(np.sqrt(((scale * p - g) ** 2).sum(-1))))
            true, aligned, _ = procrustes(g, p)  # in units of the truth's norm; mirrors poses that are almost flat
            distance = np.sqrt(((true - aligned) ** 2).sum(-1)).mean() * np.linalg.norm(g - g.mean(0))
            errors['P-MPJPE', 'mm'][action[t]].append(distance)
        error = pred - gt
        for t in range(1, len(gt)):
            motion = error[t] - error[t - 1]
            errors['MPJVE', 'mm_per_frame'][action[t]].append(np.sqrt((motion**2).sum(-1)).mean())
        for t in range(2, len(gt)):
            motion = error[t] - 2 * error[t - 1] + error[t - 2]
            errors['MPJAE', 'mm_per_frame2'][action[t]].append(np.sqrt((motion**2).sum(-1)).mean())
    result = {}
    for (name, unit), by_action in errors.items():
        result[f'{prefix}/{name}_{unit}'] = 1000 * np.mean([np.mean(values) for values in by_action.values()])
        result[f'{prefix}/{name}_frames_{unit}'] = 1000 * np.mean(np.concatenate(list(by_action.values())))
    return result
