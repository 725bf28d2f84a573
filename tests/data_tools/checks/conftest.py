import pytest

from depth_refine.datasets import H36MAnnotation


@pytest.fixture
def annotation(data_root):
    """8 videos of 12 frames, 4 cameras; its arrays may be changed."""
    folder = data_root / 'annotation_body3d'
    return H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')
