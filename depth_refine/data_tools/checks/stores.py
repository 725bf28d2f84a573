"""Checks of depth sequence stores."""

import json
from pathlib import Path

import numpy as np

from depth_refine.datasets import H36MAnnotation, SequenceStore
from depth_refine.structures.skeleton import ROOT
from depth_refine.utils.errors import InputError

from .findings import Findings

_CHUNK = 50_000  # frames
_FAR = 50  # px; the mean error of a first stage that works is a few


def find_stores(root: Path) -> dict[Path, str | None]:
    """The stores below ``depth_sequences`` and the SHA-256 of the annotation that each names, None if it names none."""
    owners = {}
    for meta_file in sorted((root / 'depth_sequences').rglob('store.json')):
        try:
            owners[meta_file.parent] = str(json.loads(meta_file.read_text())['annotation']['sha256'])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            owners[meta_file.parent] = None
    return owners


def check_store(path: Path, annotation: H36MAnnotation, where: str, findings: Findings) -> None:
    """Look at every number of a store of ``annotation``.

    Args:
        path: the store.
        annotation: the annotation that it names.
        where: its name.
        findings: gets what there is to say.
    """
    try:
        store = SequenceStore(path, annotation)
    except InputError as error:
        findings.problem(where, str(error))
        return
    columns = 3 if store.has_depth else 2
    sums, broken = np.zeros(2), 0
    for start in range(0, len(annotation), _CHUNK):
        rows = slice(start, start + _CHUNK)
        found, poses = store.keypoints[rows, :, :columns], annotation.keypoints_3d[rows]
        finite = np.isfinite(found).all(axis=(1, 2)) & np.isfinite(store.scores[rows]).all(axis=1)
        broken += np.sum(~finite)
        distances = np.linalg.norm(found[..., :2] - annotation.keypoints[rows], axis=-1)
        sums[0] += distances[finite].sum()
        if store.has_depth:
            sums[1] += np.abs(found[..., 2] - (poses[..., 2] - poses[:, ROOT, None, 2]))[finite].sum()
    if broken:
        findings.problem(where, f'{broken:,} of {len(annotation):,} frames are not finite. Make the store again.')
        return
    error_2d, error_depth = sums / annotation.keypoints[..., 0].size
    depth = f'{1000 * error_depth:.1f} mm in depth' if store.has_depth else 'without depths'
    message = f'bbox_policy {store.bbox_policy!r}, mean error against the annotation {error_2d:.1f} px, {depth}'
    (findings.note if error_2d > _FAR else findings.ok)(where, message)
