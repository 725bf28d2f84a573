"""The hook that draws figures while testing and validating."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import mmcv
import numpy as np
from mmengine import fileio
from mmpose.engine.hooks import PoseVisualizationHook
from mmpose.registry import HOOKS
from mmpose.structures import PoseDataSample
from mmpose.utils.tensor_utils import to_numpy
from torch import Tensor

from depth_refine.functional.camera import back_project, project, project_rays
from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .pose_frame import PoseFrame, box_around
from .pose_strip import draw_strip

_CANNOT = 'cannot show figures: {}; write them to a folder with --show-dir instead'
_AZIMUTH = 50  # degrees, a view that shows depth and still resembles the camera's


@HOOKS.register_module()
class DepthPoseVisualizationHook(PoseVisualizationHook):
    """Figures of either stage: the image with 2D joints beside 3D views of the prediction and of the truth.

    The arguments are those of MMPose's ``PoseVisualizationHook``. With ``interval=n`` a test draws every n-th frame,
    whether frames come one by one or as whole videos. Validation draws the first frame of every n-th batch.

    For the first stage, the image is its bounding box with the predicted 2D joints, and the 3D pose is back-projected
    with the true root depth, as in the metric. For the second stage, the 2D joints are its input in that frame, as the
    store or the annotation has it. If a codec of MMPose normalised it, they are the predicted pose, projected from the
    true root position. They are drawn over the image around the true pose, or alone if there is no file of the image.
    Captions say what is drawn.

    Joints and bones are those of the data set's ``metainfo``, also inside wrappers; the root is the sample's
    ``root_index``, by default that of the ``metainfo``.

    Figures go to the folder ``out_dir=...`` below the run's, to the screen with ``show=True``, or otherwise to the
    visualizer's backends. All joints of a 3D pose are drawn: ``kpt_thr=...`` has no effect.

    Raises:
        InputError: ``show=True`` without a display, or a number is out of its range.

    Example:
        In a config:

            default_hooks = dict(visualization=dict(type='DepthPoseVisualizationHook', enable=True, interval=50))
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        require_number('interval of the figures', self.interval, 1, whole=True)
        require_number('wait_time of a figure, seconds', self.wait_time, 0, 3600)
        no_display = not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY'))
        if self.enable and self.show and sys.platform.startswith('linux') and no_display:
            raise InputError(_CANNOT.format('no display is available (neither DISPLAY nor WAYLAND_DISPLAY is set)'))

    def after_val_iter(self, runner, batch_idx: int, data_batch: dict, outputs: Sequence[PoseDataSample]) -> None:
        """Draw the first frame of every n-th validation batch, n being the interval."""
        step = runner.iter + batch_idx
        if self.enable and step % self.interval == 0:
            figure = self._draw(outputs[0], data_batch['inputs'][0], 0, runner.val_evaluator.dataset_meta)
            self._deliver('val_img', figure, step, file=None)

    def after_test_iter(self, runner, batch_idx: int, data_batch: dict, outputs: Sequence[PoseDataSample]) -> None:
        """Draw every n-th frame of the test, n being the interval."""
        if not self.enable:
            return
        for position, sample in enumerate(outputs):
            paths = _img_paths(sample)
            for index in range(-self._test_index % self.interval, len(paths), self.interval):
                file = None
                if self.out_dir is not None:
                    folder = Path(runner.work_dir, runner.timestamp, self.out_dir)
                    file = folder / f'{_name(sample, index).replace("/", "_")}.png'
                figure = self._draw(sample, data_batch['inputs'][position], index, runner.test_evaluator.dataset_meta)
                self._deliver('test_img', figure, self._test_index + index, file)
            self._test_index += len(paths)

    def _deliver(self, name: str, figure: np.ndarray, step: int, file: Path | None) -> None:
        """Show a figure (H, W, 3) BGR, write it to a file, or otherwise give it to the visualizer's backends."""
        if self.show:
            try:
                cv2.imshow('depth_refine', figure)
                cv2.waitKey(int(1000 * self.wait_time))
            except cv2.error as error:
                raise InputError(_CANNOT.format('this OpenCV is built without windows')) from error
        if file is not None:
            with whole_file(file) as partial:
                cv2.imwrite(str(partial), figure)
        elif not self.show:
            self._visualizer.add_image(name, figure[..., ::-1], step)

    def _draw(self, sample: PoseDataSample, inputs: Tensor, index: int, metainfo: dict) -> np.ndarray:
        """The figure of the ``index``-th frame of a sample and its inputs, whose data set has this ``metainfo``."""
        skeleton = Skeleton.from_metainfo(metainfo, sample.get('root_index'))
        root = skeleton.root
        path, image = _img_paths(sample)[index], None
        if fileio.exists(path, backend_args=self.backend_args):
            image = mmcv.imfrombytes(fileio.get(path, backend_args=self.backend_args))
        camera = sample.get('camera_param')
        keypoints, caption, box = None, ('image', ''), None
        pred = _frames(sample.pred_instances.keypoints)[index]
        if 'lifting_target' in sample.gt_instances:
            truth = _frames(sample.gt_instances.lifting_target)[index]
            placed, known = pred - pred[root] + truth[root], truth[truth[:, 2] > 0]
            projects = camera is not None and 'f' in camera
            if camera is not None and 'normalisation' in metainfo:
                keypoints = _input_pixels(inputs, index, len(sample.pred_instances.keypoints), camera, metainfo)
                caption = ('input', '2D joints' if inputs.shape[-1] == 2 else '2D joints; their depths are not drawn')
            elif projects and np.all(placed[:, 2] > 0):  # an untrained model may put it behind the camera
                keypoints, caption = project(placed, camera), ('image', 'prediction, projected from the true root')
            if projects and len(known):
                box = box_around(project(known, camera))
        else:
            truth = _frames(sample.gt_instances.keypoints_cam)[index]
            keypoints, caption = pred[:, :2], ('image', 'the bounding box, with predicted 2D joints')
            box = to_numpy(sample.gt_instances.bboxes)[0]
            pred = back_project(keypoints, pred[:, 2] + truth[root, 2], camera)
        poses = dict(truth=truth, predictions={'prediction': pred})
        frame = PoseFrame(
            skeleton, image, keypoints, **poses, title=_name(sample, index), image_caption=caption, box=box
        )
        return draw_strip(frame, _AZIMUTH, crop=True)


