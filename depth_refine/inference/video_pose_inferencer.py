"""The 3D poses of a video's people in one call."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from numpy.typing import ArrayLike

from depth_refine.data_tools.conversion.video_predictions import Predictions
from depth_refine.structures.camera import check_camera, make_camera
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.structures.skeleton import H36M
from depth_refine.structures.video_poses import VideoPoses
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number, usable_device
from depth_refine.weights import shipped_refiner

from .blazepose import BlazePose
from .finishing import Finishing
from .live_poses import LiveFrame, LiveRecord, live_poses
from .people.first_stage import FirstStage
from .people.frame_size import rescaled
from .people.person_boxes import Boxes, BoxFile, PersonBoxes, whole_frame
from .people.tracking import observe, watch
from .predictions.predicted_people import note_on_lying, on_images, predicted_people
from .predictions.prediction_check import prediction_check
from .refinement import refine_people
from .sources.video_source import Frame, VideoSource, open_source
from .stages import IntegralFirstStage, SecondStage, check_fit


class VideoPoseInferencer:
    """3D poses of the people in videos, by both stages, in the manner of MMPose's inferencers.

    Args:
        stage1_config: config of the first stage, or its file; or, without a checkpoint, a model of
            :class:`BlazePose`, a pretrained estimator: ``'full'``, ``'heavy'`` or a file. None if there are only
            predictions, see :meth:`refine`.
        stage1_checkpoint: its checkpoint.
        stage2_config: config of the refiner, or its file; by default a shipped one, see :mod:`depth_refine.weights`.
        stage2_checkpoint: its checkpoint.
        device: where to run; by default a GPU if there is one.
        batch_size: number of crops in a batch of the first stage.
        amp: run both stages in bfloat16, see :func:`depth_refine.models.optimise_for_inference`; BlazePose ignores it.

    Raises:
        InputError: a file is missing, a checkpoint does not belong to its config, the stages do not fit together, the
            device does not exist, or the batch size is not positive.

    Example:
        The first person's joints (T, K, 3), metres from the root:

            inferencer = VideoPoseInferencer()
            poses = inferencer('clip.mp4', finishing=Finishing())
            poses.tracks[0].keypoints_3d

        The same of another estimator's predictions, by the shipped refiner of 2D poses:

        >>> import numpy as np
        >>> from depth_refine.data_tools.conversion import Predictions
        >>> from depth_refine.inference import VideoPoseInferencer
        >>> keypoints = np.random.default_rng(0).uniform(100, 300, (9, 17, 2))  # px
        >>> predictions = Predictions(keypoints, frames=np.arange(9), joint_order='coco')
        >>> poses = VideoPoseInferencer(None, device='cpu').refine(predictions, size=(640, 480), fps=25)
        >>> poses.tracks[0].keypoints_3d.shape
        (9, 17, 3)
    """

    def __init__(
        self,
        stage1_config: str | Path | Config | None = 'full',
        stage1_checkpoint: str | Path | None = None,
        stage2_config: str | Path | Config | None = None,
        stage2_checkpoint: str | Path | None = None,
        device: str | torch.device | None = None,
        batch_size: int = 32,
        amp: bool = False,
    ) -> None:
        device = usable_device(device)
        require_number('batch_size', batch_size, 1, whole=True)
        self.first_stage: FirstStage | None = None
        if stage1_checkpoint is not None:
            self.first_stage = IntegralFirstStage(stage1_config, stage1_checkpoint, device, batch_size, amp)
        elif stage1_config is not None:
            self.first_stage = BlazePose(stage1_config)
        if (stage2_config is None) != (stage2_checkpoint is None):
            raise InputError('a refiner needs both its config and its checkpoint, or neither for one that is shipped')
        files = (stage2_config, stage2_checkpoint) if stage2_config is not None else shipped_refiner('2d+depth')
        self.second_stage = SecondStage(*files, device, amp)
        # for predictions without depths
        self._without_depth = (
            None if stage2_config is not None else lambda: SecondStage(*shipped_refiner('2d'), device, amp)
        )
        if self.first_stage is not None:
            check_fit(self.first_stage, self.second_stage)

    def __call__(
        self,
        source: str | Path | Iterable[np.ndarray | None] | VideoSource | LiveRecord,
        boxes: str | Path | PersonBoxes | None = None,
        intrinsics: Intrinsics | ArrayLike | None = None,
        extrinsics: dict | None = None,
        fps: float | None = None,
        smooth: float | None = None,
        finishing: Finishing | None = None,
    ) -> VideoPoses:
        """The 3D poses of everyone in a video.

        The refiner gets each track as a whole, at the frame rate of its training. If the video has other times, its
        measurements are interpolated to that rate, and the poses back to its frames. Where a person is missing for up
        to a second, the first stage's measurements are interpolated; after longer, the person becomes a new track. The
        notes of the result say what was done.

        Args:
            source: a video file, its address, a folder of images, or images, see :func:`open_source`; or the record of
                a :meth:`stream` that got the same boxes and intrinsics.
            boxes: the people's bounding boxes: ``'whole'``, one person who fills the frame; a file, see
                :class:`BoxFile`; or a detector, any function as in :mod:`person_boxes`. By default BlazePose detects
                people; with another first stage the default is ``'whole'``.
            intrinsics: of the camera: :class:`Intrinsics`, or fx, fy, cx, cy, px; by default assumed, see
                :func:`make_camera`.
            extrinsics: ``R`` and ``T``, see :func:`make_camera`, if the world frame is known.
            fps: frames a second at which it was taken, whatever a file says. By default a file's own times; for sources
                without time stamps the frame rate of the refiner's training.
            smooth: smoothing of the root's path, px / m, see :func:`estimate_root_trajectory`; by default 4 times the
                longer side of the frames.
            finishing: steps after the refiner; none if None.

        Returns:
            The poses. ``keypoints_3d_first`` is back-projected at the distance of the refined pose's root, since the
            first stage alone does not determine it. A video without people gives no tracks and a note.

        Raises:
            InputError: the video, the boxes or the camera cannot be used.
        """
        if self.first_stage is None:
            raise InputError('there is no first stage: give one, or predictions to refine()')
        is_record = isinstance(source, LiveRecord)
        video = source.video if is_record else open_source(source, fps, self.second_stage.rate)
        if video.is_live and not is_record:
            raise InputError(f'{video.name} never ends: use stream()')
        boxes = self._person_boxes(boxes, video)
        intrinsics = check_camera(intrinsics, extrinsics)
        self._tell(intrinsics)

        def find_people(frame: Frame) -> Boxes:
            make_camera(frame.image.shape[1::-1], intrinsics)  # refuses unfit intrinsics before the long work
            return boxes(frame)

        if is_record:
            seen = source.observations(self.first_stage.skeleton.num_joints)
        else:
            seen = observe(video, find_people, self.first_stage)
        notes = video.notes + self.first_stage.notes
        if isinstance(boxes, BoxFile):
            notes += boxes.notes(len(seen.times))
        if boxes is whole_frame:
            notes.append('Nobody was looked for: one person is taken to fill every frame.')
        if self.first_stage.skeleton == H36M:
            notes += note_on_lying(seen.measurements, 'are the frames upright? If not, rotate the video first.')
        known_ids = boxes is whole_frame or isinstance(boxes, BoxFile)
        camera = make_camera(seen.size, intrinsics, extrinsics, self.second_stage.cameras)
        mend = not isinstance(self.first_stage, IntegralFirstStage)
        seen.notes[:0] = notes
        return refine_people(self.second_stage, video.name, seen, camera, known_ids, mend, smooth, finishing)

    def refine(
        self,
        predictions: Predictions,
        source: str | Path | Iterable[np.ndarray | None] | VideoSource | None = None,
        size: tuple[int, int] | None = None,
        intrinsics: Intrinsics | ArrayLike | None = None,
        extrinsics: dict | None = None,
        fps: float | None = None,
        smooth: float | None = None,
        finishing: Finishing | None = None,
    ) -> VideoPoses:
        """The 3D poses of everyone in another estimator's predictions.

        Args:
            predictions: of one video, see :func:`read_predictions`.
            source: the video, for its times and size, see :meth:`__call__`; without it, give ``size`` and ``fps``.
            size: width and height, px, of the upright frames that the predictions were made on. If the video's frames
                have another size and the same aspect ratio, predictions are rescaled.
            intrinsics: as in :meth:`__call__`.
            extrinsics: as in :meth:`__call__`.
            fps: as in :meth:`__call__`; without a video, by default that of the refiner's training.
            smooth: as in :meth:`__call__`.
            finishing: as in :meth:`__call__`.

        Returns:
            The poses. The default refiner is the shipped one that reads depths, or, if there are none, the one that
            reads 2D poses.

        Raises:
            InputError: predictions, video and camera do not fit together, or the refiner reads inputs that are missing.
        """
        intrinsics = check_camera(intrinsics, extrinsics)
        for length in size or ():
            require_number('size of the frames, px', length, 2, 100_000, whole=True)
        second = self.second_stage
        if predictions.depth_unit is None and second.depth_range is not None:
            if self._without_depth is None:
                raise InputError(
                    f'{second.cfg.filename} reads depths, and {predictions.name} has none: give another '
                    'refiner (--stage2), or none to use a shipped one'
                )
            second = self._without_depth()
        if second.reads_std:
            raise InputError(
                f'{second.cfg.filename} reads standard deviations of depths, which {predictions.name} does not give'
            )
        rate, times, notes, name = second.rate if fps is None else fps, None, [], Path(predictions.name).absolute().name
        if source is not None:
            video = open_source(source, fps, rate)
            if video.is_live:
                raise InputError(f'{video.name} never ends: predictions are of a video')
            predictions = on_images(predictions, video.numbers)
            check = None

            def look(frame: Frame) -> None:
                nonlocal predictions, check
                if check is None and frame.image is not None:
                    predictions = rescaled(predictions, size or frame.image.shape[1::-1], frame.image.shape[1::-1])
                    check = prediction_check(predictions)
                if check is not None:
                    check.look(frame)

            size, times = watch(video, look)
            notes, name = video.notes + check.notes(size, times), video.name
        if size is None:
            raise InputError(
                f'{predictions.name}: without the video the size of its frames is needed (--size), width and height, px'
            )
        require_number('fps', rate, 0.01, 100_000)
        camera = make_camera(size, intrinsics, extrinsics, second.cameras)
        seen = predicted_people(predictions, size, times, rate, camera[0])
        if second.skeleton != H36M:
            raise InputError(
                f"{second.cfg.filename} has other joints than Human3.6M's, which predictions are mapped to"
            )
        reads = '2D and depth' if seen.has_depth else '2D alone'
        notes.append(f'Predictions of another estimator, joints in the order {predictions.joint_order}: {reads}.')
        seen.notes[:0] = notes
        return refine_people(second, name, seen, camera, seen.has_ids, True, smooth, finishing)

    def stream(
        self,
        source: str | Path | int | Iterable[np.ndarray | None] | VideoSource,
        boxes: str | Path | PersonBoxes | None = None,
        intrinsics: Intrinsics | ArrayLike | None = None,
        fps: float | None = None,
    ) -> Iterator[LiveFrame]:
        """The poses of a camera's people, frame by frame; needs a causal refiner.

        Args:
            source: the index or address of a camera, or any source of :meth:`__call__`.
            boxes: as in :meth:`__call__`.
            intrinsics: as in :meth:`__call__`.
            fps: as in :meth:`__call__`; not of a camera.

        Yields:
            Every frame of the source; of a camera, the newest frame whenever the one before is done.

        Raises:
            InputError: the refiner is not causal, or source or boxes cannot be used.
        """
        intrinsics = check_camera(intrinsics)
        video = open_source(source, fps, self.second_stage.rate)
        self._tell(intrinsics)
        boxes = self._person_boxes(boxes, video)
        return live_poses(video, boxes, self.first_stage, self.second_stage, intrinsics)

    def _tell(self, intrinsics: Intrinsics | None) -> None:
        """Give BlazePose the camera, by which it rotates poses from the line of sight to the camera's axes."""
        if isinstance(self.first_stage, BlazePose):
            self.first_stage.intrinsics, self.first_stage.cameras = intrinsics, self.second_stage.cameras

    def _person_boxes(self, boxes: str | Path | PersonBoxes | None, video: VideoSource) -> PersonBoxes:
        if boxes is None and isinstance(self.first_stage, BlazePose):
            return self.first_stage.find_people
        if boxes is None or (isinstance(boxes, str) and boxes == 'whole'):
            return whole_frame
        boxes = BoxFile(boxes) if isinstance(boxes, str | Path) else boxes
        if isinstance(boxes, BoxFile):
            boxes.match(video.numbers)
        return boxes
