import pytest

from depth_refine.data_tools.checks.sources import sources_of_config, sources_of_root
from depth_refine.utils.errors import InputError

CONFIG = """
h36m = dict(data_root='data/')
lifting = dict(type='H36MDepthSequenceDataset', seq_len=3, **h36m)
images = dict(type='H36MImageDataset', ann_file='a.npz', data_prefix=dict(img='frames'), **h36m)
sequences = dict(ann_file='b.npz', input_source='2d', depth_store='s', **lifting)
true = dict(sequences, ann_file='a.npz', input_source='gt2d', depth_store='t')
motion = dict(type='MotionDataset', metainfo=dict(from_file='configs/_base_/datasets/h36m.py'), root='root', seq_len=3)
motion.update(motion_file='m.npz')
coco = dict(type='CocoBodyDataset', ann_file='c.json')
train_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[images, true, coco, motion]))
val_dataloader = dict(dataset=true)
test_dataloader = dict(dataset=dict(sequences, camera_param_file='c.pkl'))
"""


@pytest.fixture
def config(tmp_path):
    """A function that writes a config."""

    def write(text):
        (tmp_path / 'c.py').write_text(text)
        return tmp_path / 'c.py'

    return write


def test_a_config(config):
    """Each annotation once, with all its splits; no motion, no COCO, and no store that is not read."""
    found = sources_of_config(config(CONFIG))
    assert [(str(s.path), str(s.images), s.needs_images, s.splits) for s in found.annotations] == [
        ('data/a.npz', 'data/frames', True, {'train', 'test'}),
        ('data/b.npz', 'data/images', False, {'test'}),
    ]
    assert [str(file) for file in found.camera_files] == ['data/annotation_body3d/cameras.pkl', 'data/c.pkl']
    assert [str(store) for store in found.stores] == ['data/s'] and not found.is_human36m
    with pytest.raises(InputError, match=r'no annotation file .*a\.npz'):
        found.annotations[0].read()


def test_a_config_without_annotations(config):
    text = CONFIG[: CONFIG.index('train_dataloader')] + 'train_dataloader = dict(dataset=motion)'
    with pytest.raises(
        InputError, match=r'c\.py has no data set with an annotation to check: expected DepthImageDataset'
    ):
        sources_of_config(config(text))


def test_a_root(data_root):
    found = sources_of_root(data_root)
    assert [(s.path.name, s.splits) for s in found.annotations] == [
        ('h36m_test.npz', {'test'}),
        ('h36m_train.npz', {'train'}),
    ][::-1]
    assert found.is_human36m and found.annotations[0].read().skeleton.num_joints == 17
