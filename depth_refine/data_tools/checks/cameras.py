"""Checks of ``cameras.pkl``: whether 2D joints are the projections of the 3D joints, and if not, why."""

from collections.abc import Iterator

import cv2
import numpy as np

from depth_refine.datasets import H36MAnnotation
from depth_refine.functional.camera import camera_to_world, project, world_to_camera
from depth_refine.structures.intrinsics import OFF_CENTRE, off_centre

_EXACT = 0.02  # px; rounding to float32 moves joints by 2e-4
_WRONG = 1.0  # px
_VIDEOS_TO_EXPLAIN, _FRAMES_TO_EXPLAIN = 10, 50
_VIEWS_AGREE = 0.01  # metres between one joint seen by two cameras
_WORLD = 'S is in world coordinates: write it in camera coordinates.'
_OPENCV = "part was made with OpenCV's formula for the lens, Human3.6M's counts the tangential term once."
_SWAPPED = 'The numbers are those of camera {}: cameras are swapped in cameras.pkl or in imgname.'


def check_cameras(cameras: dict[tuple[str, str], dict]) -> Iterator[tuple[str, str]]:
    """Check every camera for what :func:`depth_refine.datasets.load_cameras` accepts: principal points and ids."""
    faults: dict[str, list] = {}
    for key, camera in cameras.items():
        centre = np.ravel(camera['c'])
        if not ((centre > 0) & (centre < (camera['w'], camera['h']))).all():
            fault = f'the principal point {centre.round(3)} lies outside the image. Give c in px.'
            faults.setdefault(fault, []).append(key)
        elif (name := str(camera.get('id', key[1]))) != key[1]:
            faults.setdefault(f'its id is {name}: cameras are swapped. Write the file again.', []).append(key)
    for fault, keys in faults.items():
        yield 'problem', f'{len(keys)} of {len(cameras)} cameras, first {keys[0]}: {fault}'
    if not faults:
        yield 'ok', f'{len(cameras)} cameras of {len({subject for subject, _ in cameras})} subjects'
    off = {key: off_centre(camera['c'], (camera['w'], camera['h'])) for key, camera in cameras.items()}
    if far := [key for key in off if OFF_CENTRE < off[key] < 0.5]:
        yield (
            'note',
            f'{len(far)} of {len(cameras)} cameras, first {far[0]}: the principal point is far from the middle of the '
            "frame. Are 'f' and 'c' of frames of that size?",
        )


def reprojection(points: np.ndarray, camera: dict) -> np.ndarray:
    """Pixels (..., 2) of camera-frame metres (..., 3), NaN for joints that do not lie in front of the camera."""
    behind = points[..., 2:] <= 0
    return np.where(behind, np.nan, project(np.where(behind, 1.0, points), camera))


