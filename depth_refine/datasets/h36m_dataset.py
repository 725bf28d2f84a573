"""What the image and the sequence data sets share."""

from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset, force_full_init
from mmengine.hub import get_config
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from .h36m_annotation import H36MAnnotation, Sequence


class H36MDataset(BaseDataset):
    """Base of data sets over a Human3.6M annotation.

    The annotation stays in a few large arrays, which worker processes share; a sample is put together when it is asked
    for. (MMPose's ``Human36mDataset`` copies every window of every sample, 540 kB each at 243 frames.)

    Args:
        ann_file: the annotation npz, relative to ``data_root``.
        camera_param_file: ``cameras.pkl``, relative to ``data_root``.
        data_root: the data root.
        data_prefix: ``img`` is the image folder, relative to ``data_root``; ``dict(img='images/')`` by default.
        kwargs: further arguments of :class:`mmengine.dataset.BaseDataset`.

    Raises:
        InputError: see :class:`H36MAnnotation`.
    """

    # what MMPose's transforms and models look up in a sample
    _SAMPLE_METAINFO = ('flip_indices', 'flip_pairs', 'upper_body_ids', 'lower_body_ids', 'dataset_keypoint_weights')

    def __init__(
        self,
        ann_file: str,
        camera_param_file: str = 'annotation_body3d/cameras.pkl',
        data_root: str = '',
        data_prefix: dict | None = None,
        **kwargs,
    ) -> None:
        self.camera_param_file = Path(data_root, camera_param_file)
        data_prefix = dict(img='images/') if data_prefix is None else dict(data_prefix)
        paths = dict(ann_file=ann_file, data_root=data_root, data_prefix=data_prefix)
        super().__init__(**paths, serialize_data=False, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        """MMPose's joint names, flip pairs and colours of the 17 joints."""
        return parse_pose_metainfo(metainfo or get_config('mmpose::_base_/datasets/h36m.py').dataset_info)

    def load_data_list(self) -> np.ndarray:
        """Read the annotation; a sample is one or more integers, from which a subclass's ``build_sample`` makes it."""
        self.annotation = H36MAnnotation(self.ann_file, self.camera_param_file)
        return self.sample_ids()

    def _get_unserialized_subset(self, indices: int | list[int]) -> np.ndarray:
        """As MMEngine's, for ``indices`` and ``get_subset``, but an array stays one."""
        return np.asarray(super()._get_unserialized_subset(indices))

    def image_path(self, row: int) -> str:
        """Path of the image in row ``row`` of the annotation."""
        return f'{self.data_prefix["img"].rstrip("/")}/{self.annotation.img_names[row].decode()}'

    def sequence_info(self, sequence: Sequence) -> dict:
        """What is said of a sample's video, and under which boxes it was seen."""
        names = dict(sequence=sequence.name, subject=sequence.subject, action=sequence.action)
        return dict(names, bbox_policy=self.bbox_policy)

    def common_info(self) -> dict:
        """What all samples have in common."""
        metainfo = {key: self._metainfo[key] for key in self._SAMPLE_METAINFO}
        return dict(metainfo, test_mode=self.test_mode, dataset_name='h36m')

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """The pipeline's input for the ``idx``-th sample."""
        return dict(self.common_info(), **self.build_sample(self.data_list[idx]), sample_idx=idx)
