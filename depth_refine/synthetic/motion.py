"""Procedural activities: every (subject, activity) is a random variation of one script."""

from dataclasses import replace

import numpy as np

from depth_refine.synthetic.kinematics import ARM, FPS, REACH, Script, animate, ease
from depth_refine.synthetic.subjects import Proportions

_SEAT_HEIGHT = 0.50  # metres of the hip joints of a seated person above the floor
_SIDES = ('left', 'right')
# The small movements of somebody who stands: mean and amplitude in degrees, and seconds of a wave.
_ALIVE = {
    'spine_yaw': (0, 7, 3),
    'spine_roll': (0, 4, 3),
    'spine_pitch': (5, 5, 4),
    'head_yaw': (0, 25, 2.5),
    'head_pitch': (5, 10, 3),
    'pelvis_roll': (0, 4, 3),
} | {
    f'{side}_{joint}': curve
    for side in _SIDES
    for joint, curve in zip(ARM, ((6, 9, 2), (10, 5, 2), (10, 10, 3), (18, 12, 2)), strict=True)
}


def make_motion(activity: str, body: Proportions, rng: np.random.Generator, frames: int) -> tuple:
    """One performance of an activity, a key of ``ACTIVITIES``, at 50 frames per second.

    Returns:
        (frames, 17, 3) joints in world metres (z up, around the origin) and, where the activity needs one, a chair as
        x, y metres and heading radians (else None).
    """
    t = np.arange(frames) / FPS
    script = ACTIVITIES[activity](rng, t, body)
    return animate(script, body, frames), script.seat


def _waves(rng: np.random.Generator, scale: float, period: float):
    """A smooth random curve of about ``scale`` as a function of any times."""
    periods = period * rng.uniform(0.6, 1.8, 3)
    phases = rng.uniform(0, 2 * np.pi, 3)
    return lambda t: scale * np.sin(2 * np.pi * np.asarray(t)[..., None] / periods + phases).sum(-1) / 1.7


def _hold_and_move(rng: np.random.Generator, t: np.ndarray, poses: np.ndarray, hold: float, move: float) -> np.ndarray:
    """Visit random rows of ``poses`` (n, d), each held about ``hold`` seconds and reached in about ``move``."""
    poses = np.asarray(poses, np.float64)
    clock = -rng.uniform(0, hold + move)
    current = int(rng.integers(len(poses)))
    curve = np.broadcast_to(poses[current], (len(t), poses.shape[1])).copy()
    while clock < t[-1]:
        clock += hold * rng.uniform(0.5, 1.5)
        duration = move * rng.uniform(0.8, 1.3)
        following = (current + int(rng.integers(1, max(len(poses), 2)))) % len(poses)
        u = np.clip((t - clock) / duration, 0, 1)[:, None]
        curve += ease(u) * (poses[following] - poses[current])
        clock, current = clock + duration, following
    return curve


def _standing(rng: np.random.Generator, turning: float = 0.5):
    """Stand near the centre, shifting and turning slowly so that every side is seen."""
    x, y, sway = _waves(rng, 0.10, 5), _waves(rng, 0.10, 5), _waves(rng, 0.25, 4)
    heading, rate = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1]) * rng.uniform(0.3, 1.0) * turning
    return lambda t: np.stack([x(t), y(t), heading + rate * t + sway(t)], axis=-1)


def _strolling(rng: np.random.Generator, speed: float):
    """Walk around the room on a wobbly closed path, heading along it."""
    radius, wobble, start = rng.uniform(0.75, 1.05), rng.uniform(0.1, 0.25), rng.uniform(0, 2 * np.pi, 2)
    rate = rng.choice([-1, 1]) * speed / radius

    def position(t):
        angle = start[0] + rate * t
        distance = radius * (1 + wobble * np.sin(2 * angle + start[1]))
        return np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=-1)

    def path(t):
        step = (position(t + 0.02) - position(t - 0.02)) / 0.04
        heading = np.arctan2(step[..., 1], step[..., 0])
        return np.column_stack([position(t), np.unwrap(heading)])

    return path


def _alive(rng: np.random.Generator, t: np.ndarray) -> dict:
    """Angle curves of somebody who stands."""
    return {name: mean + _waves(rng, scale, period)(t) for name, (mean, scale, period) in _ALIVE.items()}


def _arm(side: str, *curves) -> dict:
    """Angle curves of one arm: flexion, raise and twist of the shoulder, and the elbow."""
    return {f'{side}_{joint}': curve for joint, curve in zip(ARM, curves, strict=True)}


def _draw(rng: np.random.Generator, count: int, *ranges: tuple) -> np.ndarray:
    """Random poses (count, ranges), each number from its own range."""
    low, high = np.transpose(ranges)[..., None]
    return rng.uniform(low, high, (len(ranges), count)).T


