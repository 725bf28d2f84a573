"""Depths of other estimators: their units, MMPose's 3D files, and MediaPipe's landmarks."""

import numpy as np

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

from .joint_orders import to_h36m

# RTMPose3D's depth axis has 288 bins from -2.1744869 to 2.1744869 m.
METRES = dict(m=1.0, cm=1e-2, mm=1e-3, rtmpose3d_bin=2.1744869 / 144)
# Joint order of MMPose's 3D files, by the number of joints, and sign of their second coordinate, depth.
# Pose3DInferencer and lifting demos write (-x, z, -y) of camera axes, RTMPose3D's demo (-x, -z, -y).
_LIFTED = {17: ('h36m', 1), 133: ('coco_wholebody', -1)}
_SPREAD = (0.05, 3.0)  # metres between the nearest and the farthest joint of a person, median over frames
_ALIKE = 1.5  # a unit fits up to this factor: proportions of bodies determine the scale no better
_STATURE, _CHILD = 1.7, 2.5  # metres, of people whom the scale fits; largest scale that a child explains


def lifted_depth(where: str, joints: np.ndarray) -> np.ndarray:
    """Depths (N, 17) of Human3.6M's joints, in the files' unit, from joints (N, K, 4) of MMPose's 3D files.

    Raises:
        InputError: the joints are not those that MMPose writes, or not finite.
    """
    if joints.shape[1] not in _LIFTED or not np.isfinite(joints).all():
        raise InputError(
            f"{where}: expected finite coordinates of Human3.6M's 17 or COCO-WholeBody's 133 joints, as MMPose writes, "
            f'got {joints.shape[1]} joints'
        )
    order, sign = _LIFTED[joints.shape[1]]
    return sign * to_h36m(joints[..., 1:2], order)[..., 0]


def relative_depth(depth: np.ndarray, unit: str) -> np.ndarray:
    """Depths (..., 17) of Human3.6M's joints, metres from the root, of depths in a unit, a key of ``METRES``.

    Example:
        >>> import numpy as np
        >>> from depth_refine.data_tools.conversion.depths import relative_depth
        >>> relative_depth(np.array([4000.0, *[4100.0] * 16]), 'mm')[:2].tolist()
        [0.0, 0.1]
    """
    return (depth - depth[..., [H36M.root]]) * METRES[unit]


def check_spread(depth: np.ndarray, unit: str) -> None:
    """Refuse depths of another unit than stated, by their spread.

    Args:
        depth: (N, 17) metres relative to the root, if they are in the unit.
        unit: a key of ``METRES``, as stated.

    Raises:
        InputError: people would be flatter than 5 cm or thicker than 3 m.
    """
    spread = float(np.median(np.ptp(depth, axis=1)))
    if not _SPREAD[0] <= spread <= _SPREAD[1]:
        raise InputError(
            f"in the unit {unit!r} a person's joints would spread over {spread:.3g} m in depth, median over frames: "
            f'expected {_SPREAD[0]} to {_SPREAD[1]} m. Give the right --depth-unit; depths without a '
            'physical unit cannot be imported.'
        )


def scale_note(unit: str, scale: float, metres_per_pixel: float) -> str:
    """A sentence on depths that fit people only after multiplication by a scale, with the unit that would fit.

    Args:
        unit: of the depths as stated, a key of ``METRES``.
        scale: see :func:`depth_refine.functional.depth_scale.better_depth_scale`.
        metres_per_pixel: at people's distance, from the same function.
    """
    units = METRES | {'pixels, which are no unit of depth': metres_per_pixel}
    apart = {name: abs(np.log(METRES[unit] * scale / metres)) for name, metres in units.items() if name != unit}
    fits = sorted((name for name in apart if apart[name] < np.log(_ALIKE)), key=apart.get)
    advice = f'What would fit: {" or ".join(fits)}' if fits else 'No known unit fits'
    size, times = ('small', scale) if scale > 1 else ('large', 1 / scale)
    child = f', unless people are about {_STATURE / scale:.1f} m tall' if 1 < scale < _CHILD else ''
    return (
        f"In the unit {unit!r} depths look about {times:.2g} times too {size} for adults' limbs as the image shows "
        f'them{child}. {advice} (--depth-unit).'
    )


def depth_of_landmarks(landmarks: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Depths (D, K) along the camera's axis, of 3D landmarks whose axes follow the line of sight to each person.

    A network that sees crops, such as MediaPipe's, does not know where in the image a person is. Its axes are those of
    a camera that looks straight at the person: x right, y down, z away. The smallest rotation from the line of sight to
    the camera's axis gives camera axes.

    Args:
        landmarks: (D, K, 3) in any unit, from any origin.
        rays: (D, 2) x / z and y / z of the ray to the person, camera axes.

    Returns:
        (D, K) in the landmarks' unit, from their origin.
    """
    view = np.concatenate([rays, np.ones_like(rays[:, :1])], axis=1)
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    # the last row of the rotation by the angle between (0, 0, 1) and the view about the axis at right angles to both
    row = np.concatenate([-view[:, :2], view[:, 2:]], axis=1)
    return np.einsum('dkc,dc->dk', landmarks, row)
