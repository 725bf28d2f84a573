import mmpose.datasets.samplers
import pytest
from mmpose.datasets import CombinedDataset

from depth_refine.datasets import MultiSourceEpochSampler
from depth_refine.utils.errors import InputError


class Sources(CombinedDataset):
    """A combined data set with given numbers of samples, but without samples."""

    def __init__(self, *lengths):
        self.datasets = [range(length) for length in lengths]
        self._lens = list(lengths)
        self._len = sum(lengths)
        self._fully_initialized = True


def build(monkeypatch, lengths, ratio, rank=0, ranks=1, epoch=0):
    monkeypatch.setattr(mmpose.datasets.samplers, 'get_dist_info', lambda: (rank, ranks))
    sampler = MultiSourceEpochSampler(Sources(*lengths), ratio, seed=3)
    sampler.set_epoch(epoch)
    return sampler


def test_an_epoch_is_a_pass_over_the_first_source_in_groups(monkeypatch):
    sampler = build(monkeypatch, (21, 5, 40), [2, 1, 1])
    indices = list(sampler)
    assert len(indices) == len(sampler) == 44
    assert [(index >= 21) + (index >= 26) for index in indices] == [0, 0, 1, 2] * 11
    first, small, large = ([i for i in indices if low <= i < high] for low, high in ((0, 21), (21, 26), (26, 66)))
    assert set(first) == set(range(21)) and first != sorted(first)  # the last group is filled up
    assert [sorted(small[i : i + 5]) for i in (0, 5)] == [list(range(21, 26))] * 2  # whole passes over the smaller one
    assert len(set(large)) == len(large) == 11


def test_ranks_share_an_epoch(monkeypatch):
    ranks = [list(build(monkeypatch, (24, 20, 30), [2, 1, 1], rank, ranks=3, epoch=5)) for rank in range(3)]
    assert [len(indices) for indices in ranks] == [16] * 3
    assert len(set().union(*ranks)) == 48
    assert set(range(24)) <= set().union(*ranks)


def test_epochs_differ_and_do_not_depend_on_those_before(monkeypatch):
    samplers = [build(monkeypatch, (22, 5, 40), [2, 1, 1], epoch=epoch) for epoch in range(3)]
    epochs = [list(sampler) for sampler in samplers]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    samplers[0].set_epoch(2)
    assert list(samplers[0]) == epochs[2]


@pytest.mark.parametrize('ratio', [[1, 1], [2, 0, 1], [2, 1, 0.5], [2, 1, -1]])
def test_ratio_that_cannot_be_used(ratio):
    with pytest.raises(InputError, match=r'expected a source_ratio of 3 positive whole numbers, .* got \['):
        MultiSourceEpochSampler(Sources(4, 4, 4), ratio)
