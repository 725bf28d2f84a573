"""Are 2D joints the projections of the 3D joints, and if not, why?"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from scipy.optimize import minimize_scalar

from depth_refine.datasets import PoseAnnotation
from depth_refine.functional.camera import project, world_to_camera

_EXACT = 0.02  # px; rounding to float32 moves joints by 2e-4
_EXPLAINED = 0.03  # of the largest difference: what remains of it where a known mistake, or a rough camera, is undone
_WRONG = 1.0  # px
_ROUGH = 0.05  # of the box's side: people who click, estimators and other definitions of a joint are nearer on average
_VIDEOS_TO_EXPLAIN, _FRAMES_TO_EXPLAIN = 10, 50
_REASONS = 3  # in a message
_MOST_LATE = 30  # frames
_WORLD = 'S is in world coordinates: write it in camera coordinates.'
_NO_LENS = 'The lens distortion is missing in part: project with it.'
_OPENCV = "part was made with OpenCV's formula for the lens, Human3.6M's counts the tangential term once."
_SWAPPED = 'The numbers are those of camera {}: cameras are swapped in cameras.pkl or in imgname.'
_LATE = 'part is {} frames {}: give 2D and 3D joints of one moment one frame number.'
_EXCHANGED = "Joints are exchanged: part's {}. Write both in one order."
_OTHER_CAMERA = 'part is seen by a camera of f = {} and c = {} px, and cameras.pkl has f = {} and c = {}.'
_SCALED = (
    'S is the pose that part shows times {:.4g}, about the root, as in universal annotations of MPI-INF-3DHP: good for '
    'the second stage, not for the first.'
)
_UNKNOWN = 'No known mistake explains it: look at the figure, and at the source of part, S and cameras.pkl.'


class _Errors(NamedTuple):
    """Distances of a video's joints to their projections, of those that are visible in 2D and 3D."""

    largest: float  # px; infinite behind the camera
    joint: int  # where
    frame: int
    median: float  # px
    wrong: int  # number of those above 1 px
    count: int
    mean: float  # of the worst joint, in sides of the box


def reprojection(points: np.ndarray, camera: dict) -> np.ndarray:
    """Pixels (..., 2) of camera-frame metres (..., 3), NaN for joints that do not lie in front of the camera."""
    behind = points[..., 2:] <= 0
    return np.where(behind, np.nan, project(np.where(behind, 1.0, points), camera))


