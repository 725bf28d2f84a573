from types import SimpleNamespace

import pytest
from mmengine.runner import BaseLoop
from mmpose.registry import HOOKS

LENSES = [dict(f=[1.1, 1.2], aspect=1.0), dict(f=[0.9, 0.9], aspect=0.5), dict(f=[1.1, 1.2], aspect=0.75)]


class Loop(BaseLoop):
    def run(self): ...


def dataset(metainfo, **parts):
    return SimpleNamespace(metainfo=metainfo, **parts)


def filmed(*cameras, rate=50.0):
    """A data set whose metainfo has cameras."""
    return dataset(dict(dataset_name='own', root_index=3, frame_rate=rate, cameras=[LENSES[i] for i in cameras]))


def completed(wrapper):
    runner = SimpleNamespace(_train_loop=Loop(None, []), train_dataloader=SimpleNamespace(dataset=wrapper))
    HOOKS.build(dict(type='DatasetMetaHook')).before_run(runner)
    return vars(wrapper).get('_metainfo')


@pytest.mark.parametrize('rate', [50.0, 25.0])
def test_all_cameras_in_wrappers_and_wrappers_in_them(rate):
    inner = dataset({}, dataset=filmed(1, 2, rate=rate))
    wrapper = dataset(dict(dataset_name='h36m'), datasets=[dataset(dict(dataset_name='coco')), filmed(0, 1), inner])
    expected = dict(dataset_name='h36m', root_index=3, cameras=LENSES, frame_rate=50.0 if rate == 50.0 else None)
    assert completed(wrapper) == expected


def test_other_data_sets_and_tests_are_left_alone():
    assert completed(filmed(0)) is None, 'which no wrapper holds'
    assert completed(dataset({}, datasets=[dataset({}), dataset({})])) is None
    HOOKS.build(dict(type='DatasetMetaHook')).before_run(SimpleNamespace(_train_loop=dict(type='EpochBasedTrainLoop')))
