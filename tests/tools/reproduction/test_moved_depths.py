import re
import shutil

import numpy as np
from documents import ROOT, blocks

from depth_refine.datasets import H36MAnnotation, SequenceStore


def test_example_of_the_results(data_root, make_stores, tmp_path, monkeypatch):
    """Depths go half of the way to the truth, pixels stay."""
    text = (ROOT / 'docs/results.md').read_text()
    (example,) = [block for _, block in blocks(text, 'python') if 'write_sequence_store' in block]
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / re.search(r"root = '(.+)'", example)[1]
    folder.parent.mkdir(parents=True)
    folder.symlink_to(shutil.copytree(data_root, tmp_path / 'copy', ignore=shutil.ignore_patterns('images')))
    make_stores(folder / 'stores', train=dict(amp=False), test=dict(amp=False))
    exec(example, {})
    for split in ('train', 'test'):
        annotation = H36MAnnotation(
            folder / f'annotation_body3d/fps50/h36m_{split}.npz', folder / 'annotation_body3d/cameras.pkl'
        )
        before, after = (
            SequenceStore(folder / name / f'h36m_{split}', annotation) for name in ('stores', 'stores_half')
        )
        truth = annotation.keypoints_3d[..., 2] - annotation.keypoints_3d[:, :1, 2]
        errors = before.keypoints[..., 2] - truth
        assert np.abs(errors).max() > 0.09
        np.testing.assert_allclose(after.keypoints[..., 2] - truth, errors / 2, atol=1e-6)
        np.testing.assert_array_equal(after.keypoints[..., :2], before.keypoints[..., :2])
