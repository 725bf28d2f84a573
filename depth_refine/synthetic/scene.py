"""The empty room: floor, walls, clutter and a chair; rendered once for each sequence and camera."""

import cv2
import numpy as np

from depth_refine.functional.camera import back_project
from depth_refine.synthetic.raycast import cast_round_cone
from depth_refine.synthetic.shading import Light

_CEILING = 3.3  # metres
_FIXED_BOXES, _MOVED_BOXES = 8, 6  # furniture that stays for a subject, and that is elsewhere in every sequence
_CLEAR_SIDE = 0.6  # radians around the camera's own side of the room without furniture, which would hide the person


def make_scene(
    camera: dict, light: Light, seat: np.ndarray | None, room: np.random.Generator, clutter: np.random.Generator
) -> 'Scene':
    """Render an empty room.

    Args:
        camera: calibration.
        light: in the world frame.
        seat: x, y metres and heading radians of a chair, or None.
        room: draws the room and most of its furniture; seeded alike for all sequences and cameras of a subject.
        clutter: draws what differs between sequences.
    """
    scene = Scene(camera, light)
    half = np.abs(scene.origin[:2]).max() + room.uniform(0.8, 2.0, 2)
    scene.paint_walls(half, room)
    for rng, count in ((room, _FIXED_BOXES), (clutter, _MOVED_BOXES)):
        for _ in range(count):
            scene.add_box(half.min(), rng)
    if seat is not None:
        scene.add_chair(seat, clutter)
    return scene


