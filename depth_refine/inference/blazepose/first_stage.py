"""BlazePose as a first stage: measurements of Human3.6M's joints, see :mod:`.people.first_stage`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from depth_refine.data_tools.conversion.depths import depth_of_landmarks
from depth_refine.data_tools.conversion.joint_orders import MADE_OF, ORDERS, to_h36m
from depth_refine.functional.camera import pixel_rays
from depth_refine.structures import H36M
from depth_refine.structures.camera import PHONE_CAMERA, make_camera

from ..people.person_boxes import Boxes
from ..sources.video_source import Frame
from .detector import PersonDetector
from .landmarks import LandmarkNetwork, Landmarks
from .model_files import model_files
from .people import PeopleOfFrames

_DEPTH_STD = 0.12  # m, RMS error of depth, measured with both models on a video of a person whose pose is known

# Landmarks whose mean is a joint of Human3.6M, in its order.
_ORDER = 'mediapipe'
_JOINTS = [[ORDERS[_ORDER].index(name) for name in MADE_OF[_ORDER][joint]] for joint in H36M.joint_names]


class BlazePose:
    """A pretrained first stage that also detects people.

    It tracks people from frame to frame. Give it the frames of one video, in their order, each as its own array.

    The root is the middle of BlazePose's hips, the thorax that of its shoulders, the head that of its ears; spine and
    neck are halfway between these three. Human3.6M's thorax lies at the base of the neck and its head at the top of
    the skull, so that these four joints are not comparable.

    Args:
        model: ``'full'``, ``'heavy'`` or a file, see :func:`model_files`.
        flip_test: average with mirrored images, see :class:`LandmarkNetwork`; this doubles the time of a frame.

    Attributes:
        name: for messages.
        skeleton: Human3.6M's.
        depth_range: None, since depths are metres without a limit.
        notes: a sentence on its joints.
        intrinsics: of the video's camera; if None, assumed from ``cameras``, see :func:`make_camera`.

    Raises:
        InputError: LiteRT is not installed, or a model file is not available.

    Example:
        What it measures of everyone in an image (H, W, 3) BGR, (17, 5) of each:

            estimator = BlazePose('heavy')
            boxes = estimator.find_people(Frame(0, 0.0, image)).bboxes
            measured = list(estimator((image, bbox) for bbox in boxes))
    """

    def __init__(self, model: str | Path = 'full', flip_test: bool = True) -> None:
        detector, network = model_files(model)
        self._people = PeopleOfFrames(PersonDetector(detector), LandmarkNetwork(network, flip_test))
        self.skeleton, self.depth_range = H36M, None
        self.intrinsics, self.cameras = None, [PHONE_CAMERA]
        self.name = f'BlazePose {Path(model).name}'
        self.notes = [
            f'The first stage is {self.name}: spine, thorax, neck and head are middles of its landmarks, '
            f"not Human3.6M's joints. Its depths come without an uncertainty: {_DEPTH_STD} m is taken for each."
        ]

    def find_people(self, frame: Frame) -> Boxes:
        """The people in the next frame of the video, see :meth:`PeopleOfFrames.find`."""
        return self._people.find(frame)

    def __call__(self, people: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
        """The measurements of people.

        Args:
            people: images (h, w, 3) BGR and boxes (4,) x1 y1 x2 y2, px, around the person.

        Yields:
            (17, 5) measurements of each person. The confidence of a joint is the visibility of the least visible
            landmark that makes it, times the probability that there is a person. The standard deviation of depth is a
            constant.
        """
        for image, bbox in people:
            camera, _ = make_camera(image.shape[1::-1], self.intrinsics, cameras=self.cameras)
            yield measure(self._people.at(image, bbox), camera)


def measure(person: Landmarks, camera: dict) -> np.ndarray:
    """Measurements (17, 5) of one person's landmarks, see :mod:`.people.first_stage`."""
    pixels, metres = (to_h36m(landmarks[None], _ORDER) for landmarks in (person.pixels, person.metres))
    rays = pixel_rays(pixels[:, H36M.root], camera)
    depth = depth_of_landmarks(metres - metres[:, [H36M.root]], rays)
    scores = [person.visibility[landmarks].min() * person.presence for landmarks in _JOINTS]
    std = np.full(len(_JOINTS), _DEPTH_STD)
    return np.column_stack([pixels[0], depth[0], scores, std]).astype(np.float32)
