import io
import pickle

from command_line import run_tool

import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader, Runner
from mmpose.registry import DATASETS

CODEC = dict(type='DepthSequenceLifting')


def windows(data_root, **changes):
    cfg = dict(
        type='H36MDepthSequenceDataset',
        data_root=str(data_root),
        ann_file='annotation_body3d/fps50/h36m_train.npz',
        input_source='gt2d',
        seq_len=3,
        pipeline=[dict(type='GenerateSequenceTarget', encoder=CODEC), dict(type='RandomSequenceFlip')],
    )
    return cfg | changes


def images(data_root, **changes):
    steps = [dict(type='LoadReadableImage'), dict(type='GetBBoxCenterScale'), dict(type='PackPoseInputs')]
    cfg = windows(data_root, type='H36MImageDataset', pipeline=steps)
    return {key: value for key, value in cfg.items() if key not in ('input_source', 'seq_len')} | changes


@pytest.fixture(scope='module')
def other_cameras(data_root, tmp_path_factory):
    """A camera file of higher frames."""
    cameras = pickle.loads((data_root / 'annotation_body3d/cameras.pkl').read_bytes())
    path = tmp_path_factory.mktemp('cameras') / 'cameras.pkl'
    path.write_bytes(pickle.dumps({key: dict(camera, h=camera['h'] + 8) for key, camera in cameras.items()}))
    return str(path)


@pytest.mark.parametrize('lazy', [False, True])
@pytest.mark.parametrize('wrapper', ['RepeatDataset', 'ConcatDataset', 'CombinedDataset'])
def test_wrapped_in_a_training(data_root, other_cameras, wrapper, lazy):
    one = windows(data_root, lazy_init=lazy)
    parts = dict(datasets=[one, dict(one, camera_param_file=other_cameras)], lazy_init=lazy)
    cfg = dict(
        RepeatDataset=dict(dataset=one, times=2, lazy_init=lazy),
        ConcatDataset=dict(parts, ignore_keys=['stats_info', 'cameras']),
        CombinedDataset=dict(parts, metainfo=dict(from_file='configs/_base_/datasets/h36m.py')),
    )
    loader = dict(batch_size=192, sampler=dict(type='DefaultSampler', shuffle=False))
    loader |= dict(dataset=dict(cfg[wrapper], type=wrapper), collate_fn=dict(type='merge_windows'))
    (batch,) = Runner.build_dataloader(loader)
    assert batch['inputs'].shape == (192, 3, 17, 2)
    labels = batch['data_samples'][0].gt_instance_labels.lifting_target_label
    assert labels.shape == (192, 17, 3) and np.linalg.norm(labels[:96] - labels[96:], axis=-1).max() < 2


def test_concatenated_data_sets_of_other_metainfo_are_one_message(data_root, other_cameras):
    parts = [windows(data_root), windows(data_root, camera_param_file=other_cameras)]
    for ignored, reason in (([], 'The truth value'), (['stats_info'], 'The meta information of the 2-th dataset')):
        wrapper = dict(type='ConcatDataset', datasets=parts, ignore_keys=ignored)
        expected = rf"^error: MMEngine does not concatenate .*: {reason} .* ignore_keys=\['stats_info', 'cameras'\] in"
        with pytest.raises(SystemExit, match=expected):
            run_tool(lambda wrapper=wrapper: DATASETS.build(wrapper))


@pytest.mark.parametrize('make', [windows, images])
def test_parts_of_a_data_set(data_root, make):
    whole = DATASETS.build(make(data_root))
    chosen = [7, 2, 90]
    for part in (DATASETS.build(make(data_root, indices=chosen)), whole.get_subset(chosen)):
        assert len(part) == 3
        for index, place in enumerate(chosen):
            expected, found = whole.get_data_info(place), part.get_data_info(index)
            assert found['sequence'] == expected['sequence']
            np.testing.assert_array_equal(found['keypoints'], expected['keypoints'])
    assert len(DATASETS.build(make(data_root, indices=5))) == 5 and len(whole) == 96


@pytest.mark.parametrize('make', [windows, images])
def test_metainfo_of_a_lazy_data_set(data_root, make):
    lazy, whole = DATASETS.build(make(data_root, lazy_init=True)), DATASETS.build(make(data_root))
    assert lazy.metainfo['root_index'] == 0 and 'cameras' not in lazy.metainfo
    lazy.full_init()
    assert pickle.dumps(lazy.metainfo) == pickle.dumps(whole.metainfo)


def test_metainfo_in_a_checkpoint_is_plain_data(data_root, tmp_path):
    """The keys that our data sets add load without our loader too; MMPose's arrays of colours need it."""
    metainfo = DATASETS.build(windows(data_root)).metainfo
    torch.save(dict(state_dict=dict(a=torch.ones(1)), meta=dict(dataset_meta=metainfo)), tmp_path / 'a.pth')
    loaded = CheckpointLoader.load_checkpoint(str(tmp_path / 'a.pth'))['meta']['dataset_meta']
    ours = ('root_index', 'frame_rate', 'cameras', 'causal', 'normalisation', 'depth_range')
    plain = {key: metainfo[key] for key in (*ours, 'keypoint_id2name', 'flip_indices', 'skeleton_links')}
    assert {key: loaded[key] for key in plain} == plain
    torch.save(plain, file := io.BytesIO())
    file.seek(0)
    assert torch.load(file, weights_only=True) == plain