def _directions(rng, t, body):
    """Points into several directions with one arm or the other."""
    active, other = rng.permutation(_SIDES)
    targets = _draw(rng, 6, (10, 110), (0, 80), (-30, 30), (3, 60))
    angles = _alive(rng, t) | _arm(active, *_hold_and_move(rng, t, targets, 0.5, 0.6).T)
    if rng.random() < 0.5:
        angles |= _arm(other, *_hold_and_move(rng, t, targets * 0.7, 1.0, 0.7).T)
    return Script(_standing(rng), angles)


def _eating(rng, t, body):
    """Holds a plate in one hand and brings food to the mouth with the other."""
    active, other = rng.permutation(_SIDES)
    bites = [[35, 8, 35, 75], [62, 22, 45, 138]] + rng.uniform(-6, 6, (2, 4))
    angles = _alive(rng, t) | _arm(active, *_hold_and_move(rng, t, bites, 0.35, 0.6).T)
    angles |= _arm(other, 22 + _waves(rng, 6, 3)(t), 10 + _waves(rng, 4, 3)(t), 30, 85 + _waves(rng, 8, 3)(t))
    angles['head_pitch'] = 16 + _waves(rng, 10, 1.5)(t)
    return Script(_standing(rng, 0.4), angles)


def _greeting(rng, t, body):
    """Waves with a raised forearm, and bows now and then."""
    active, _ = rng.permutation(_SIDES)
    beat = 2 * np.pi * t * rng.uniform(1.0, 1.7) + rng.uniform(0, 6)
    raised = np.array([[rng.uniform(20, 60), rng.uniform(60, 100), -60, rng.uniform(70, 100)], [5, 8, 10, 15]])
    level = _hold_and_move(rng, t, [[1, 0], [1, 0.3], [0.1, 1]], 0.9, 0.7)
    arm = level[:, :1] * raised[0] + (1 - level[:, :1]) * raised[1]
    arm[:, 2] += level[:, 0] * 25 * np.sin(beat)
    arm[:, 1] += level[:, 0] * 12 * np.sin(beat)
    angles = _alive(rng, t) | _arm(active, *arm.T)
    angles |= {'spine_pitch': 4 + 32 * level[:, 1], 'lean': 2 + 18 * level[:, 1]}
    return Script(_standing(rng), angles)


def _phoning(rng, t, body):
    """Holds a phone to one ear, wanders a little, gestures with the free hand."""
    active, other = rng.permutation(_SIDES)
    held = ((42, 6, 3), (42, 8, 3), (28, 6, 3), (141, 3, 2))
    angles = _alive(rng, t) | _arm(active, *(mean + _waves(rng, scale, period)(t) for mean, scale, period in held))
    talk = [[5, 8, 10, 20], [30, 15, 25, 80], [45, 35, 0, 50], [-15, 25, 60, 90]]
    angles |= _arm(other, *_hold_and_move(rng, t, talk, 0.7, 0.6).T)
    path = _strolling(rng, rng.uniform(0.4, 0.7)) if rng.random() < 0.5 else _standing(rng)
    return Script(path, angles, period=1.3)


def _posing(rng, t, body):
    """Changes between showy postures of the whole upper body, feet apart."""
    left = _draw(rng, 6, (-30, 130), (0, 140), (-60, 60), (5, 130))
    right = left[rng.permutation(6)]
    trunk = _draw(rng, 6, (-40, 40), (-25, 25), (-12, 35), (0, 0.16))
    curve = _hold_and_move(rng, t, np.hstack([left, right, trunk]), 0.5, 0.8).T
    angles = _alive(rng, t) | _arm('left', *curve[:4]) | _arm('right', *curve[4:8])
    angles |= {'spine_yaw': curve[8], 'spine_roll': curve[9], 'spine_pitch': curve[10]}
    width, stagger = rng.uniform(1.5, 3.0), rng.uniform(-0.3, 0.3)
    return Script(_standing(rng, 0.6), angles, crouch=curve[11], stance_width=width, stagger=stagger)


def _purchases(rng, t, body):
    """Picks things up from the floor and puts them on a shelf."""
    depth = rng.uniform(0.2, 0.36)
    poses = [  # lean, spine pitch, crouch m, flexion and elbow of both arms
        [22, 40, depth, 62, 12],
        [4, 6, 0.0, 30, 80],
        [0, -4, 0.0, rng.uniform(110, 150), 25],
        [12, 20, 0.05, 60, 50],
    ]
    lean, pitch, crouch, flex, elbow = _hold_and_move(rng, t, poses, 0.35, 0.9).T
    angles = _alive(rng, t) | {'lean': lean, 'spine_pitch': pitch}
    for side in _SIDES:
        angles |= _arm(side, flex + _waves(rng, 10, 2)(t), 8 + _waves(rng, 8, 2)(t), 10, elbow + _waves(rng, 10, 2)(t))
    path, stagger, retreat = _standing(rng), rng.uniform(-0.15, 0.3), 0.6 * crouch + 0.002 * lean
    return Script(path, angles, crouch=crouch, retreat=retreat, stance_width=1.6, stagger=stagger)


