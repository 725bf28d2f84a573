"""Checks of an annotation's joints: do 2D and 3D joints and boxes agree roughly, and are all joints visible?"""

import numpy as np

from depth_refine.functional.camera import project
from depth_refine.utils.errors import InputError

_BOXES = 1 / 3, 10.0  # of the joints' extent
_FRAMES = 20  # of a video
_FAR = 0.25  # of the box's side: no lens and no other definition of joints moves them that far
_OFF = 0.02  # of the box's side: what is nearer is neither exchanged nor late
_BETTER = 3.0  # times
_MOST_LATE = 30  # frames


def require_projection(annotation) -> None:
    """Refuse 3D joints that are not projected to their 2D joints, such as those in world coordinates.

    This compares joints that are visible in 2D and 3D in up to 20 frames of each video, from its first to its last;
    ``tools/check_data.py`` looks at all, and at every pixel. Videos whose camera has no focal length are passed over.

    2D joints may be clicked or detected, a frame's detection may be of somebody else, and poses may be of another
    body's size (MPI-INF-3DHP's universal annotations: 5 % of the box's side at a hand). So the distance that is refused
    is large, and is that of the median frame. Exchanged joints and late 2D are nearer; they are refused since another
    order, or another time, fits three times as well, which it does by no error of a detector, nor by another body.

    Args:
        annotation: a :class:`PoseAnnotation`.

    Raises:
        InputError: in half of the frames of a video the joints are projected a quarter of the box's side away, on
            average, or lie behind the camera; two joints are exchanged; or the 2D joints of a video are up to 30
            frames early or late.
    """
    joints = annotation.skeleton.num_joints
    sums, counts = np.zeros((2, joints, joints))  # of distances from 2D joints (rows) to projections of 3D joints
    for index, (sequence, camera) in enumerate(zip(annotation.sequences, annotation.cameras, strict=True)):
        visible = annotation.keypoints_visible[sequence.rows] & annotation.keypoints_3d_visible[sequence.rows]
        places = np.flatnonzero(visible.any(axis=1))  # in the video
        if 'f' not in camera or not len(places):
            continue
        places = places[np.linspace(0, len(places) - 1, min(_FRAMES, len(places))).astype(int)]
        rows, visible = sequence.rows[places], visible[places]
        points, sides = annotation.keypoints_3d[rows], 200 * annotation.scale[rows, None]
        behind = points[..., 2] <= 0
        pixels = np.where(behind[..., None], np.inf, project(np.where(behind[..., None], 1, points), camera))
        distances = np.linalg.norm(pixels - annotation.keypoints[rows], axis=-1)
        errors = np.mean(distances / sides, axis=1, where=visible)
        if np.median(errors) > _FAR:
            _refuse(annotation, rows, errors, behind & visible)
        visible &= ~behind
        pixels = np.where(visible[..., None], pixels, 0)
        if errors.mean() > _OFF:
            _require_in_time(annotation, index, places, pixels, visible)
        pairs = visible[:, :, None] & visible[:, None]
        distances = np.linalg.norm(annotation.keypoints[rows][:, :, None] - pixels[:, None], axis=-1)
        sums += np.sum(distances / sides[..., None], axis=0, where=pairs)
        counts += pairs.sum(axis=0)
    _require_one_order(annotation, sums / np.maximum(counts, 1), counts)


def _refuse(annotation, rows: np.ndarray, errors: np.ndarray, behind: np.ndarray) -> None:
    """Name the worst of the frames ``rows`` of a video, whose mean errors in sides of the box are given."""
    worst = int(np.argmax(errors))
    row, is_behind = rows[worst], behind[worst].any()
    pixels = f'{errors[worst] * 200 * annotation.scale[row]:.0f} px beside'
    raise InputError(
        f"{annotation.path}: the joints of 'S' in row {row} ({annotation.img_names[row].decode()}) are seen by its "
        f"camera {'in part behind it, and not at' if is_behind else pixels} those of 'part', and half of its video is "
        "as far off. Is 'S' in the camera's frame, x right, y down, z forward, and not in world coordinates? Is it "
        'that camera, and are the joints in one order?'
    )


