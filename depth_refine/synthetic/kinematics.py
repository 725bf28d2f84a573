"""From a script (joint angles, a path, a crouch) to joint positions.

Trunk, head and arms follow by forward kinematics from angles that are kept inside joint limits. Feet are planted where
the path passes at the middle of each stance and stay there until they step, so that they do not slide; the legs follow
by two-bone inverse kinematics.

World frame: z up, floor at z = 0, metres. Body frame: x forward, y left, z up.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation

from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic.subjects import Proportions

FPS = 50
ARM = ('shoulder_flex', 'shoulder_raise', 'shoulder_twist', 'elbow')  # the angles of an arm, after its side
# Degrees. An angle that a script does not mention rests at its default, the third number.
LIMITS = {
    'lean': (-15, 60, 2),
    'pelvis_roll': (-15, 15, 0),
    'pelvis_yaw': (-30, 30, 0),
    'spine_pitch': (-20, 65, 4),
    'spine_roll': (-30, 30, 0),
    'spine_yaw': (-45, 45, 0),
    'head_pitch': (-40, 45, 3),
    'head_roll': (-30, 30, 0),
    'head_yaw': (-65, 65, 0),
    **{f'{side}_shoulder_flex': (-50, 170, 5) for side in ('left', 'right')},
    **{f'{side}_shoulder_raise': (-10, 160, 9) for side in ('left', 'right')},
    **{f'{side}_shoulder_twist': (-80, 80, 10) for side in ('left', 'right')},
    **{f'{side}_elbow': (2, 145, 14) for side in ('left', 'right')},
}
KNEE_LIMIT = 150  # degrees of flexion
_STANCE = 0.58  # part of a gait cycle during which a foot is on the floor
REACH = 0.993  # part of the leg's length that the hips may be from the feet
_SMOOTHING = 0.06  # seconds
_DEAD_STEP, _DEAD_TURN = 0.06, 0.2  # metres and radians below which a foot stays where it is
_SWING_HEIGHT = 0.10


@dataclass
class Script:
    """What a body does during a sequence of T frames."""

    # times (n,) seconds to (n, 3) x, y metres and heading radians of the body; asked beyond the sequence too
    path: Callable[[np.ndarray], np.ndarray]
    angles: dict = field(default_factory=dict)  # curves (T,) in degrees, by the names of LIMITS
    crouch: np.ndarray | float = 0.0  # (T,) metres by which the pelvis is lower than the feet allow
    retreat: np.ndarray | float = 0.0  # (T,) metres by which the pelvis is behind the path
    period: float = 1.1  # seconds of a gait cycle (two steps)
    stance_width: float = 1.1  # distance between the feet over that between the hips
    stagger: float = 0.0  # metres by which the left foot is ahead of the right one
    seat: np.ndarray | None = None  # x, y metres and heading radians of a chair in the room


def animate(script: Script, body: Proportions, frames: int) -> np.ndarray:
    """Joint positions of a scripted body at 50 frames per second.

    Returns:
        (frames, 17, 3) world metres; the root is the midpoint of the hips and bone lengths are constant.
    """
    t = np.arange(frames) / FPS
    path = script.path(t)
    heading = path[:, 2]
    forward = np.column_stack([np.cos(heading), np.sin(heading), np.zeros(frames)])
    angle = {name: np.radians(_limited(name, script.angles, frames)) for name in LIMITS}
    pelvis = _euler(heading + angle['pelvis_yaw'], angle['lean'], angle['pelvis_roll'])
    feet = {side: _footsteps(script, body, side, t) for side in ('left', 'right')}
    ground = path[:, :2] - _smooth(np.broadcast_to(script.retreat, frames))[:, None] * forward[:, :2]
    height = _pelvis_height(ground, pelvis, feet, body) - _smooth(np.broadcast_to(script.crouch, frames))
    joints = {'root': np.column_stack([ground, height])}

    def place(joint, parent, rotation):
        joints[joint] = joints[parent] + rotation.apply(body.offsets[joint])

    half_spine, half_head = (
        _euler(*(angle[f'{part}_{axis}'] / 2 for axis in ('yaw', 'pitch', 'roll'))) for part in ('spine', 'head')
    )
    chest = pelvis * half_spine * half_spine
    place('spine', 'root', pelvis * half_spine)
    place('thorax', 'spine', chest)
    place('neck_base', 'thorax', chest * half_head)
    place('head', 'neck_base', chest * half_head * half_head)
    for side, sign in (('left', 1.0), ('right', -1.0)):
        flex, up, twist, elbow = (angle[f'{side}_{name}'] for name in ARM)
        upper_arm = chest * Rotation.from_euler('YXZ', np.column_stack([-flex, sign * up, -sign * twist]))
        place(f'{side}_shoulder', 'thorax', chest)
        place(f'{side}_elbow', f'{side}_shoulder', upper_arm)
        place(f'{side}_wrist', f'{side}_elbow', upper_arm * Rotation.from_euler('Y', -elbow[:, None]))
        place(f'{side}_hip', 'root', pelvis)
        pole = forward + 0.15 * sign * pelvis.apply([0.0, 1.0, 0.0])
        legs = leg_ik(joints[f'{side}_hip'], feet[side], pole, *body.leg)
        joints[f'{side}_knee'], joints[f'{side}_foot'] = legs
    return np.stack([joints[name] for name in H36M.joint_names], axis=1)


def leg_ik(hip: np.ndarray, ankle: np.ndarray, pole: np.ndarray, thigh: float, shank: float) -> tuple:
    """Knee and ankle, (..., 3) metres each, of a leg that reaches from the hip for a target, ``ankle`` (..., 3).

    The knee points along ``pole`` (..., 3), of any length. The ankle is at the target where the straight leg reaches it
    and where the knee need not bend beyond its limit, and as near as possible on the same line elsewhere.
    """
    reach = ankle - hip
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    along = reach / np.maximum(distance, 1e-9)
    shortest = np.sqrt(thigh**2 + shank**2 + 2 * thigh * shank * np.cos(np.radians(KNEE_LIMIT)))
    distance = np.clip(distance, shortest, 0.9999 * (thigh + shank))
    # Law of cosines: the foot of the knee's perpendicular on the line from the hip to the ankle.
    foot = (thigh**2 - shank**2 + distance**2) / (2 * distance)
    side = pole - np.sum(pole * along, axis=-1, keepdims=True) * along
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9)
    knee = hip + foot * along + np.sqrt(np.maximum(thigh**2 - foot**2, 0)) * side
    return knee, hip + distance * along


def ease(u: np.ndarray) -> np.ndarray:
    """From 0 to 1 with u, starting and ending at rest."""
    return u**3 * (10 - 15 * u + 6 * u**2)


def _smooth(curve: np.ndarray) -> np.ndarray:
    return gaussian_filter1d(np.asarray(curve, np.float64), _SMOOTHING * FPS, axis=0, mode='nearest')


def _limited(name: str, angles: dict, frames: int) -> np.ndarray:
    """Degrees inside the limits; smoothing afterwards averages allowed angles, so it stays inside."""
    low, high, default = LIMITS[name]
    return _smooth(np.clip(np.broadcast_to(angles.get(name, default), frames), low, high))


def _euler(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> Rotation:
    return Rotation.from_euler('ZYX', np.column_stack([yaw, pitch, roll]))


def _footsteps(script: Script, body: Proportions, side: str, t: np.ndarray) -> np.ndarray:
    """(T, 3) positions of an ankle that stands, steps and stands again."""
    sign, offset = (1.0, 0.0) if side == 'left' else (-1.0, 0.5)
    hip = script.stance_width * abs(body.offsets[f'{side}_hip'][1])
    phase = t / script.period + offset
    cycles = np.arange(np.floor(phase[0]) - 1, np.floor(phase[-1]) + 3)
    path = script.path((cycles + _STANCE / 2 - offset) * script.period)
    across = np.stack([-np.sin(path[:, 2]), np.cos(path[:, 2])], axis=-1)
    ahead = np.stack([np.cos(path[:, 2]), np.sin(path[:, 2])], axis=-1)
    plants = path[:, :2] + sign * (hip * across + script.stagger / 2 * ahead)
    for k in range(1, len(plants)):
        moved = np.linalg.norm(plants[k] - plants[k - 1])
        if moved < _DEAD_STEP and abs(path[k, 2] - path[k - 1, 2]) < _DEAD_TURN:
            plants[k], path[k] = plants[k - 1], path[k - 1]

    cycle = np.searchsorted(cycles, phase, side='right') - 1
    swing = np.clip((phase - cycles[cycle] - _STANCE) / (1 - _STANCE), 0, 1)
    stride = plants[cycle + 1] - plants[cycle]
    length = np.linalg.norm(stride, axis=-1)
    lift = _SWING_HEIGHT * np.minimum(1, length / 0.4) * (16 * swing**2 * (1 - swing) ** 2)
    return np.column_stack([plants[cycle] + ease(swing)[:, None] * stride, body.ankle_height + lift])


def _pelvis_height(ground: np.ndarray, pelvis: Rotation, feet: dict, body: Proportions) -> np.ndarray:
    """Highest pelvis from which both feet are in reach."""
    heights = []
    for side, ankle in feet.items():
        hip = pelvis.apply(body.offsets[f'{side}_hip'])
        away = np.linalg.norm(ground + hip[:, :2] - ankle[:, :2], axis=-1)
        reach = REACH * sum(body.leg)
        heights.append(ankle[:, 2] + np.sqrt(np.maximum(reach**2 - away**2, (0.5 * reach) ** 2)) - hip[:, 2])
    # The lowest height in the smoothing's window, smoothed, is never above the height itself: the feet stay in reach.
    window = 2 * int(4 * _SMOOTHING * FPS + 0.5) + 1
    return _smooth(minimum_filter1d(np.minimum(*heights), window, mode='nearest'))
