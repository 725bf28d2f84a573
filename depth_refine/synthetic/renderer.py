"""Images of one sequence from one camera: round limbs in true perspective, light and shadow, by ray casting."""

import cv2
import numpy as np

from depth_refine.functional.camera import project, world_to_camera
from depth_refine.synthetic.body import Limbs, make_limbs
from depth_refine.synthetic.raycast import first_hits
from depth_refine.synthetic.scene import Scene
from depth_refine.synthetic.shading import Light, shade
from depth_refine.synthetic.subjects import Appearance

_NOISE_MARGIN = 32  # px by which the sheet of noise is larger than an image, so that frames cut out different parts
_SHADOW_DEPTH = 0.85  # part of the lamp's light that is missing in the shadow


class SequenceRenderer:
    """Draws the frames of a sequence; ``renderer(frame)`` gives (H, W, 3) uint8 BGR.

    Args:
        joints: (T, 17, 3) world metres.
        look: clothes of the person.
        scene: the empty room as the camera sees it.
        rng: draws blur and noise.
    """

    def __init__(self, joints: np.ndarray, look: Appearance, scene: Scene, rng: np.random.Generator):
        self.look, self.scene = look, scene
        limbs, camera, light = make_limbs(joints, look), scene.camera, scene.light
        self.limbs, self.light = limbs.seen_by(camera), light.seen_by(camera)
        self.boxes = _bounding_boxes(self.limbs, camera)
        self.shadow_lines, self.shadow_widths = _shadow_lines(limbs, light, camera)
        self.blur = rng.uniform(0.45, 0.8) * max(1.0, camera['w'] / 256)
        self.background = cv2.GaussianBlur(scene.colours, (0, 0), self.blur) * np.float32(255)
        shape = camera['h'] + _NOISE_MARGIN, camera['w'] + _NOISE_MARGIN, 3
        self.noise = np.round(rng.normal(0, rng.uniform(2, 6), shape)).astype(np.int16)
        self.noise_corners = rng.integers(0, _NOISE_MARGIN, (len(joints), 2))

    def __call__(self, frame: int) -> np.ndarray:
        """Draw one frame."""
        image = self.background.astype(np.uint8)
        height, width = image.shape[:2]
        crop, corner = self._crop(frame, width, height)
        behind = self.background[crop] * self._floor_light(frame, crop, corner)
        person = cv2.GaussianBlur(self._person(frame, crop, corner), (0, 0), self.blur)
        image[crop] = person[..., :3] + behind * (1 - person[..., 3:])
        y, x = self.noise_corners[frame]
        return cv2.add(image, self.noise[y : y + height, x : x + width], dtype=cv2.CV_8U)

    def _crop(self, frame: int, width: int, height: int) -> tuple[tuple, np.ndarray]:
        """The part of the image that person and shadow can change, as slices and as its corner x, y."""
        blurred = int(np.ceil(3 * self.blur))
        boxes, ends = self.boxes[frame], self.shadow_lines[frame].reshape(-1, 2)
        wide = self.shadow_widths[frame].max() / 2 + 3
        low = np.minimum(boxes[:, :2].min(axis=0) - blurred, ends.min(axis=0) - wide)
        high = np.maximum(boxes[:, 2:].max(axis=0) + blurred, ends.max(axis=0) + wide)
        (x0, y0), (x1, y1) = (np.clip(point, 0, [width, height]).astype(int) for point in (low, high))
        return np.s_[y0:y1, x0:x1], np.array([x0, y0])

    def _person(self, frame: int, crop: tuple, corner: np.ndarray) -> np.ndarray:
        """(h, w, 4) float32: lit colours 0 to 255 and coverage, both zero where no limb is."""
        limbs = self.limbs[frame]
        rays = self.scene.rays[(slice(None), *crop)]
        depth, limb, s = first_hits(limbs, rays, self.scene.depth[crop], self.boxes[frame] - [*corner, *corner])
        seen = limb >= 0
        points = (rays[:, seen] * depth[seen]).T
        person = np.zeros((*seen.shape, 4), np.float32)
        person[seen, :3] = 255 * shade(limbs, self.look, self.light, points, limb[seen], s[seen])
        person[seen, 3] = 1
        return person

    def _floor_light(self, frame: int, crop: tuple, corner: np.ndarray) -> np.ndarray:
        """(h, w, 1) factor of the background that leaves the person's shadow on the floor."""
        mask = np.zeros(self.scene.floor[crop].shape, np.uint8)
        bits = 4
        ends = np.round((self.shadow_lines[frame] - corner) * 2**bits).astype(int)
        for (a, b), width in zip(ends.tolist(), self.shadow_widths[frame].tolist(), strict=True):
            cv2.line(mask, a, b, 255, width, cv2.LINE_AA, bits)
        mask = cv2.blur(mask, (3, 3)) * self.scene.floor[crop]
        share = _SHADOW_DEPTH * self.light.lamp / (self.light.lamp + self.light.ambient)
        return (1 - np.float32(share / 255) * mask.astype(np.float32))[..., None]


def _bounding_boxes(limbs: Limbs, camera: dict) -> np.ndarray:
    """(T, P, 4) px x0, y0, x1, y1 (exclusive) around the limbs, inside the image."""
    points = np.stack([limbs.start, limbs.end], axis=2)
    pixels = project(points, camera)
    # A sphere's outline is wider than its radius over its centre's depth, most of all near the camera.
    extent = 1.1 * np.max(camera['f']) * limbs.radii / (points[..., 2] - limbs.radii) + 1
    low = np.floor((pixels - extent[..., None]).min(axis=2))
    high = np.ceil((pixels + extent[..., None]).max(axis=2)) + 1
    size = [camera['w'], camera['h']]
    return np.concatenate([np.clip(low, 0, size), np.clip(high, 0, size)], axis=-1).astype(int)


def _shadow_lines(limbs: Limbs, light: Light, camera: dict) -> tuple[np.ndarray, np.ndarray]:
    """The limbs' shadows on the floor: ends (T, P, 2, 2) px and whole widths (T, P) px; limbs in the world frame."""
    points = np.stack([limbs.start, limbs.end], axis=2)
    local = world_to_camera(points - points[..., 2:] / light.direction[2] * light.direction, camera)
    local[..., 2] = np.maximum(local[..., 2], 0.5)
    ends = np.clip(project(local, camera), -camera['w'], 2 * camera['w'])
    widths = 1.8 * np.max(camera['f']) * limbs.radii.mean(axis=-1) / local[..., 2].mean(axis=2)
    return ends, np.maximum(np.round(widths), 1).astype(int)
