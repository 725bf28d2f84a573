"""Single frames for the first stage."""

import numpy as np
from mmpose.registry import DATASETS

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .depth_dataset import DepthDataset

_PELVIS_SQUARE = 2.0  # metres


@DATASETS.register_module()
class DepthImageDataset(DepthDataset):
    """Frames with camera and 3D target, for the integral head.

    A sample holds, for MMPose's top-down transforms, ``img_path``, ``bbox`` (1, 4) x1 y1 x2 y2 px, ``bbox_score`` (1,),
    ``keypoints`` (1, K, 3) of (u px, v px, depth m relative to the root) and ``keypoints_visible`` (1, K), 1 where
    all three are annotated, in test mode where the 3D joint is. The depth rides in ``keypoints`` so that flips swap it
    with its joint; MMPose's transforms change u and v alone. Besides: ``img_id`` (the row in the annotation),
    ``sequence``, ``subject``, ``action``, ``frame``, ``camera_param``, ``bbox_policy``, and in test mode
    ``keypoints_cam`` (1, K, 3), absolute camera-frame metres. Where the image files are crops, ``crop_window`` (4,) x1
    y1 x2 y2 px and ``frame_size`` (w, h) px tell :class:`LoadReadableImage` where a crop belongs; everything else is in
    pixels of the full frame.

    Args:
        ann_file: the annotation npz, relative to the data root.
        frame_step: use every n-th frame of each video.
        bbox_policy: ``'annotation'``, the annotation's own box, or ``'pelvis_2m'``, the projection of a fronto-parallel
            2 m square at the true root (Sun et al.). It moves results by tens of mm: use one in training, test and
            extraction.
        kwargs: see :class:`DepthDataset`.

    Raises:
        InputError: see :class:`PoseAnnotation`; an unknown ``bbox_policy``.

    Example:
        In a config:

            train_dataloader = dict(
                dataset=dict(
                    type='DepthImageDataset',
                    metainfo=dict(from_file='mine/skeleton.py'),
                    root='pelvis',
                    data_root='mine/data/',
                    ann_file='train.npz',
                    camera_param_file='cameras.pkl',
                )
            )
    """

    BBOX_POLICIES = ('annotation', 'pelvis_2m')

    def __init__(self, ann_file: str, frame_step: int = 1, bbox_policy: str = 'annotation', **kwargs) -> None:
        if bbox_policy not in self.BBOX_POLICIES:
            raise InputError(f'unknown bbox_policy {bbox_policy!r}: expected one of {self.BBOX_POLICIES}')
        require_number(f'frame_step of {type(self).__name__}', frame_step, 1, whole=True)
        self.frame_step = frame_step
        self.bbox_policy = bbox_policy
        super().__init__(ann_file=ann_file, **kwargs)

    def sample_ids(self) -> np.ndarray:
        """Rows of the annotation."""
        return np.concatenate([sequence.rows[:: self.frame_step] for sequence in self.annotation.sequences])

    def build_sample(self, sample_id: np.ndarray) -> dict:
        """The frame in row ``sample_id``."""
        annotation, row = self.annotation, int(sample_id)
        index = annotation.sequence_ids[row]
        sequence, camera = annotation.sequences[index], annotation.cameras[index]
        joints = annotation.keypoints_3d[row]
        root = self.skeleton.root
        depth = joints[:, 2:] - joints[root, 2]
        visible = annotation.keypoints_3d_visible[row]
        if not self.test_mode:  # a label has both, and its depth is that from the root
            visible = annotation.keypoints_visible[row] & visible & visible[root]
        sample = dict(
            **dict(id=row, img_id=row, frame=int(annotation.frames[row])),
            img_path=self.image_path(row),
            bbox=self._bbox(row, camera)[None],
            bbox_score=np.ones(1, np.float32),
            keypoints=np.concatenate([annotation.keypoints[row], depth], axis=-1)[None],
            keypoints_visible=visible[None].astype(np.float32),
            camera_param=camera,
            **self.sequence_info(sequence, row),
        )
        if annotation.crops is not None:
            sample.update(crop_window=annotation.crops[row], frame_size=(int(camera['w']), int(camera['h'])))
        if self.test_mode:  # the flip of a training pipeline would not mirror it
            sample['keypoints_cam'] = joints[None].copy()
        return sample

    def _bbox(self, row: int, camera: dict) -> np.ndarray:
        """The square box of a frame, (4,) x1 y1 x2 y2 px."""
        if self.bbox_policy == 'annotation':
            center, half = self.annotation.center[row], self.annotation.scale[row] * 100
        else:
            if 'f' not in camera:
                raise InputError(
                    f"bbox_policy='pelvis_2m' projects a square, and a camera of {self.camera_param_file} has no focal "
                    "length: expected 'f' and 'c', px, or bbox_policy='annotation'"
                )
            root = self.skeleton.root
            center = self.annotation.keypoints[row, root]
            half = _PELVIS_SQUARE / 2 * np.reshape(camera['f'], 2) / self.annotation.keypoints_3d[row, root, 2]
        return np.concatenate([center - half, center + half]).astype(np.float32)
