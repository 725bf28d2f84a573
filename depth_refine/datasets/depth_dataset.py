"""Base class of the image and the sequence data sets."""

import itertools
from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset, force_full_init

from depth_refine.structures.camera import normalised_cameras
from depth_refine.structures.skeleton import Skeleton, parse_metainfo
from depth_refine.utils.errors import InputError

from .pose_annotation import PoseAnnotation, Sequence


class DepthDataset(BaseDataset):
    """Base of data sets over an annotation.

    The annotation stays in a few large arrays, which worker processes share; samples are made on request. (MMPose's
    ``Human36mDataset`` copies every window of every sample, 540 kB each at 243 frames.)

    Beside MMPose's keys, ``metainfo`` gets ``root_index``; ``frame_rate``, frames a second, and ``cameras``, see
    :func:`normalised_cameras`, from the annotation; and ``normalisation`` and ``depth_range`` from the pipeline's
    codec. MMEngine stores the metainfo in checkpoints, where inference reads it.

    Args:
        ann_file: the annotation npz, relative to ``data_root``, see :mod:`depth_refine.datasets.pose_annotation`.
        camera_param_file: ``cameras.pkl``, relative to ``data_root``, see :func:`load_cameras`.
        data_root: the data root.
        data_prefix: ``img`` is the image folder, relative to ``data_root``; ``dict(img='images/')`` by default.
        metainfo: MMPose's, a dict or ``dict(from_file=...)``: the joints, their links and pairs.
        root: name or index of the root joint.
        kwargs: further arguments of :class:`mmengine.dataset.BaseDataset`.

    Attributes:
        skeleton: the joints, from the metainfo.
        annotation: the annotation.

    Raises:
        InputError: see :class:`Skeleton` and :class:`PoseAnnotation`; a codec of the pipeline has another root or
            another number of joints.
    """

    METAINFO: dict = {}
    ROOT: str | int | None = None
    # what MMPose's transforms and models look up in a sample
    _SAMPLE_METAINFO = (
        *('flip_indices', 'flip_pairs', 'upper_body_ids', 'lower_body_ids', 'dataset_keypoint_weights'),
        'root_index',
    )

    def __init__(
        self,
        ann_file: str,
        camera_param_file: str = 'annotation_body3d/cameras.pkl',
        data_root: str = '',
        data_prefix: dict | None = None,
        metainfo: dict | None = None,
        root: str | int | None = None,
        **kwargs,
    ) -> None:
        self.camera_param_file = Path(data_root, camera_param_file)
        data_prefix = dict(img='images/') if data_prefix is None else dict(data_prefix)
        paths = dict(ann_file=ann_file, data_root=data_root, data_prefix=data_prefix)
        metainfo, self.skeleton = self._load_metainfo(metainfo), self.skeleton_of(metainfo, root)
        metainfo['root_index'] = self.skeleton.root
        super().__init__(**paths, metainfo=metainfo, serialize_data=False, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        """MMPose's parsed metainfo of a data set: names, links, pairs, colours."""
        if not (metainfo or cls.METAINFO):
            raise InputError(
                f"{cls.__name__} needs metainfo, the joints: MMPose's, as dict(from_file='my_skeleton.py'). "
                'docs/own_data.md shows one'
            )
        return dict(parse_metainfo(metainfo or cls.METAINFO))

    @classmethod
    def skeleton_of(cls, metainfo: dict | None, root: str | int | None) -> Skeleton:
        """The joints of a data set of this class with these arguments."""
        return Skeleton.from_metainfo(cls._load_metainfo(metainfo), cls.ROOT if root is None else root)

    def load_data_list(self) -> np.ndarray:
        """Read the annotation; give one or more integers for each sample, which a subclass's ``build_sample`` takes."""
        self._check_codecs()
        self.annotation = self.read_annotation()
        cameras = normalised_cameras(self.annotation.cameras)
        self._metainfo.update(frame_rate=self.annotation.frame_rate, cameras=cameras)
        codecs = filter(None, (getattr(step, 'encoder', None) for step in self.pipeline.transforms))
        for codec, key in itertools.product(codecs, ('normalisation', 'depth_range')):
            if hasattr(codec, key):
                self._metainfo[key] = getattr(codec, key)
        return self.sample_ids()

    def read_annotation(self) -> PoseAnnotation:
        """Read the annotation of all frames."""
        return PoseAnnotation(self.ann_file, self.camera_param_file, self.skeleton)

    def _check_codecs(self) -> None:
        """Refuse codecs of another skeleton."""
        for codec in filter(None, (getattr(step, 'encoder', None) for step in self.pipeline.transforms)):
            expected = dict(num_keypoints=self.skeleton.num_joints, root_index=self.skeleton.root)
            for name, value in expected.items():
                found = getattr(codec, name, value)
                found = found[0] if isinstance(found, list) and len(found) == 1 else found  # MMPose's root_index
                if found != value:
                    raise InputError(
                        f'{type(codec).__name__} has {name}={found}, and the metainfo of {type(self).__name__} '
                        f'({self._metainfo.get("dataset_name")}) {value}: give both the same'
                    )

    def _get_unserialized_subset(self, indices: int | list[int]) -> np.ndarray:
        """As MMEngine's, for ``indices`` and ``get_subset``, but an array stays one."""
        return np.asarray(super()._get_unserialized_subset(indices))

    def image_path(self, row: int) -> str:
        """Path of the image in row ``row`` of the annotation."""
        return f'{self.data_prefix["img"].rstrip("/")}/{self.annotation.img_names[row].decode()}'

    def sequence_info(self, sequence: Sequence, rows: int | np.ndarray) -> dict:
        """Metadata of a sample's video: names, the action of its rows, and the bounding-box policy."""
        actions = self.annotation.actions
        action = sequence.action if actions is None else actions[rows].tolist()
        return dict(sequence=sequence.name, subject=sequence.subject, action=action, bbox_policy=self.bbox_policy)

    def common_info(self) -> dict:
        """Metadata that all samples share."""
        metainfo = {key: self._metainfo[key] for key in self._SAMPLE_METAINFO}
        return dict(metainfo, test_mode=self.test_mode, dataset_name=self._metainfo['dataset_name'])

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """The pipeline's input for the ``idx``-th sample."""
        return dict(self.common_info(), **self.build_sample(self.data_list[idx]), sample_idx=idx)
