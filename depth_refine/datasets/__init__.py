"""Data: annotations, frames (stage 1), depth sequences (stage 2) and the store between them."""

from . import transforms
from .annotation_writer import AnnotatedSequence, write_annotation
from .body_2d_datasets import CocoBodyDataset, MpiiBodyDataset
from .camera_file import load_cameras
from .collate_functions import merge_images, merge_windows
from .depth_image_dataset import DepthImageDataset
from .depth_sequence_dataset import DepthSequenceDataset
from .h36m_datasets import H36MAnnotation, H36MDepthSequenceDataset, H36MImageDataset
from .motion_dataset import MotionDataset
from .multi_source_epoch_sampler import MultiSourceEpochSampler
from .pose_annotation import PoseAnnotation
from .sequence_store import SequenceStore, write_sequence_store

__all__ = [
    'AnnotatedSequence',
    'CocoBodyDataset',
    'DepthImageDataset',
    'DepthSequenceDataset',
    'H36MAnnotation',
    'H36MDepthSequenceDataset',
    'H36MImageDataset',
    'MotionDataset',
    'MpiiBodyDataset',
    'MultiSourceEpochSampler',
    'PoseAnnotation',
    'SequenceStore',
    'load_cameras',
    'merge_images',
    'merge_windows',
    'transforms',
    'write_annotation',
    'write_sequence_store',
]