def _sitting_down(rng, t, body):
    """Sits down on a chair, talks with the hands there and gets up again."""
    down = _hold_and_move(rng, t, [[0.0], [1.0]], 1.2, 1.3)[:, 0]
    passing = 4 * down * (1 - down)  # getting down and up goes through a trunk that leans forward
    heading, sway = rng.uniform(0, 2 * np.pi), _waves(rng, 0.03, 3)
    reach = REACH * sum(body.leg)
    retreat = reach * rng.uniform(0.40, 0.46)
    angles = _alive(rng, t)
    lap = rng.uniform([15, 5, 10, 60], [40, 20, 45, 95], (2, 4))
    rest = np.array([5, 9, 10, 15])
    for side, target in zip(_SIDES, lap, strict=True):
        gesture = target + _hold_and_move(rng, t, rng.uniform(-22, 22, (4, 4)), 0.5, 0.5)
        angles |= _arm(side, *(rest + down[:, None] * (gesture - rest) + passing[:, None] * [25, 0, 0, 10]).T)
    angles['lean'] = 2 + 26 * passing - 6 * down
    angles['spine_pitch'] = 5 + 22 * passing + 8 * down + _waves(rng, 4, 3)(t)
    forward = np.array([np.cos(heading), np.sin(heading)])
    start = rng.uniform(-0.3, 0.3, 2) + 0.5 * retreat * forward

    def path(t):
        return np.column_stack([np.broadcast_to(start, (len(t), 2)), heading + sway(t)])

    # The pelvis already falls while the hips move back; the crouch is the rest of the way to the seat.
    fallen = reach - np.sqrt(reach**2 - (down * retreat) ** 2)
    crouch = down * (body.ankle_height + reach - _SEAT_HEIGHT) - fallen
    seat = np.array([*(start - (retreat + 0.02) * forward), heading])
    return Script(path, angles, crouch=crouch, retreat=down * retreat, stance_width=1.4, seat=seat)


def _waiting(rng, t, body):
    """Shifts weight, folds arms, puts hands on the hips, looks around."""
    folded, hips, hanging = [28, 8, 62, 98], [-22, 42, 62, 84], [4, 8, 10, 16]
    left = _hold_and_move(rng, t, [folded, hips, hanging], 1.0, 0.9)
    right = left + _hold_and_move(rng, t, rng.uniform(-8, 8, (3, 4)), 1.0, 0.8)
    angles = _alive(rng, t) | _arm('left', *left.T) | _arm('right', *right.T)
    angles['head_yaw'] = _waves(rng, 45, 2)(t)
    angles['pelvis_roll'] = _waves(rng, 8, 2.5)(t)
    return Script(_standing(rng, 0.7), angles, period=1.4, stagger=rng.uniform(-0.15, 0.15))


def _walking(rng, t, body):
    """Walks around with swinging arms."""
    speed = rng.uniform(0.7, 1.2)
    period = rng.uniform(0.95, 1.05) * (1.25 - 0.2 * speed)
    return _walk(rng, t, _strolling(rng, speed), period, swing=rng.uniform(15, 32) * speed)


def _walk_dog(rng, t, body):
    """Walks slowly, one arm held forward by a leash, bending to the dog now and then."""
    script = _walk(rng, t, _strolling(rng, rng.uniform(0.4, 0.7)), period=rng.uniform(1.15, 1.4), swing=10)
    active, _ = rng.permutation(_SIDES)
    bend = _hold_and_move(rng, t, [[0.0], [0.15], [1.0]], 0.8, 0.9)[:, 0]
    pull = _waves(rng, 12, 1.2)(t)
    script.angles |= _arm(active, 38 + pull + 25 * bend, 12 + pull / 3, 0, 28 - pull / 2)
    script.angles |= {'spine_pitch': 6 + 38 * bend, 'lean': 3 + 22 * bend, 'head_pitch': 12 + 10 * bend}
    return replace(script, crouch=0.18 * bend, retreat=0.12 * bend)


def _walk(rng, t, path, period: float, swing: float) -> Script:
    # The left foot is planted in the first half of the cycle, so the left leg swings ahead around phase 0 and the
    # right arm with it.
    phase = 2 * np.pi * t / period
    angles = _alive(rng, t)
    for side, sign in (('left', -1.0), ('right', 1.0)):
        beat = sign * np.cos(phase)
        angles |= _arm(side, 2 + swing * beat, 8 + _waves(rng, 3, 3)(t), 12, 22 + 0.5 * swing * (1 + beat))
    angles['pelvis_yaw'] = -6 * np.cos(phase)
    angles['spine_yaw'] = 11 * np.cos(phase) + _waves(rng, 3, 3)(t)
    angles['pelvis_roll'] = 3 * np.sin(phase)
    angles['lean'] = 3 + rng.uniform(0, 4)
    return Script(path, angles, period=period, stance_width=rng.uniform(0.7, 1.0))


ACTIVITIES = {
    'Directions': _directions,
    'Eating': _eating,
    'Greeting': _greeting,
    'Phoning': _phoning,
    'Posing': _posing,
    'Purchases': _purchases,
    'SittingDown': _sitting_down,
    'Waiting': _waiting,
    'WalkDog': _walk_dog,
    'Walking': _walking,
}