def _require_in_time(annotation, index: int, places: np.ndarray, pixels: np.ndarray, visible: np.ndarray) -> None:
    """Refuse a video if its 2D joints fit the projections (F, K, 2) at ``places`` (F,) some frames earlier or later."""
    sequence = annotation.sequences[index]
    errors = {}
    for late in range(-_MOST_LATE, _MOST_LATE + 1):
        inside = (places + late >= 0) & (places + late < len(sequence.rows))
        rows = sequence.rows[places[inside] + late]
        known = visible[inside] & annotation.keypoints_visible[rows]
        if 2 * inside.sum() > len(places) and known.any():
            distances = np.linalg.norm(annotation.keypoints[rows] - pixels[inside], axis=-1)
            errors[late] = np.mean(distances / (200 * annotation.scale[rows, None]), where=known)
    best = min(errors, key=errors.get, default=0)
    if best and errors[0] > _OFF and errors[0] > _BETTER * errors[best]:
        raise InputError(
            f'{annotation.path}: the 2D joints of {sequence.name} are {abs(best)} frames '
            f"{'late' if best > 0 else 'early'}: they are {errors[0]:.1%} of the box's side away from where the camera "
            f"sees 'S', and {errors[best]:.1%} without that. Give 2D and 3D joints of one moment one row."
        )


def _require_one_order(annotation, distances: np.ndarray, counts: np.ndarray) -> None:
    """Refuse two joints each of whose 2D joints lies at the other's projection, by mean distances and counts (K, K)."""
    own, names = np.diag(distances), annotation.skeleton.joint_names
    is_other = (own[:, None] > _OFF) & (own[:, None] > _BETTER * distances) & (counts > 0)
    exchanged = [f'{names[k]} and {names[j]}' for k, j in np.argwhere(is_other & is_other.T) if k < j]
    if exchanged:
        raise InputError(
            f"{annotation.path}: joints are exchanged between 'part' and 'S': {', '.join(exchanged)}. Each of these "
            'two lies in 2D where the camera sees the other. Write them in one order.'
        )


def require_boxes(annotation) -> None:
    """Refuse boxes that do not fit their joints, such as a ``scale`` in pixels.

    Args:
        annotation: a :class:`PoseAnnotation`.

    Raises:
        InputError: the boxes of the first frames of the videos are, in the median, ten times as large or a third as
            large as their joints need.
    """
    rows = np.array([sequence.rows[0] for sequence in annotation.sequences])
    visible = annotation.keypoints_visible[rows]
    rows, visible = rows[visible.sum(axis=1) > 1], visible[visible.sum(axis=1) > 1, :, None]
    if not len(rows):
        return
    low = annotation.keypoints[rows].min(axis=1, where=visible, initial=np.inf)
    high = annotation.keypoints[rows].max(axis=1, where=visible, initial=-np.inf)
    ratio = float(np.median(200 * annotation.scale[rows] / np.maximum((high - low).max(axis=1), 1)))
    if not _BOXES[0] < ratio < _BOXES[1]:
        raise InputError(
            f'{annotation.path}: boxes are {ratio:.3g} times as large as the 2D joints in them, in the median of the '
            "videos: 'scale' is the side of the box in pixels, divided by 200. Write the file again."
        )


def require_known(annotation, purpose: str) -> None:
    """Refuse an annotation with 2D joints that are not visible, where all joints are needed.

    Args:
        annotation: a :class:`PoseAnnotation`.
        purpose: what needs them, for the message.

    Raises:
        InputError: a 2D joint is not visible.
    """
    if not annotation.keypoints_visible.all():
        row, joint = np.argwhere(~annotation.keypoints_visible)[0]
        raise InputError(
            f'{annotation.path}: {purpose} needs all joints, and {annotation.skeleton.joint_names[joint]!r} is marked '
            f'as not visible in row {row} ({annotation.img_names[row].decode()}): fill in such joints, leave their '
            'frames out, or read predictions from a depth sequence store'
        )
