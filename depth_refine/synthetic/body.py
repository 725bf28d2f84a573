"""Seventeen joints to limbs with a thickness.

A limb is a *round cone*: the union of the spheres along a segment whose radius goes linearly from one end to the other,
optionally flattened along one direction. Everything follows from the joints alone, so procedural and recorded motion
look alike.
"""

from dataclasses import dataclass, replace

import numpy as np

from depth_refine.functional.camera import world_to_camera
from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic.subjects import Appearance

# What is painted on a limb besides its colour.
PLAIN, CLOTH, CHEST, HEAD, WRIST_BAND, THIGH_BAND = range(6)


@dataclass(frozen=True)
class Limbs:
    """P round cones, of one frame or of a sequence."""

    start: np.ndarray  # (..., P, 3) metres
    end: np.ndarray  # (..., P, 3) metres
    front: np.ndarray  # (..., P, 3) unit vectors: where each limb's front is
    radii: np.ndarray  # (P, 2) metres at the start and the end
    flatness: np.ndarray  # (P,) thickness along the front over that across it
    colours: np.ndarray  # (P, 3) BGR, 0 to 1
    patterns: np.ndarray  # (P,) what is painted on it

    def __getitem__(self, frame: int) -> 'Limbs':
        """The limbs of one frame."""
        return replace(self, start=self.start[frame], end=self.end[frame], front=self.front[frame])

    def seen_by(self, camera: dict) -> 'Limbs':
        """The limbs in the camera's frame, single precision."""
        moved = {
            'start': world_to_camera(self.start, camera),
            'end': world_to_camera(self.end, camera),
            'front': self.front @ camera['R'],
        }
        return replace(self, **{name: points.astype(np.float32) for name, points in moved.items()})


def make_limbs(joints: np.ndarray, look: Appearance) -> Limbs:
    """Dress a skeleton: joints (T, 17, 3), metres in any right-handed frame, to the limbs in that frame."""
    j = {name: joints[:, index] for index, name in enumerate(H36M.joint_names)}
    front = _trunk_front(j)
    scale = _stature(j) / 1.7
    parts = []

    def add(start, end, radii, colour, pattern=PLAIN, flatness=1.0, facing=front, girth=look.girth):
        parts.append((start, end, facing, np.array(radii) * scale * girth, flatness, colour, pattern))

    def between(one, other, share):
        return (1 - share) * j[one] + share * j[other]

    ends = (between('right_hip', 'left_hip', share) for share in (0.25, 0.75))
    add(*ends, (0.12, 0.12), look.trousers, flatness=0.85)
    add(between('root', 'spine', 0.35), j['spine'], (0.14, 0.145), look.shirt, CLOTH, flatness=0.7)
    add(j['spine'], between('spine', 'thorax', 0.75), (0.145, 0.165), look.shirt, CHEST, flatness=0.68)
    ends = (between('right_shoulder', 'left_shoulder', share) for share in (0.2, 0.8))
    add(*ends, (0.078, 0.078), look.shirt, CLOTH)
    add(j['thorax'], between('neck_base', 'head', 0.6), (0.058, 0.052), look.skin, girth=1)

    top = _unit(j['head'] - 0.5 * (j['thorax'] + j['neck_base']))
    face = _unit(_across(front, top))
    middle = between('neck_base', 'head', 0.7) - 0.01 * scale * face
    add(middle - 0.02 * scale * top, middle + 0.035 * scale * top, (0.084, 0.09), look.skin, HEAD, facing=face, girth=1)
    nose = middle + 0.09 * scale * face - 0.02 * scale * top
    add(nose, nose + 0.02 * scale * top, (0.02, 0.013), look.skin, facing=face, girth=1)

    for side in ('left', 'right'):
        shoulder, elbow, wrist = (j[f'{side}_{part}'] for part in ('shoulder', 'elbow', 'wrist'))
        hip, knee, foot = (j[f'{side}_{part}'] for part in ('hip', 'knee', 'foot'))
        wrist_band, thigh_band = (WRIST_BAND, THIGH_BAND) if side == 'left' else (PLAIN, PLAIN)
        forearm = scale * _unit(wrist - elbow)
        add(shoulder, elbow, (0.06, 0.046), look.shirt, CLOTH)
        add(elbow, wrist, (0.046, 0.033), look.shirt if look.long_sleeves else look.skin, wrist_band)
        add(wrist + 0.03 * forearm, wrist + 0.12 * forearm, (0.037, 0.027), look.skin, girth=1)
        add(hip, knee, (0.094, 0.064), look.trousers, thigh_band)
        add(knee, foot, (0.063, 0.043), look.trousers if look.long_trousers else look.skin)
        toes, shank = _toe_direction(hip, knee, foot, front), _unit(foot - knee)
        heel = foot + 0.045 * scale * shank
        add(heel - 0.03 * scale * toes, heel + 0.15 * scale * toes, (0.045, 0.033), look.shoe, girth=1)

    *vectors, radii, flatness, colours, patterns = zip(*parts, strict=True)
    start, end, facing = (np.stack(points, axis=1) for points in vectors)
    colours = np.array(colours, np.float32)
    return Limbs(start, end, facing, np.stack(radii), np.array(flatness), colours, np.array(patterns))


def _trunk_front(j: dict) -> np.ndarray:
    """(T, 3) unit vectors: where the trunk faces."""
    left = _unit(j['left_shoulder'] - j['right_shoulder']) + 0.5 * _unit(j['left_hip'] - j['right_hip'])
    return _unit(np.cross(left, j['thorax'] - j['root']))


def _toe_direction(hip: np.ndarray, knee: np.ndarray, foot: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Where the toes point: nearly across the shank, to where the knee points or, with a straight leg, to the front."""
    thigh, shank = _unit(knee - hip), _unit(foot - knee)
    hint = front + 3 * _across(thigh - shank, shank)
    return _unit(hint - 0.9 * (hint - _across(hint, shank)))


def _stature(j: dict) -> float:
    """Metres, from the legs and the trunk of the first frame."""
    chain = ('left_foot', 'left_knee', 'left_hip'), ('root', 'spine', 'thorax', 'head')
    return 1.1 * sum(np.linalg.norm(np.diff([j[n][0] for n in names], axis=0), axis=-1).sum() for names in chain)


def _across(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The part of vectors that is at right angles to unit vectors."""
    return vectors - np.sum(vectors * axis, axis=-1, keepdims=True) * axis


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
