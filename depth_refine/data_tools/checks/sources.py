"""Which annotations a data root has, or the data sets of a config, and what belongs to them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mmpose.registry import DATASETS

from depth_refine.datasets import DepthImageDataset, H36MAnnotation, MotionDataset, PoseAnnotation
from depth_refine.datasets.depth_dataset import DepthDataset
from depth_refine.utils.config import find_datasets, is_dataset_type, load_config
from depth_refine.utils.errors import InputError

SPLITS = ('train', 'test')
_LOADERS = dict(train_dataloader='train', val_dataloader='test', test_dataloader='test')


@dataclass
class Source:
    """An annotation, not read yet."""

    path: Path
    read: Callable[[], PoseAnnotation]
    images: Path
    needs_images: bool
    splits: set[str]


@dataclass
class Sources:
    """What is checked together."""

    root: Path = Path()  # names of files in findings are relative to it
    annotations: list[Source] = field(default_factory=list)
    camera_files: list[Path] = field(default_factory=list)
    stores: list[Path] = field(default_factory=list)
    is_human36m: bool = False


def sources_of_root(root: Path) -> Sources:
    """Human3.6M's annotations in a data root, which may be none, and all its stores."""
    camera_file = root / 'annotation_body3d/cameras.pkl'
    found = Sources(root, camera_files=[camera_file], is_human36m=True)
    for folder in sorted((root / 'annotation_body3d').glob('fps*')):
        for split in SPLITS:
            if (path := folder / f'h36m_{split}.npz').is_file():
                read = partial(H36MAnnotation, path, camera_file)
                found.annotations.append(Source(path, read, root / 'images', True, {split}))
    found.stores = [file.parent for file in sorted((root / 'depth_sequences').rglob('store.json'))]
    return found


def sources_of_config(path: Path) -> Sources:
    """The annotations that the data loaders of a config read, each once, and their stores.

    Raises:
        InputError: ``path`` is not a config, a data set in it lacks what it needs, or none reads an annotation.
    """
    cfg, found, annotations = load_config(str(path), {}), Sources(), {}
    for loader, split in _LOADERS.items():
        for node in find_datasets(cfg.get(loader), DepthDataset):
            if is_dataset_type(node, MotionDataset):  # whose cameras are random
                continue
            dataset = DATASETS.build(dict(node, pipeline=[], lazy_init=True))
            ann_file, images = Path(dataset.ann_file), Path(dataset.data_prefix['img'])
            source = annotations.setdefault(
                ann_file.absolute(), Source(ann_file, dataset.read_annotation, images, False, set())
            )
            source.splits.add(split)
            source.needs_images |= isinstance(dataset, DepthImageDataset)
            store = None if getattr(dataset, 'input_source', 'gt').startswith('gt') else dataset.depth_store
            for paths, each in ((found.camera_files, dataset.camera_param_file), (found.stores, store)):
                if each is not None and each not in paths:
                    paths.append(each)
    if not annotations:
        raise InputError(
            f'{path} has no data set with an annotation to check: expected DepthImageDataset, DepthSequenceDataset or '
            'a subclass in a data loader. A motion file is checked when it is read'
        )
    found.annotations = list(annotations.values())
    return found
