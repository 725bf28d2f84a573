"""Checks of an ``h36m_*.npz`` beyond what :class:`depth_refine.datasets.H36MAnnotation` refuses."""

import numpy as np

from depth_refine.datasets import H36MAnnotation
from depth_refine.structures.skeleton import ROOT
from depth_refine.utils.h36m_facts import OFFICIAL_FRAMES, S11_DIRECTIONS_FRAMES

from .findings import Findings

_LEFT_HIP, _RIGHT_HIP = 4, 1
_ROOT_TOLERANCE = 1e-3  # metres
_BOX_TOLERANCE = 0.5  # px
_HALF_DEPTH_RANGE = 0.75  # metres, half of the D of the configs
_NEAREST, _FARTHEST = 0.5, 50  # metres from the camera to the root, typically


def check_annotation(annotation: H36MAnnotation, step: float, where: str, findings: Findings) -> None:
    """Look at the numbers of every frame.

    Args:
        annotation: the annotation.
        step: difference of consecutive frame numbers.
        where: its name.
        findings: gets what there is to say.
    """
    findings.ok(where, f'{len(annotation):,} frames of {len(annotation.sequences)} videos')
    _check_frames(annotation, step, where, findings)
    if step == 1:
        _check_counts(annotation, where, findings)
    sums = np.sum([_measure(annotation, index) for index in range(len(annotation.sequences))], axis=0)
    joints, off_root, out_of_box, out_of_crop, out_of_depth, out_of_image = sums.astype(int)
    distance = float(np.median(np.abs(annotation.keypoints_3d[:, ROOT, 2])))
    if not _NEAREST < distance < _FARTHEST:
        units = 'it looks like millimetres: divide S by 1000' if distance > _FARTHEST else 'expected metres'
        findings.problem(where, f'in the median frame S is {distance:.4g} m from the camera; {units}.')
    if off_root:
        findings.problem(
            where,
            f"S has the root off the middle of the hips by more than 1 mm in {off_root:,} frames. Human3.6M's root is "
            'exactly there: check the order of the joints.',
        )
    if out_of_box:
        findings.problem(
            where,
            f'{out_of_box:,} frames have 2D joints outside their box. center is in px and the side of the box is 200 * '
            'scale px: write them again from part.',
        )
    if out_of_crop:
        findings.problem(
            where,
            f'{out_of_crop:,} frames have 2D joints in the image but outside their crop. crop is x1 y1 x2 y2 px in the '
            'full frame: prepare the crops again.',
        )
    for count, what in (
        (
            out_of_depth,
            f'more than {1000 * _HALF_DEPTH_RANGE:.0f} mm nearer or farther than the root, beyond D = 1500 mm',
        ),
        (out_of_image, 'outside the image'),
    ):
        if count:
            findings.note(where, f'{count / joints:.2%} of the joints lie {what}')


def _measure(annotation: H36MAnnotation, index: int) -> tuple[int, ...]:
    """Of a video: joints; frames whose root is off, whose joints leave box or crop; joints beyond D, or the image."""
    rows, camera = annotation.sequences[index].rows, annotation.cameras[index]
    poses, keypoints = annotation.keypoints_3d[rows], annotation.keypoints[rows]
    visible = annotation.keypoints_visible[rows]
    middle = (poses[:, _LEFT_HIP] + poses[:, _RIGHT_HIP]) / 2
    depth = poses[..., 2] - poses[:, ROOT, None, 2]
    center, half = annotation.center[rows], 100 * annotation.scale[rows, None] + _BOX_TOLERANCE
    out_of_box = visible & _outside(keypoints, center - half, center + half)
    out_of_image = visible & _outside(keypoints, np.full((1, 2), -0.5), np.array([[camera['w'], camera['h']]]) - 0.5)
    out_of_crop = np.zeros(1, bool)
    if annotation.crops is not None:
        low, high = np.split(annotation.crops[rows], 2, axis=-1)
        out_of_crop = visible & ~out_of_image & _outside(keypoints, low - 0.5, high - 0.5)
    return (
        depth.size,
        np.sum(np.linalg.norm(poses[:, ROOT] - middle, axis=-1) > _ROOT_TOLERANCE),
        np.sum(out_of_box.any(axis=-1)),
        np.sum(out_of_crop.any(axis=-1)),
        np.sum(np.abs(depth) > _HALF_DEPTH_RANGE),
        np.sum(out_of_image),
    )


def _outside(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which of the points (T, K, 2) lie outside the rectangles (T, 2) to (T, 2)."""
    return ((points < low[:, None]) | (points > high[:, None])).any(axis=-1)


def _check_frames(annotation: H36MAnnotation, step: float, where: str, findings: Findings) -> None:
    """Frame numbers must run from 1 without gaps."""
    gaps, repeats, late = [], [], []
    for sequence in annotation.sequences:
        frames = annotation.frames[sequence.rows]
        differences = np.diff(frames)
        if (differences == 0).any():
            repeats.append(sequence.name)
        elif (differences != step).any():
            at = int(np.argmax(differences != step))
            gaps.append(f'{sequence.name}, from {frames[at]} to {frames[at + 1]}')
        if frames[0] != 1:
            late.append(sequence.name)
    videos = f'of {len(annotation.sequences)} videos, first'
    if repeats:
        findings.problem(
            where, f'frame numbers repeat in {len(repeats)} {videos} {repeats[0]}. Remove the second rows.'
        )
    if gaps:
        findings.problem(
            where,
            f'frame numbers have gaps (expected steps of {step:g}) in {len(gaps)} {videos} {gaps[0]}. Motion jumps '
            'there: add the frames, or name the parts as videos of their own.',
        )
    if late:
        findings.note(where, f'frame numbers do not start at 1 in {len(late)} {videos} {late[0]}')


def _check_counts(annotation: H36MAnnotation, where: str, findings: Findings) -> None:
    """Compare with the whole Human3.6M."""
    lengths = {}
    for sequence in annotation.sequences:
        lengths[sequence.subject] = lengths.get(sequence.subject, 0) + len(sequence.rows)
    other = []
    for subjects, official in OFFICIAL_FRAMES.items():
        count = sum(lengths.get(subject, 0) for subject in subjects)
        if count not in (0, official) and not ('S11' in subjects and count == official - 4 * S11_DIRECTIONS_FRAMES):
            other.append(f'{" and ".join(subjects)} {count:,}, not {official:,}')
    if other:
        findings.note(
            where,
            f"other numbers of frames than Human3.6M's: {'; '.join(other)}. As it should be of a part of it or of "
            'synthetic data.',
        )
