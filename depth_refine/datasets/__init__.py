"""Data: annotations in Human3.6M's layout, frames (stage 1), depth sequences (stage 2) and the store between them."""

from . import transforms
from .annotation_writer import AnnotatedSequence, write_annotation
from .body_2d_datasets import CocoBodyDataset, MpiiBodyDataset
from .collation import merge_images, merge_windows
from .h36m_annotation import H36MAnnotation
from .h36m_cameras import load_cameras
from .h36m_depth_sequence_dataset import H36MDepthSequenceDataset
from .h36m_image_dataset import H36MImageDataset
from .multi_source_epoch_sampler import MultiSourceEpochSampler
from .sequence_store import SequenceStore, write_sequence_store

__all__ = [
    'AnnotatedSequence',
    'CocoBodyDataset',
    'H36MAnnotation',
    'H36MDepthSequenceDataset',
    'H36MImageDataset',
    'MpiiBodyDataset',
    'MultiSourceEpochSampler',
    'SequenceStore',
    'load_cameras',
    'merge_images',
    'merge_windows',
    'transforms',
    'write_annotation',
    'write_sequence_store',
]
