"""Light, and the colours of lit surfaces."""

from dataclasses import dataclass, replace

import numpy as np

from depth_refine.synthetic.body import CHEST, CLOTH, HEAD, THIGH_BAND, WRIST_BAND, Limbs
from depth_refine.synthetic.subjects import Appearance


@dataclass(frozen=True)
class Light:
    """A lamp far away above the room, and light from everywhere."""

    direction: np.ndarray  # (3,) unit vector to the lamp
    up: np.ndarray  # (3,) unit vector
    lamp: float  # strength
    ambient: float  # strength of the light from everywhere
    tint: np.ndarray  # (3,) colour of all light, BGR

    @classmethod
    def random(cls, rng: np.random.Generator) -> 'Light':
        """A light in the world frame, from 35 to 75 degrees above the horizon."""
        azimuth, height = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(35, 75))
        direction = [np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)]
        lamp, ambient, warmth = rng.uniform(0.5, 0.9), rng.uniform(0.4, 0.65), rng.uniform(-0.07, 0.07)
        return cls(np.array(direction), np.array([0.0, 0.0, 1.0]), lamp, ambient, np.array([1 - warmth, 1, 1 + warmth]))

    def seen_by(self, camera: dict) -> 'Light':
        """The same light in the camera's frame."""
        return replace(self, direction=self.direction @ camera['R'], up=self.up @ camera['R'])

    def on(self, normals: np.ndarray, wrap: float = 0.15) -> np.ndarray:
        """(..., 3) factors of the colour of surfaces with unit normals (..., 3).

        ``wrap`` is how far the lamp reaches around the edge, by way of walls: 0 not at all, 1 everywhere.
        """
        facing = np.maximum((dot(normals, self.direction) + wrap) / (1 + wrap), 0)
        strength = self.ambient * (0.75 + 0.25 * dot(normals, self.up)) + self.lamp * facing
        return strength[..., None] * self.tint.astype(np.float32)


def shade(
    limbs: Limbs, look: Appearance, light: Light, points: np.ndarray, limb: np.ndarray, s: np.ndarray
) -> np.ndarray:
    """Colours (n, 3) float32 BGR, 0 to 1, of points on a person.

    ``points`` (n, 3) metres are on the surfaces of the limbs ``limb`` (n,), at the places ``s`` (n,) along them, 0 to
    1. Limbs, of one frame, light and points share a frame of reference.
    """
    axis, front = limbs.end - limbs.start, limbs.front[limb]
    normals = points - limbs.start[limb] - s[:, None] * axis[limb]
    # A flattened cone is a round one in a stretched space; normals follow the inverse transpose.
    stretch = (1 / limbs.flatness**2 - 1).astype(np.float32)[limb]
    normals += (stretch * dot(normals, front))[:, None] * front
    normals /= np.sqrt(dot(normals, normals))[:, None]
    return np.minimum(_paint(limbs, look, limb, s, normals, front, axis) * light.on(normals), 1)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dot products over the last axis, in the precision of ``a`` and without BLAS's threads."""
    x, y, z = (b[i].astype(a.dtype) if b.ndim == 1 else b[..., i] for i in range(3))
    return a[..., 0] * x + a[..., 1] * y + a[..., 2] * z


def _paint(limbs, look: Appearance, limb, s, normals, front, axis) -> np.ndarray:
    """(n, 3) unlit colours: the limb's own, and the patterns that tell sides, front and back apart."""
    colours, pattern = limbs.colours[limb], limbs.patterns[limb]
    length = np.linalg.norm(axis, axis=-1)
    forward = dot(normals, front)
    cloth = (pattern == CLOTH) | (pattern == CHEST)
    hoops = np.floor(s * length[limb] / look.stripe).astype(int) % 2 == 1
    stripes = np.floor(3 * np.arcsin(np.clip(forward, -1, 1))).astype(int) % 2 == 1
    second = {'plain': False, 'hoops': hoops, 'stripes': stripes, 'checks': hoops ^ stripes}[look.shirt_kind]
    colours[cloth & second] = look.pattern
    colours[(pattern == CHEST) & (forward > 0.9) & (s > 0.2)] = look.emblem
    upward = dot(normals, (axis / length[:, None])[limb])
    colours[(pattern == HEAD) & ((forward < 0.2) | (upward > 0.6))] = look.hair
    colours[(pattern == WRIST_BAND) & (s > 0.8)] = look.band
    colours[(pattern == THIGH_BAND) & (s > 0.35) & (s < 0.55)] = look.band
    return colours