class Scene:
    """What a camera sees without the person; walls and furniture are added one by one.

    Attributes:
        camera: calibration.
        light: in the world frame.
        rays: (3, H, W) float32 unit vectors, camera frame, through the pixels' centres (lens distortion undone).
        world: (3, H, W) the same in the world frame, double precision.
        origin: (3,) the camera's centre, world metres.
        depth: (H, W) float32 metres along the ray.
        colours: (H, W, 3) float32 lit BGR, 0 to 1.
        floor: (H, W) bool, where the floor is seen.
    """

    def __init__(self, camera: dict, light: Light):
        self.camera, self.light = camera, light
        u, v = np.meshgrid(np.arange(camera['w']), np.arange(camera['h']))
        rays = back_project(np.stack([u, v], axis=-1), np.ones(u.shape), camera)
        rays = np.moveaxis(rays / np.linalg.norm(rays, axis=-1, keepdims=True), -1, 0)
        self.rays = np.ascontiguousarray(rays, np.float32)
        self.world = np.einsum('ij,jhw->ihw', camera['R'], rays)
        self.origin = np.reshape(camera['T'], 3)
        self.depth = np.full(u.shape, np.inf, np.float32)
        self.colours = np.zeros((*u.shape, 3), np.float32)
        self.floor = np.zeros(u.shape, bool)

    def _put(self, where: np.ndarray, depth: np.ndarray, colours: np.ndarray, normals: np.ndarray) -> None:
        """Paint pixels (mask) with distances (n,), unlit colours (n, 3) and unit normals (n, 3), world frame."""
        self.depth[where] = depth
        self.colours[where] = np.clip(colours * self.light.on(normals, wrap=1), 0, 1)
        self.floor[where] = False

    def paint_walls(self, half: np.ndarray, rng: np.random.Generator) -> None:
        """Floor, ceiling and walls of a box of 2 ``half`` metres around the origin."""
        low, high = np.array([*-half, 0.0]), np.array([*half, _CEILING])
        with np.errstate(divide='ignore'):
            sides = [(side - self.origin)[:, None, None] / self.world for side in (low, high)]
        exits = np.where(self.world > 0, sides[1], sides[0])
        face, depth = exits.argmin(axis=0), exits.min(axis=0)
        x, y, z = self.origin[:, None, None] + depth * self.world
        floor = (face == 2) & (self.world[2] < 0)

        along = np.where(face == 0, y, x)
        wall, panel_width, panel_top = _colour(rng, 0.35, 0.9), rng.uniform(0.5, 1.6), rng.uniform(0.8, 1.4)
        panelled = (np.mod(along / panel_width, 2) < 1) ^ (z > panel_top)
        walls = np.where(panelled[..., None], rng.uniform(0.7, 1.3) * wall, wall) * _grain(rng, along, z, 0.25)
        ground, plank, tile = _colour(rng, 0.3, 0.75), rng.uniform(0.25, 0.6), rng.uniform(0.25, 1.5)
        checked = (np.floor(x / plank) + np.floor(y / tile)) % 2 == 0
        grounds = np.where(checked[..., None], rng.uniform(0.75, 1.25) * ground, ground) * _grain(rng, x, y, 0.12)
        colours = np.where(floor[..., None], grounds, np.where(face[..., None] == 2, 0.7, walls))
        normals = _face_normals(face.ravel(), self.world.reshape(3, -1))
        self._put(np.ones(face.shape, bool), depth.ravel(), colours.reshape(-1, 3), normals)
        self.floor = floor

    def add_box(self, reach: float, rng: np.random.Generator) -> None:
        """A striped box somewhere near the walls, on the floor or hanging."""
        angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.55, 0.95) * reach
        size = rng.uniform([0.3, 0.3, 0.3], [1.3, 1.3, 2.2]) / 2
        base = rng.choice([0.0, 0.0, rng.uniform(0.5, 1.5)])
        turn, shelf, upright = rng.uniform(0, np.pi), rng.uniform(0.12, 0.5), rng.random() < 0.4
        colours = np.stack([_colour(rng, 0.1, 0.95), _colour(rng, 0.05, 0.95)])
        if abs(np.angle(np.exp(1j * (angle - np.arctan2(self.origin[1], self.origin[0]))))) < _CLEAR_SIDE:
            return
        rotation = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        centre = np.array([radius * np.cos(angle), radius * np.sin(angle), base + size[2]])
        start = rotation @ (self.origin - centre)
        local = np.einsum('ij,jhw->ihw', rotation, self.world)
        with np.errstate(divide='ignore'):
            one, two = ((side * size - start)[:, None, None] / local for side in (-1, 1))
        near, leave = np.minimum(one, two), np.maximum(one, two).min(axis=0)
        enter = near.max(axis=0)
        hit = (enter < leave) & (enter > 0.3) & (enter < self.depth)
        point = start[:, None] + enter[hit] * local[:, hit]
        striped = np.mod(point[0 if upright else 2] / shelf, 2) < 1
        normals = _face_normals(near.argmax(axis=0)[hit], local[:, hit]) @ rotation
        self._put(hit, enter[hit], colours[striped.astype(int)], normals)

    def add_chair(self, seat: np.ndarray, rng: np.random.Generator) -> None:
        """A stool, so that the person hides most of it: a flat seat on four legs."""
        forward = np.array([np.cos(seat[2]), np.sin(seat[2]), 0.0])
        left, up = np.array([-forward[1], forward[0], 0.0]), np.array([0.0, 0.0, 1.0])
        middle = np.array([seat[0], seat[1], 0.0])
        colour = _colour(rng, 0.15, 0.7)
        parts = [(middle + 0.36 * up - 0.12 * left, middle + 0.36 * up + 0.12 * left, (0.2, 0.2), 0.2, up)]
        for a, b in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            corner = middle + 0.14 * (a * forward + b * left)
            parts.append((corner, corner + 0.34 * up, (0.02, 0.02), 1.0, forward))
        for start, end, radii, flatness, facing in parts:
            ends = ((point - self.origin) @ self.camera['R'] for point in (start, end))
            distance, _ = cast_round_cone(self.rays, *ends, np.array(radii), flatness, up @ self.camera['R'])
            nearer = distance < self.depth
            self._put(nearer, distance[nearer], colour, np.broadcast_to(facing, (np.sum(nearer), 3)))


def _face_normals(face: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """(n, 3) normals of axis-parallel faces with axes (n,), against rays (3, n)."""
    normals = np.zeros((len(face), 3))
    rows = np.arange(len(face))
    normals[rows, face] = -np.sign(rays[face, rows])
    return normals


def _colour(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    return rng.uniform(low, high) * rng.uniform(0.6, 1.0, 3)


def _grain(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, size: float) -> np.ndarray:
    """(..., 1) smooth random factors around 1 on texture coordinates in metres, ``size`` metres a grain."""
    table = rng.uniform(0.85, 1.15, (64, 64)).astype(np.float32)
    x, y = (np.mod(c / size, 63).astype(np.float32) for c in (u, v))
    return cv2.remap(table, x, y, cv2.INTER_LINEAR)[..., None]
