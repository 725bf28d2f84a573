import numpy as np
import pytest

from depth_refine.datasets import H36MAnnotation
from depth_refine.functional.camera import project


@pytest.fixture
def annotation(data_root):
    """8 videos of 12 frames, 4 cameras; its arrays may be changed."""
    folder = data_root / 'annotation_body3d'
    return H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')


@pytest.fixture
def map_joints():
    """A function that maps the 3D joints of each video by its camera."""

    def map_joints(annotation, function):
        videos = zip(annotation.sequences, annotation.cameras, strict=True)
        values = [function(annotation.keypoints_3d[each.rows].astype(float), camera) for each, camera in videos]
        order = np.argsort(np.concatenate([sequence.rows for sequence in annotation.sequences]))
        return np.concatenate(values)[order].astype(np.float32)

    return map_joints


@pytest.fixture
def large(annotation, map_joints):
    """Images as large as Human3.6M's, so that lenses matter."""
    annotation.cameras = [dict(camera, f=camera['f'] * 16, c=camera['c'] * 16) for camera in annotation.cameras]
    annotation.keypoints = map_joints(annotation, project)
    annotation.scale = annotation.scale * 16
    return annotation
