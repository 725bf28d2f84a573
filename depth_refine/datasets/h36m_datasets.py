"""Annotation and data sets with Human3.6M's joints and root."""

from pathlib import Path

from mmpose.registry import DATASETS

from depth_refine.structures.skeleton import H36M

from .depth_image_dataset import DepthImageDataset
from .depth_sequence_dataset import DepthSequenceDataset
from .pose_annotation import PoseAnnotation

_METAINFO = dict(from_file='configs/_base_/datasets/h36m.py')


class H36MAnnotation(PoseAnnotation):
    """:class:`PoseAnnotation` with Human3.6M's 17 joints in MMPose's order.

    Example:
        >>> import tempfile
        >>> from depth_refine.datasets import H36MAnnotation
        >>> from depth_refine.synthetic import make_synthetic
        >>> few = dict(frames=1, image_size=32, workers=1, subjects=['S1', 'S9'], activities=['Walking'])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = make_synthetic(f'{folder}/data', **few) / 'annotation_body3d'
        ...     annotation = H36MAnnotation(data / 'fps50/h36m_test.npz', data / 'cameras.pkl')
        >>> annotation.skeleton.num_joints, {sequence.subject for sequence in annotation.sequences}
        (17, {'S9'})
    """

    def __init__(self, ann_file: str | Path, camera_file: str | Path) -> None:
        super().__init__(ann_file, camera_file, H36M)


@DATASETS.register_module()
class H36MImageDataset(DepthImageDataset):
    """:class:`DepthImageDataset` with Human3.6M's 17 joints in MMPose's order.

    Example:
        In a config, every fifth frame of the training data:

            train_dataloader = dict(
                dataset=dict(
                    type='H36MImageDataset',
                    data_root='data/h36m/',
                    ann_file='annotation_body3d/fps50/h36m_train.npz',
                    frame_step=5,
                )
            )
    """

    METAINFO = _METAINFO
    ROOT = 'root'


@DATASETS.register_module()
class H36MDepthSequenceDataset(DepthSequenceDataset):
    """:class:`DepthSequenceDataset` with Human3.6M's 17 joints in MMPose's order.

    Example:
        In a config, windows of 27 frames of a first stage's predictions:

            train_dataloader = dict(
                dataset=dict(
                    type='H36MDepthSequenceDataset',
                    data_root='data/h36m/',
                    ann_file='annotation_body3d/fps50/h36m_train.npz',
                    input_source='2d+depth',
                    depth_store='depth_sequences/integral_h36m/h36m_train',
                    seq_len=27,
                )
            )
    """

    METAINFO = _METAINFO
    ROOT = 'root'