def check_projection(annotation: H36MAnnotation) -> Iterator[tuple[str, str]]:
    """Compare the visible joints of ``part`` with the projected joints of ``S``."""
    videos = range(len(annotation.sequences))
    largest, wrong, count = np.transpose([_errors(annotation, index) for index in videos])
    worst = int(largest.argmax())
    if largest[worst] <= _EXACT:
        bound = 10.0 ** np.ceil(np.log10(max(largest[worst], 1e-4)))  # the next of 0.0001, 0.001 and so on
        yield 'ok', f'2D joints lie within {bound:g} px of the projected 3D joints'
        return
    affected = np.flatnonzero(largest > _EXACT)
    tried = affected[:: -(-len(affected) // _VIDEOS_TO_EXPLAIN)]
    reasons = ' '.join(dict.fromkeys(_explain(annotation, index) for index in tried))
    most = f'by up to {largest[worst]:.3g} px' if np.isfinite(largest[worst]) else 'or these lie behind the camera'
    yield (
        'problem' if largest[worst] > _WRONG else 'note',
        f'2D joints differ from the projected 3D joints {most} in {len(affected)} of {len(videos)} videos, '
        f'more than {_WRONG:g} px at {wrong.sum() / count.sum():.1%} of the joints; the worst video is '
        f'{annotation.sequences[worst].name}. {reasons}',
    )


def _errors(annotation: H36MAnnotation, index: int) -> tuple[float, int, int]:
    """For the visible joints of a video: the largest distance to the projection, px, the number wrong, and of all."""
    rows = annotation.sequences[index].rows
    projected = reprojection(annotation.keypoints_3d[rows], annotation.cameras[index])
    distances = np.linalg.norm(projected - annotation.keypoints[rows], axis=-1)
    distances = np.nan_to_num(distances[annotation.keypoints_visible[rows]], nan=np.inf)
    return np.max(distances, initial=0.0), np.sum(distances > _WRONG), distances.size


def _explain(annotation: H36MAnnotation, index: int) -> str:
    """The known mistake that makes the difference of a video vanish, as a sentence."""
    sequence, camera = annotation.sequences[index], annotation.cameras[index]
    rows = sequence.rows[:: max(1, len(sequence.rows) // _FRAMES_TO_EXPLAIN)]
    points, visible = annotation.keypoints_3d[rows].astype(np.float64), annotation.keypoints_visible[rows]
    no_lens = dict(camera, k=np.zeros((3, 1)), p=np.zeros((2, 1)))
    attempts = [  # pixels of the joints under each mistake
        (reprojection(world_to_camera(points, camera), camera), _WORLD),
        (reprojection(points, no_lens), 'The lens distortion is missing in part: project with it.'),
        (_project_by_opencv(points, camera), _OPENCV),
    ]
    for other, other_camera in zip(annotation.sequences, annotation.cameras, strict=True):
        if other.subject == sequence.subject and other.camera != sequence.camera:
            attempts.append((reprojection(points, other_camera), _SWAPPED.format(other.camera)))
    for pixels, reason in attempts:
        distances = np.linalg.norm(pixels - annotation.keypoints[rows], axis=-1)[visible]
        if distances.size and np.max(distances) <= _EXACT:  # NaN is not
            return reason
    return 'No known mistake explains it: look at the figure, and at the source of part, S and cameras.pkl.'


def _project_by_opencv(points: np.ndarray, camera: dict) -> np.ndarray:
    (fx, fy), (cx, cy) = np.reshape(camera['f'], 2), np.reshape(camera['c'], 2)
    (k1, k2, k3), (p1, p2) = np.reshape(camera['k'], 3), np.reshape(camera['p'], 2)
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    still = np.zeros(3)
    pixels, _ = cv2.projectPoints(points.reshape(-1, 3), still, still, matrix, np.array([k1, k2, p1, p2, k3], float))
    return pixels.reshape(*points.shape[:-1], 2)


def check_views(annotation: H36MAnnotation) -> Iterator[tuple[str, str]]:
    """Check R and T: all cameras must see the first pose of a performance at the same place in the room."""
    first, apart, disagreeing = {}, 0.0, []
    for sequence, camera in zip(annotation.sequences, annotation.cameras, strict=True):
        row = sequence.rows[0]
        performance = sequence.name.rsplit('.', 1)[0], int(annotation.frames[row])
        pose = camera_to_world(annotation.keypoints_3d[row].astype(np.float64), camera)
        distance = np.linalg.norm(pose - first.setdefault(performance, pose), axis=-1).max()
        if distance > _VIEWS_AGREE:
            disagreeing.append(sequence.name)
            apart = max(apart, distance)
    if disagreeing:
        yield (
            'problem',
            f'the cameras of one moment see the person up to {1000 * apart:.0f} mm apart in the room, in '
            f'{len(disagreeing)} of {len(annotation.sequences)} videos, first {disagreeing[0]}: R and T of cameras.pkl '
            'are swapped between cameras or inverted (R is camera-to-world, T the camera centre), or S is wrong.',
        )
