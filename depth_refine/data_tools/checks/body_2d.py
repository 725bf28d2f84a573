"""Checks of COCO and MPII as 2D sources of the first stage."""

import os
from pathlib import Path

from depth_refine.datasets.body_2d_datasets import CocoBodyDataset, MpiiBodyDataset
from depth_refine.utils.errors import InputError

from .findings import Findings
from .images import missing_files

_FILES = {  # per data set: annotation file and image folder
    CocoBodyDataset: (
        ('annotations/person_keypoints_train2017.json', 'train2017'),
        ('annotations/person_keypoints_val2017.json', 'val2017'),
    ),
    MpiiBodyDataset: (('annotations/mpii_train.json', 'images'), ('annotations/mpii_val.json', 'images')),
}


def check_body_2d(dataset_class: type, root: Path, findings: Findings) -> None:
    """Read every annotation file of a data set as training does, and look for the images of its persons.

    Args:
        dataset_class: one of :class:`CocoBodyDataset` and :class:`MpiiBodyDataset`.
        root: its data root in MMPose's layout.
        findings: gets what there is to say.
    """
    there = [(file, folder) for file, folder in _FILES[dataset_class] if (root / file).is_file()]
    if not there:
        findings.problem(
            str(root), f'no annotations: expected {" or ".join(file for file, _ in _FILES[dataset_class])}'
        )
    for file, folder in there:
        where = str(root / file)
        try:
            dataset = dataset_class(ann_file=file, data_root=str(root), data_prefix=dict(img=folder))
        except InputError as error:
            findings.problem(where, str(error))
            continue
        persons = len(dataset)
        names = sorted({dataset.get_data_info(index)['img_path'] for index in range(persons)})
        dropped = ', '.join(f'{reason} ({count})' for reason, count in dataset.dropped.items() if count)
        findings.ok(where, f'{persons:,} persons in {len(names):,} images; left out: {dropped or "none"}')
        missing = missing_files(Path(), map(os.fsencode, names))
        if missing:
            findings.problem(
                where,
                f'{len(missing):,} of {len(names):,} images are missing, first {names[missing[0]]}. Unpack them.',
            )
