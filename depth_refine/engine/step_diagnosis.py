"""Diagnosis, in words, of a training step whose loss or gradient is not finite."""

from collections.abc import Iterator

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import get_world_size
from torch import Tensor, nn

_LARGEST = 300.0  # training reads images up to 255 and coordinates of about 1; a person's mm and px are larger
_LISTED = 3  # of a kind, in a message


def diagnose(batches: list[dict], losses: list[dict[str, Tensor]], model: nn.Module, dataset: BaseDataset) -> str:
    """Name the bad inputs and their samples or, if all inputs are good, where the network diverged.

    Args:
        batches: the batches of the step: ``inputs`` (B, ...) and ``data_samples`` with ``gt_instance_labels``, packed
            one by one, or merged by ``merge_images`` or ``merge_windows``.
        losses: of each batch, by name.
        model: the model, with its gradients if it still has them.
        dataset: the training data set, which names samples that have no name.

    Returns:
        Sentences.
    """
    bad_losses = {k: v for each in losses for k, v in each.items() if not torch.isfinite(v) and k != 'loss'}
    what = ' and '.join(f'{name} is {value:.3g}' for name, value in bad_losses.items())
    faults = [fault for batch in batches for fault in _bad_inputs(batch, dataset)]
    cause = f'Bad input: {_listed(faults, "; ")}' if faults else _divergence(batches, model, dataset)
    return f'{what or "the loss is finite, its gradient is not"}. {cause}.'


def sample_names(batch: dict, dataset: BaseDataset) -> list[str]:
    """Names of a batch's samples: an image's path with its id, or the data set's name for ``sample_idx``."""
    names, per_element = [], len(batch['inputs']) // len(batch['data_samples'])
    for element in batch['data_samples']:
        info = element.metainfo
        if 'img_path' in info:
            paths = np.atleast_1d(info['img_path'])  # one, or those of merged samples
            ids = np.broadcast_to(info.get('id', 'unknown'), paths.shape)
            names += [f'{path} (id {id_})' for path, id_ in zip(paths, ids, strict=True)]
        elif 'sample_idx' in info and hasattr(dataset, 'sample_name'):
            names += [dataset.sample_name(index) for index in torch.as_tensor(info['sample_idx']).flatten().tolist()]
        else:
            names += [f'sample {len(names) + i} of the batch' for i in range(per_element)]
    return names


def _bad_inputs(batch: dict, dataset: BaseDataset) -> list[str]:
    """Inputs and labels that are not finite or, if all are, those that are far outside their range."""
    named = list(_tensors(batch))
    for fault_of in (_not_finite, _far_outside):
        if faults := [(sample, name, fault) for sample, name, values in named if (fault := fault_of(values))]:
            names = sample_names(batch, dataset)
            return [f'{name} of {names[sample]} {fault}' for sample, name, fault in faults]
    return []


def _tensors(batch: dict) -> Iterator[tuple[int, str, Tensor]]:
    """Inputs and labels: place of the sample in the batch, name, numbers."""
    for sample, values in enumerate(batch['inputs']):
        yield sample, 'inputs', values
    per_element = len(batch['inputs']) // len(batch['data_samples'])
    for element, packed in enumerate(batch['data_samples']):
        labels = packed.get('gt_instance_labels', {})
        for name, values in ((name, labels[name]) for name in sorted(labels.keys())):
            for part, of_one in enumerate(values.unflatten(0, (per_element, -1))):
                yield element * per_element + part, name, of_one


def _not_finite(values: Tensor) -> str | None:
    bad = ~values.isfinite()
    if not bad.any():
        return None
    first = bad.nonzero()[0].tolist()
    return f'holds {values[tuple(first)].item()} at {first} of {list(values.shape)}, {int(bad.sum())} such numbers'


def _far_outside(values: Tensor) -> str | None:
    if not len(values) or (largest := values.abs().max().item()) <= _LARGEST:
        return None
    return f'reaches {largest:.4g} where about 1 is expected, as pixels or millimetres do'


def _divergence(batches: list[dict], model: nn.Module, dataset: BaseDataset) -> str:
    names = [name for batch in batches for name in sample_names(batch, dataset)]
    distributed = get_world_size() > 1
    where, others = (' of this process', ', or another process had bad input') if distributed else ('', '')
    parameters = dict(model.named_parameters())
    sizes = {name: parameter.detach().abs().max() for name, parameter in parameters.items()}
    largest = max(sizes, key=lambda name: torch.nan_to_num(sizes[name], nan=torch.inf))
    bad = [name for name, p in parameters.items() if p.grad is not None and not p.grad.isfinite().all()]
    return (
        f'All inputs{where} are finite ({len(names)} samples: {_listed(names, ", ")}): the network diverged{others}. '
        f'Its largest weight is {sizes[largest]:.3g} in {largest}; the gradient is not finite in '
        f'{_listed(bad, ", ") or "weights unknown"}. Lower the learning rate, or clip gradients with '
        'optim_wrapper.clip_grad=dict(max_norm=1.0)'
    )


def _listed(items: list[str], separator: str) -> str:
    more = f' and {len(items) - _LISTED} more' if len(items) > _LISTED else ''
    return separator.join(items[:_LISTED]) + more
