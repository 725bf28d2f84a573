"""Checks of an annotation's frames beyond what :class:`depth_refine.datasets.PoseAnnotation` refuses."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from depth_refine.datasets import PoseAnnotation
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.h36m_facts import OFFICIAL_FRAMES, S11_DIRECTIONS_FRAMES, SPLITS

_FRAME_RATE = 50
_LEFT_HIP, _RIGHT_HIP = 4, 1
_ROOT_TOLERANCE = 1e-3  # metres
_BOX_TOLERANCE = 0.5  # px
_SIZES = 0.5, 3.0  # metres; people are seldom smaller or larger, whatever they do
_FRAMES_TO_MEASURE = 1000
_HALF_DEPTH_RANGE = 0.75  # metres, half of the configs' D
_PROBLEMS = {
    'box': '{} frames have 2D joints outside their box. center is in px and the side of the box is 200 * scale px: '
    'write them again from part.',
    'crop': '{} frames have 2D joints in the image but outside their crop. crop is x1 y1 x2 y2 px in the full frame: '
    'prepare the crops again.',
}
_NOTES = {
    'depth': '{} of the joints lie more than 750 mm nearer or farther than the root, beyond D = 1500 mm',
    'image': '{} of the joints lie outside the image',
}


def check_frame_numbers(annotation: PoseAnnotation) -> Iterator[tuple[str, str]]:
    """Say how much there is at which rate, and check that the frame numbers of each video are evenly spaced."""
    rate = 'an unknown frame rate' if annotation.frame_rate is None else f'{annotation.frame_rate:g} frames a second'
    yield 'ok', f'{len(annotation):,} frames of {len(annotation.sequences)} videos at {rate}'
    if gaps := _gaps(annotation, None):
        videos = f'of {len(annotation.sequences)} videos, first {gaps[0]}'
        yield 'note', f'frame numbers are not evenly spaced in {len(gaps)} {videos}: windows take them as neighbours'


def check_official_frame_numbers(annotation: PoseAnnotation) -> Iterator[tuple[str, str]]:
    """Check that frame numbers run from 1 without gaps, in steps by the frame rate: 5 at 10 frames a second."""
    yield 'ok', f'{len(annotation):,} frames of {len(annotation.sequences)} videos'
    step = _frame_step(annotation)
    if step is None:
        step = 1.0
        yield (
            'note',
            (
                f"its frame rate is in neither frame_rate nor its folder's name (fps50): {_FRAME_RATE} is assumed, "
                "Human3.6M's; write the key frame_rate if it is another (docs/data_files.md)"
            ),
        )
    videos = f'of {len(annotation.sequences)} videos, first'
    if gaps := _gaps(annotation, step):
        message = f'frame numbers have gaps (expected steps of {step:g}) in {len(gaps)} {videos} {gaps[0]}. Motion '
        yield 'problem', message + 'jumps there: add the frames, or name the parts as videos of their own.'
    late = [sequence.name for sequence in annotation.sequences if annotation.frames[sequence.rows[0]] != 1]
    if late:
        yield 'note', f'frame numbers do not start at 1 in {len(late)} {videos} {late[0]}'


def _gaps(annotation: PoseAnnotation, step: float | None) -> list[str]:
    """The videos whose frame numbers do not go by ``step``, or by the most common of their own, each with a place."""
    gaps = []
    for sequence in annotation.sequences:
        frames = annotation.frames[sequence.rows]
        differences = np.diff(frames)
        other = differences != (step if step or not len(differences) else np.bincount(differences).argmax())
        if other.any():
            at = int(np.argmax(other))
            gaps.append(f'{sequence.name}, from {frames[at]} to {frames[at + 1]}')
    return gaps


def _frame_step(annotation: PoseAnnotation) -> float | None:
    """Difference of consecutive frame numbers by the frame rate; None if the rate is not known."""
    return annotation.frame_rate and round(_FRAME_RATE / annotation.frame_rate, 3)  # 3 for fps16.6667


def check_counts(annotation: PoseAnnotation) -> Iterator[tuple[str, str]]:
    """Compare the numbers of frames with those of the whole Human3.6M, if every frame is annotated."""
    if _frame_step(annotation) not in (1, None):
        return
    lengths, other = Counter(), []
    for sequence in annotation.sequences:
        lengths[sequence.subject] += len(sequence.rows)
    for subjects, official in OFFICIAL_FRAMES.items():
        count = sum(lengths[subject] for subject in subjects)
        if count not in (0, official) and not ('S11' in subjects and count == official - 4 * S11_DIRECTIONS_FRAMES):
            other.append(f'{" and ".join(subjects)} {count:,}, not {official:,}')
    absent = [
        subject
        for split in SPLITS.values()
        if lengths.keys() & set(split)
        for subject in split
        if subject not in lengths
    ]
    if absent:
        other.append(f'{", ".join(absent)} absent')
    if other:
        of_what = 'This is normal for a part of it, or for synthetic data.'
        yield 'note', f"other numbers of frames than Human3.6M's: {'; '.join(other)}. {of_what}"


def check_roots(annotation: PoseAnnotation) -> Iterator[tuple[str, str]]:
    """Check that the root is where Human3.6M has it, in the middle of the hips."""
    poses = annotation.keypoints_3d
    off = np.linalg.norm(poses[:, H36M.root] - (poses[:, _LEFT_HIP] + poses[:, _RIGHT_HIP]) / 2, axis=-1)
    if count := int(np.sum(off > _ROOT_TOLERANCE)):
        yield (
            'problem',
            f'the root of S is more than 1 mm from the middle of the hips in {count:,} frames. '
            "Human3.6M's root is exactly there: check the order of the joints.",
        )


def check_size(annotation: PoseAnnotation) -> Iterator[tuple[str, str]]:
    """Say how large the poses are, which no projection tells: from a thousand frames, evenly."""
    rows = np.linspace(0, len(annotation) - 1, min(_FRAMES_TO_MEASURE, len(annotation))).astype(int)
    visible = annotation.keypoints_3d_visible[rows]
    poses = np.where(visible[..., None], annotation.keypoints_3d[rows], np.nan)[visible.any(axis=1)]
    if not len(poses):
        yield 'note', 'no 3D joint is marked as visible'
        return
    size = np.median([np.nanmax(np.linalg.norm(pose - pose[:, None], axis=-1)) for pose in poses])
    message = f'poses are {size:.3g} m from joint to joint at most (median of frames)'
    if _SIZES[0] <= size <= _SIZES[1]:
        yield 'ok', message
    else:
        yield 'note', f"{message}: is the unit of 'S' the metre, and are these people?"


def check_joints(annotation: PoseAnnotation) -> Iterator[tuple[str, str]]:
    """Check boxes, crops, depths and the image's borders in every frame."""
    counts = Counter()
    for index in range(len(annotation.sequences)):
        counts.update(_measure(annotation, index))
    for name, message in _PROBLEMS.items():
        if counts[name]:
            yield 'problem', message.format(f'{counts[name]:,}')
    for name, message in _NOTES.items():
        if counts[name]:
            yield 'note', message.format(f'{counts[name] / counts["joints"]:.2%}')


