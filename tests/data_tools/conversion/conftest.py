import pytest

from depth_refine.datasets import H36MAnnotation
from depth_refine.synthetic import writer


@pytest.fixture(scope='session')
def moving(tmp_path_factory):
    """An annotation of 12 videos of 150 frames of 1000 px: three activities, four cameras."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, '_write_images', lambda *_: None)
        root = writer.make_synthetic(
            tmp_path_factory.mktemp('moving') / 'h36m',
            frames=150,
            image_size=1000,
            subjects=('S1', 'S9'),
            activities=('Walking', 'Greeting', 'Waiting'),
        )
    return H36MAnnotation(root / 'annotation_body3d/fps50/h36m_test.npz', root / 'annotation_body3d/cameras.pkl')
