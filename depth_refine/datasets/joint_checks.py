"""Checks of an annotation's joints: do 2D and 3D joints and boxes agree roughly, and are all joints visible?"""

import numpy as np

from depth_refine.functional.camera import project
from depth_refine.utils.errors import InputError

_SIDES = 0.02  # of the box's side: nearer to each other, left and right cannot be told apart
_BOXES = 1 / 3, 10.0  # of the joints' extent
_FAR = 0.25  # of the box's side: no lens and no other definition of joints moves them that far


def require_projection(annotation) -> None:
    """Refuse 3D joints that are not projected to their 2D joints, such as those in world coordinates.

    This compares joints that are visible in 2D and 3D in the first frame of each video; ``tools/check_data.py`` is
    exact. Videos whose camera has no focal length are passed over.

    Args:
        annotation: a :class:`PoseAnnotation`.

    Raises:
        InputError: the joints of a frame are projected a quarter of the box's side away, on average, or lie behind the
            camera; or left and right are exchanged.
    """
    twins = np.array(annotation.skeleton.flip_indices)
    sided, own, other = twins != np.arange(len(twins)), [], []  # distances to joints and to their mirror images
    for sequence, camera in zip(annotation.sequences, annotation.cameras, strict=True):
        row = sequence.rows[0]
        visible = annotation.keypoints_visible[row] & annotation.keypoints_3d_visible[row]
        if 'f' not in camera or not visible.any():
            continue
        joints, keypoints = annotation.keypoints_3d[row][visible], annotation.keypoints[row][visible]
        in_front = joints[:, 2] > 0
        distances = np.full(len(joints), np.inf)
        distances[in_front] = np.linalg.norm(project(joints[in_front], camera) - keypoints[in_front], axis=-1)
        if distances.mean() > _FAR * 200 * annotation.scale[row]:
            where = f'{distances.mean():.0f} px beside' if in_front.all() else 'in part behind it, and not at'
            raise InputError(
                f"{annotation.path}: the joints of 'S' in row {row} ({annotation.img_names[row].decode()}) are seen by "
                f"its camera {where} those of 'part'. Is 'S' in the camera's frame, x right, y down, z forward, and "
                'not in world coordinates? Is it that camera, and are the joints in one order?'
            )
        if in_front.all() and visible.all() and sided.any():
            own.append(distances[sided].mean() / annotation.scale[row])
            mirrored = np.linalg.norm(project(joints, camera)[twins] - keypoints, axis=-1)
            other.append(mirrored[sided].mean() / annotation.scale[row])
    if own and np.mean(own) > _SIDES * 200 and np.mean(own) > 3 * np.mean(other):
        raise InputError(
            f"{annotation.path}: left and right are exchanged between 'part' and 'S': 2D joints lie where the camera "
            'sees the mirror images of the 3D joints. Write them in one order.'
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
