"""Depths of other estimators: their units, and what MMPose's 3D files hold."""

import numpy as np

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

from .joint_orders import to_h36m

# RTMPose3D's depth axis has 288 bins from -2.1744869 to 2.1744869 m.
METRES = dict(m=1.0, cm=1e-2, mm=1e-3, rtmpose3d_bin=2.1744869 / 144)
# Of MMPose's 3D files: the joints' order, and the sign of depth, the second coordinate. Pose3DInferencer and lifting
# demos turn camera axes into (-x, z, -y), RTMPose3D's demo into (-x, -z, -y).
_LIFTED = {17: ('h36m', 1), 133: ('coco_wholebody', -1)}
_SPREAD = (0.05, 3.0)  # metres between the nearest and the farthest joint of a person, the median over frames
_ALIKE = 1.5  # between a unit and the one that fits, as exactly as bodies tell it
_STATURE, _CHILD = 1.7, 2.5  # metres, of those who fit; a scale, beyond which nobody is so small


def lifted_depth(where: str, joints: np.ndarray) -> np.ndarray:
    """Depths of Human3.6M's joints (N, 17), in the files' unit, from joints (N, K, 4) of MMPose's 3D files.

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
    """Metres relative to the root (..., 17), from depths of Human3.6M's joints in a unit, a key of ``METRES``."""
    return (depth - depth[..., [H36M.root]]) * METRES[unit]


def check_spread(depth: np.ndarray, unit: str) -> None:
    """Refuse depths (N, 17), metres relative to the root if they are in the unit stated, of another unit.

    Raises:
        InputError: a person is flatter or thicker than people are.
    """
    spread = float(np.median(np.ptp(depth, axis=1)))
    if not _SPREAD[0] <= spread <= _SPREAD[1]:
        raise InputError(
            f"in the unit {unit!r} a person's joints would spread over {spread:.3g} m in depth, median over frames: "
            f'expected {_SPREAD[0]} to {_SPREAD[1]} m. Give the right --depth-unit; depths without a '
            'physical unit cannot be imported.'
        )


def scale_note(unit: str, scale: float, metres_per_pixel: float) -> str:
    """A sentence on depths in a unit that fit people once they are multiplied by ``scale``.

    Args:
        unit: a key of ``METRES``.
        scale: and the metres per pixel at people's distance, see :func:`depth_refine.functional.depth_scale`.
        metres_per_pixel: likewise.
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
    """Depths along the camera's axis (D, K) of 3D landmarks (D, K, 3) that are along the view to each person.

    A network that sees crops, such as MediaPipe's, cannot know where in the image a person is: its axes are those of a
    camera that looks straight at the person, x right, y down and z away. The smallest rotation brings that view to
    the camera's.

    Args:
        landmarks: in any unit, from any origin.
        rays: (D, 2) x / z and y / z of the ray to the person, camera axes.
    """
    view = np.concatenate([rays, np.ones_like(rays[:, :1])], axis=1)
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    # the last row of the rotation by the angle between (0, 0, 1) and the view about the axis at right angles to both
    row = np.concatenate([-view[:, :2], view[:, 2:]], axis=1)
    return np.einsum('dkc,dc->dk', landmarks, row)
