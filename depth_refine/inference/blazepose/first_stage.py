"""BlazePose as a first stage: measurements of Human3.6M's joints, see :mod:`depth_refine.inference.stages`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from depth_refine.functional.camera import pixel_rays
from depth_refine.structures import H36M
from depth_refine.structures.camera import PHONE_CAMERA, make_camera

from ..person_boxes import Boxes
from ..video_source import Frame
from .detector import PersonDetector
from .landmarks import LandmarkNetwork, Landmarks
from .model_files import model_files
from .people import PeopleOfFrames

_DEPTH_STD = 0.12  # m, as measured on a video of a person whose pose is known: RMS error of depth, both models

# Landmarks whose mean is a joint of Human3.6M, in its order; of the neck it is the mean of two means.
_HIPS, _SHOULDERS, _EARS = (23, 24), (11, 12), (7, 8)
_JOINTS = (
    _HIPS, (24,), (26,), (28,), (23,), (25,), (27,),
    _HIPS + _SHOULDERS, _SHOULDERS, _SHOULDERS + _EARS, _EARS,
    (11,), (13,), (15,), (12,), (14,), (16,),
)  # fmt: skip


class BlazePose:
    """A pretrained first stage in the place of a trained one; finds people, too.

    It follows people from frame to frame, so it wants the frames of one video, in their order, one object for each.

    The root is the middle of BlazePose's hips, the thorax that of its shoulders, the head that of its ears; spine and
    neck are halfway between these three. Human3.6M's thorax lies at the base of the neck and its head at the top of
    the skull, so that these four joints are not comparable.

    Args:
        model: ``'full'``, ``'heavy'`` or a file, see :func:`model_files`.
        flip_test: average with mirrored images, see :class:`LandmarkNetwork`; without it a frame takes half the time.

    Attributes:
        name: for messages.
        skeleton: Human3.6M's.
        depth_range: nothing: depths are metres without a limit.
        notes: a sentence on what it is.
        intrinsics: of the video's camera; None assumes them, by ``cameras``: see :func:`make_camera`.

    Raises:
        InputError: LiteRT is not installed, or a model file cannot be had.
    """

    def __init__(self, model: str | Path = 'full', flip_test: bool = True) -> None:
        detector, network = model_files(model)
        self._people = PeopleOfFrames(PersonDetector(detector), LandmarkNetwork(network, flip_test))
        self.skeleton, self.depth_range = H36M, None
        self.intrinsics, self.cameras = None, [PHONE_CAMERA]
        self.name = f'BlazePose {Path(model).name}'
        self.notes = [
            f'The first stage is {self.name}: spine, thorax, neck and head are middles of its landmarks, '
            "not Human3.6M's joints, and it does not tell how sure it is of a depth."
        ]

    def find_people(self, frame: Frame) -> Boxes:
        """The people in the next frame of the video, see :meth:`PeopleOfFrames.find`."""
        return self._people.find(frame)

    def __call__(self, people: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
        """Measure people.

        Args:
            people: images (h, w, 3) BGR and boxes (4,) x1 y1 x2 y2, px, around the person.

        Yields:
            (17, 5) measurements of each person. A confidence is the visibility, times the probability that there is a
            person, of the least visible landmark that makes the joint. The standard deviation of depth is a constant.
        """
        for image, bbox in people:
            camera, _ = make_camera(image.shape[1::-1], self.intrinsics, cameras=self.cameras)
            yield measure(self._people.at(image, bbox), camera)


def measure(person: Landmarks, camera: dict) -> np.ndarray:
    """Landmarks to measurements (17, 5), see :mod:`depth_refine.inference.stages`."""
    pixels, metres = to_h36m(person.pixels), to_h36m(person.metres)
    root = H36M.root
    metres = from_ray(metres - metres[root], pixel_rays(pixels[root], camera))
    scores = [person.visibility[list(landmarks)].min() * person.presence for landmarks in _JOINTS]
    std = np.full(len(_JOINTS), _DEPTH_STD)
    return np.column_stack([pixels, metres[:, 2], scores, std]).astype(np.float32)


def to_h36m(landmarks: np.ndarray) -> np.ndarray:
    """Human3.6M's joints (..., 17, C) as means of BlazePose's landmarks (..., 33, C)."""
    thorax, ears = (landmarks[..., list(pair), :].mean(axis=-2) for pair in (_SHOULDERS, _EARS))
    joints = [landmarks[..., list(mean), :].mean(axis=-2) for mean in _JOINTS]
    joints[H36M.joint_names.index('neck_base')] = (thorax + ears) / 2
    return np.stack(joints, axis=-2)


def from_ray(positions: np.ndarray, ray: np.ndarray) -> np.ndarray:
    """Turn positions from the axes of the ray to a person to the camera's, by the shortest way.

    A network that sees a crop takes the person to be in front of the camera: what it calls depth lies along the ray.

    Args:
        positions: (K, 3).
        ray: (2,) its x / z and y / z in the camera's axes.

    Returns:
        (K, 3).
    """
    x, y, z = np.array([*ray, 1.0]) / np.sqrt(1 + np.sum(np.square(ray)))
    rotation = np.array(
        [[1 - x * x / (1 + z), -x * y / (1 + z), x], [-x * y / (1 + z), 1 - y * y / (1 + z), y], [-x, -y, z]]
    )
    return positions @ rotation.T
