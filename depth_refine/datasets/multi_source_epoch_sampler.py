"""Sampler of training samples from several data sets in fixed shares."""

import math
from collections.abc import Sequence

from mmpose.datasets import CombinedDataset
from mmpose.datasets.samplers import MultiSourceSampler
from mmpose.registry import DATA_SAMPLERS

from depth_refine.utils.errors import InputError


@DATA_SAMPLERS.register_module()
class MultiSourceEpochSampler(MultiSourceSampler):
    """:class:`mmpose.datasets.samplers.MultiSourceSampler` whose order depends on the epoch alone.

    Samples come in groups of ``sum(source_ratio)``, of which each source gives its part. A batch of any
    multiple of that size has the same shares, so that the batch size is set in the data loader alone. An epoch is one
    pass over the first source, spread over the ranks; the other sources give their share in random order, repeatedly if
    they are smaller.

    The base class has a batch size of its own, to be changed together with the data loader's; hangs if a source's share
    of it rounds to 0; ends an epoch after as many samples as all sources have together; and ignores the number of the
    epoch, so that a resumed run sees the samples of its first epochs again, in the same order.

    Args:
        dataset: the combined data set.
        source_ratio: how many samples of each source make up a group, each at least 1.
        seed: the same on all ranks; drawn and shared if None.

    Raises:
        InputError: the ratio is not one positive whole number for each source.

    Example:
        In a config, for a ``CombinedDataset`` of three, of which half of each batch is the first's:

            sampler = dict(type='MultiSourceEpochSampler', source_ratio=[2, 1, 1])
            train_dataloader = dict(batch_size=128, sampler=sampler)
    """

    def __init__(self, dataset: CombinedDataset, source_ratio: Sequence[int], seed: int | None = None) -> None:
        source_ratio = list(source_ratio)
        if len(source_ratio) != len(dataset.datasets) or not all(isinstance(n, int) and n > 0 for n in source_ratio):
            raise InputError(
                f'expected a source_ratio of {len(dataset.datasets)} positive whole numbers, one for each data set, '
                f'got {source_ratio}'
            )
        super().__init__(dataset, batch_size=sum(source_ratio), source_ratio=source_ratio, seed=seed)
        groups = math.ceil(len(dataset.datasets[0]) / (source_ratio[0] * self.world_size))
        self.num_samples = groups * self.batch_size
        self._first_seed = self.seed

    def set_epoch(self, epoch: int) -> None:
        """Start the order of an epoch, independently of earlier ones."""
        self.seed = self._first_seed + epoch
        self.source2inds = {
            source: self._indices_of_rank(len(dataset)) for source, dataset in enumerate(self.dataset.datasets)
        }