def _measure(annotation: PoseAnnotation, index: int) -> dict[str, int]:
    """Counts for a video: all joints, frames with wrong boxes or crops, joints beyond D or outside the image."""
    rows, camera = annotation.sequences[index].rows, annotation.cameras[index]
    poses, keypoints = annotation.keypoints_3d[rows], annotation.keypoints[rows]
    visible = annotation.keypoints_visible[rows]
    root, known = annotation.skeleton.root, annotation.keypoints_3d_visible[rows]
    depth = np.where(known & known[:, [root]], poses[..., 2] - poses[:, root, None, 2], 0)
    center, half = annotation.center[rows], 100 * annotation.scale[rows, None] + _BOX_TOLERANCE
    out_of_box = visible & _outside(keypoints, center - half, center + half)
    out_of_image = visible & _outside(keypoints, np.full((1, 2), -0.5), np.array([[camera['w'], camera['h']]]) - 0.5)
    out_of_crop = np.zeros((1, 1), bool)
    if annotation.crops is not None:
        low, high = np.split(annotation.crops[rows], 2, axis=-1)
        out_of_crop = visible & ~out_of_image & _outside(keypoints, low - 0.5, high - 0.5)
    frames = dict(box=out_of_box.any(axis=-1), crop=out_of_crop.any(axis=-1))
    joints = dict(joints=np.ones(depth.shape, bool), depth=np.abs(depth) > _HALF_DEPTH_RANGE, image=out_of_image)
    return {name: int(np.sum(found)) for name, found in (frames | joints).items()}


def _outside(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which of the points (T, K, 2) lie outside the rectangles (T, 2) to (T, 2)."""
    return ((points < low[:, None]) | (points > high[:, None])).any(axis=-1)