def check_projection(annotation: PoseAnnotation, is_exact: bool = True) -> Iterator[tuple[str, str]]:
    """Compare the visible joints of ``part`` with the projected joints of ``S``.

    Args:
        annotation: the annotation. Videos of a camera without focal length are passed over.
        is_exact: more than 1 px is a problem. Otherwise it is a note, as long as no mistake explains it and no joint is
            more than 5 % of the box's side away on average in a video: 2D joints may be clicked or detected.
    """
    videos = [index for index, camera in enumerate(annotation.cameras) if 'f' in camera]
    if not videos:
        yield 'note', "2D and 3D joints are not compared: no camera has 'f' and 'c'"
        return
    errors = {index: _errors(annotation, index) for index in videos}
    worst = max(videos, key=lambda index: errors[index].largest)
    largest, joint, frame, median, *_ = errors[worst]
    if largest <= _EXACT:
        bound = 10.0 ** np.ceil(np.log10(max(largest, 1e-4)))  # the next of 0.0001, 0.001 and so on
        yield 'ok', f'2D joints lie within {bound:g} px of the projected 3D joints'
        return
    affected = [index for index in videos if errors[index].largest > _EXACT]
    tried = affected[:: -(-len(affected) // _VIDEOS_TO_EXPLAIN)]
    reasons = list(dict.fromkeys(_explain(annotation, index, errors[index].largest) for index in tried))
    scaled = [reason for reason in reasons if reason.startswith(_SCALED.partition('{')[0])]
    is_rough = {*reasons} <= {*scaled, _UNKNOWN} and max(errors[index].mean for index in affected) < _ROUGH
    is_note = largest <= _WRONG or (not is_exact and (reasons == scaled or is_rough))
    more = f' There are {len(reasons) - _REASONS} more such reasons.' if len(reasons) > _REASONS else ''
    most = f'by up to {largest:.3g} px' if np.isfinite(largest) else 'or these lie behind the camera'
    wrong = sum(each.wrong for each in errors.values()) / sum(each.count for each in errors.values())
    yield (
        'note' if is_note else 'problem',
        f'2D joints differ from the projected 3D joints {most} in {len(affected)} of {len(videos)} videos, '
        f'more than {_WRONG:g} px at {wrong:.1%} of the joints; the worst is '
        f'{annotation.skeleton.joint_names[joint]} in frame {frame} of {annotation.sequences[worst].name}, where the '
        f'median is {median:.2f} px. {" ".join(reasons[:_REASONS])}{more}',
    )


def _errors(annotation: PoseAnnotation, index: int) -> _Errors:
    rows = annotation.sequences[index].rows
    visible = annotation.keypoints_visible[rows] & annotation.keypoints_3d_visible[rows]
    if not visible.any():
        return _Errors(0.0, 0, 0, 0.0, 0, 0, 0.0)
    projected = reprojection(annotation.keypoints_3d[rows], annotation.cameras[index])
    distances = np.linalg.norm(projected - annotation.keypoints[rows], axis=-1)
    distances = np.where(visible, np.nan_to_num(distances, nan=np.inf), 0)
    row, joint = np.unravel_index(distances.argmax(), distances.shape)
    sides = 200 * annotation.scale[rows, None]
    means = (distances / sides).sum(axis=0) / np.maximum(visible.sum(axis=0), 1)
    return _Errors(
        largest=float(distances[row, joint]),
        joint=int(joint),
        frame=int(annotation.frames[rows[row]]),
        median=float(np.median(distances[visible])),
        wrong=int(np.sum(distances > _WRONG)),
        count=int(visible.sum()),
        mean=float(means.max()),
    )


def _explain(annotation: PoseAnnotation, index: int, largest: float) -> str:
    """The known mistake that makes the differences of a video, of which the largest is given, vanish: a sentence."""
    best, found = _EXPLAINED * largest if np.isfinite(largest) else 0.0, _UNKNOWN
    every = annotation.sequences[index].rows
    for rows, pixels, reason in _attempts(annotation, index, every[:: max(1, len(every) // _FRAMES_TO_EXPLAIN)]):
        visible = annotation.keypoints_visible[rows] & annotation.keypoints_3d_visible[rows]
        distances = np.linalg.norm(pixels - annotation.keypoints[rows], axis=-1)[visible]
        left = np.max(distances) if distances.size else np.inf  # NaN is neither of these
        if left <= _EXACT:
            return reason
        if left < best:
            best, found = left, reason
    return found


def _attempts(annotation: PoseAnnotation, index: int, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
    """For each known mistake in a video: rows, where their joints would then be, px, and the reason."""
    sequence, camera = annotation.sequences[index], annotation.cameras[index]
    points, root = annotation.keypoints_3d[rows].astype(np.float64), annotation.skeleton.root
    if {'R', 'T'} <= camera.keys():
        yield rows, reprojection(world_to_camera(points, camera), camera), _WORLD
    yield rows, reprojection(points, dict(camera, k=np.zeros((3, 1)), p=np.zeros((2, 1)))), _NO_LENS
    yield rows, _project_by_opencv(points, camera), _OPENCV
    for other, other_camera in zip(annotation.sequences, annotation.cameras, strict=True):
        if other.subject == sequence.subject and other.camera != sequence.camera and 'f' in other_camera:
            yield rows, reprojection(points, other_camera), _SWAPPED.format(other.camera)
    projected, keypoints = reprojection(points, camera), annotation.keypoints[rows]
    visible = annotation.keypoints_visible[rows] & annotation.keypoints_3d_visible[rows]
    if not visible.any() or not np.isfinite(projected).all():
        return
    every, step = sequence.rows, max(1, len(sequence.rows) // _FRAMES_TO_EXPLAIN)
    for shift in range(1, min(_MOST_LATE + 1, len(every) // 2)):
        for early, late, word in ((every[:-shift], every[shift:], 'late'), (every[shift:], every[:-shift], 'early')):
            pixels = reprojection(annotation.keypoints_3d[early[::step]], camera)
            yield late[::step], pixels, _LATE.format(shift, word)
    names, origin = annotation.skeleton.joint_names, _nearest(projected, keypoints)
    there = ', '.join(f'{names[k]} is where S has {names[j]}' for k, j in enumerate(origin) if k != j)
    yield rows, projected[:, origin], _EXCHANGED.format(there)
    yield rows, *_other_camera(projected, keypoints, visible, camera)
    roots = points[:, [root]]

    def scaled(size):
        return reprojection(roots + size * (points - roots), camera)

    error = minimize_scalar(
        lambda size: np.nan_to_num(np.square(scaled(size) - keypoints)[visible], nan=1e9).mean(),
        bounds=(0.5, 2),
        method='bounded',
        options=dict(xatol=1e-9),
    )
    yield rows, scaled(error.x), _SCALED.format(1 / error.x)


def _nearest(projected: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    """For each 2D joint (T, K, 2) the joint whose projection (T, K, 2) is nearest on average, (K,)."""
    distances = [
        np.linalg.norm(projected - keypoints[:, [joint]], axis=-1).mean(axis=0) for joint in range(keypoints.shape[1])
    ]
    return np.argmin(distances, axis=1)


def _other_camera(
    projected: np.ndarray, keypoints: np.ndarray, visible: np.ndarray, camera: dict
) -> tuple[np.ndarray, str]:
    """The pixels of the other focal lengths and principal point that fit best, and the reason."""
    f, c = np.reshape(camera['f'], 2), np.reshape(camera['c'], 2)
    plain = (projected - c) / f  # pixels are linear in these
    fits = [np.polyfit(plain[visible][:, axis], keypoints[visible][:, axis], 1) for axis in (0, 1)]
    other_f, other_c = np.transpose(fits)
    numbers = [' '.join(f'{number:.5g}' for number in pair) for pair in (other_f, other_c, f, c)]
    return plain * other_f + other_c, _OTHER_CAMERA.format(*numbers)


def _project_by_opencv(points: np.ndarray, camera: dict) -> np.ndarray:
    (fx, fy), (cx, cy) = np.reshape(camera['f'], 2), np.reshape(camera['c'], 2)
    (k1, k2, k3), (p1, p2) = np.reshape(camera['k'], 3), np.reshape(camera['p'], 2)
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    still = np.zeros(3)
    pixels, _ = cv2.projectPoints(points.reshape(-1, 3), still, still, matrix, np.array([k1, k2, p1, p2, k3], float))
    return pixels.reshape(*points.shape[:-1], 2)