def _input_pixels(inputs: Tensor, index: int, targets: int, camera: dict, metainfo: dict) -> np.ndarray:
    """The 2D joints (K, 2), px, of a refiner's inputs in the ``index``-th frame that it predicts.

    It undoes what :class:`DepthSequenceLifting` did, by the ``normalisation`` that the data set's ``metainfo`` names.

    Args:
        inputs: (T, K, C), normalised; T is ``targets`` and the frames that a receptive field has besides its target.
        index: of the predicted frame.
        targets: number of predicted frames.
        camera: of the sample.
        metainfo: the data set's.
    """
    besides = len(inputs) - targets
    before = besides if metainfo.get('causal') else (besides + 1) // 2
    joints = to_numpy(inputs)[before + index, :, :2].astype(np.float64)
    if metainfo['normalisation'] == 'rays':
        return project_rays(joints, camera)
    width, height = float(camera['w']), float(camera['h'])
    return (joints + [1, height / width]) * width / 2


def _img_paths(sample: PoseDataSample) -> Sequence[str]:
    """The image path of each predicted frame."""
    return sample.target_img_path if 'target_img_path' in sample else [sample.img_path]


def _name(sample: PoseDataSample, index: int) -> str:
    """Sequence and frame in the manner of Human3.6M's image names; if a sample has none, the image's name."""
    frames = sample.get('frames', [sample.get('frame')])
    if 'sequence' not in sample or frames[index] is None:
        return Path(_img_paths(sample)[index]).stem
    return f'{sample.sequence}_{int(frames[index]):06d}'


def _frames(joints) -> np.ndarray:
    """A tensor or array (..., K, 3) as an array (T, K, 3), float64."""
    return to_numpy(joints).astype(np.float64).reshape(-1, *joints.shape[-2:])
