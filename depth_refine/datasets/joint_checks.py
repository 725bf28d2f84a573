"""Checks of an annotation's joints: do 2D and 3D belong together, roughly, and are all of them known?"""

import numpy as np

from depth_refine.functional.camera import project
from depth_refine.utils.errors import InputError

_FAR = 0.25  # of the box's side: no lens and no other model of the body puts joints so far away


def require_projection(annotation) -> None:
    """Refuse 3D joints that their camera sees elsewhere, such as those in world coordinates.

    Looks at the first frame of each video, for joints visible in 2D and 3D; ``tools/check_data.py`` is exact. Cameras
    without a focal length see nothing.

    Args:
        annotation: a :class:`PoseAnnotation`.

    Raises:
        InputError: the joints of a frame lie a quarter of the box's side away, on the average, or behind the camera.
    """
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


def require_known(annotation, purpose: str) -> None:
    """Refuse joints whose place in the image is not known, where all are needed.

    Args:
        annotation: a :class:`PoseAnnotation`.
        purpose: what needs them.

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
