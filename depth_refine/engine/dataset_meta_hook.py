"""Hook for the metainfo that checkpoints have of training data in a wrapper."""

from collections.abc import Iterator

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from mmpose.registry import HOOKS
from torch.utils.data import Dataset


@HOOKS.register_module()
class DatasetMetaHook(Hook):
    """Add root, frame rate and cameras of all data sets in a wrapper to the metainfo in checkpoints.

    MMEngine writes the training data set's ``metainfo`` into checkpoints. A ``CombinedDataset`` has only that of its
    config, and a ``ConcatDataset`` that of its first data set. This hook adds what our data sets have, with the cameras
    of all of them, and with no frame rate if theirs differ.

    Example:
        In a config:

            custom_hooks = [dict(type='DatasetMetaHook')]
    """

    def before_run(self, runner: Runner) -> None:
        """Complete the metainfo, before MMEngine compares it with that of a resumed checkpoint."""
        if not isinstance(runner._train_loop, BaseLoop):  # a test
            return
        wrapper = runner.train_dataloader.dataset
        metas = [dataset.metainfo for dataset in _wrapped(wrapper)]
        metas = [meta for meta in metas if 'cameras' in meta]
        if not metas:
            return
        cameras = [camera for meta in metas for camera in meta['cameras']]
        rates = {meta['frame_rate'] for meta in metas}
        wrapper._metainfo = metas[0] | wrapper.metainfo
        wrapper._metainfo.update(
            cameras=[camera for index, camera in enumerate(cameras) if camera not in cameras[:index]],
            frame_rate=rates.pop() if len(rates) == 1 else None,
        )


def _wrapped(dataset: Dataset) -> Iterator[Dataset]:
    """The data sets in a wrapper of MMEngine or MMPose, and in wrappers in it; none if it is not a wrapper."""
    for part in [*getattr(dataset, 'datasets', ()), *filter(None, [getattr(dataset, 'dataset', None)])]:
        yield from list(_wrapped(part)) or [part]
