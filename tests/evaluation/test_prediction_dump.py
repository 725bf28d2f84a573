import pickle

import numpy as np
import pytest
import torch

from depth_refine.evaluation.prediction_dump import read_predictions
from depth_refine.utils.errors import InputError


def test_what_mmengine_dumps(tmp_path):
    samples = [
        dict(sequence='S1', flip_test=None, pred_instances=dict(keypoints=torch.rand(3, 17, 3)), rows=np.arange(3)),
        dict(sequence='S9', flip_test=True, pred_instances=dict(keypoints=torch.rand(2, 17, 3)[:, 1:]), rows=[1, 2]),
    ]
    (tmp_path / 'predictions.pkl').write_bytes(pickle.dumps(samples))
    read = read_predictions(tmp_path / 'predictions.pkl')
    for sample, expected in zip(read, samples, strict=True):
        assert (sample['sequence'], sample['flip_test']) == (expected['sequence'], expected['flip_test'])
        torch.testing.assert_close(sample['pred_instances'], expected['pred_instances'], rtol=0, atol=0)
        np.testing.assert_array_equal(sample['rows'], expected['rows'])


@pytest.mark.parametrize('content', [None, pickle.dumps([{}])[:-3], pickle.dumps(print), pickle.dumps([1])])
def test_other_files(tmp_path, content):
    if content:
        (tmp_path / 'predictions.pkl').write_bytes(content)
    message = ': expected a list of one dict' if content == pickle.dumps([1]) else ' is not a readable file of pred'
    with pytest.raises(InputError, match=rf'predictions\.pkl{message}'):
        read_predictions(tmp_path / 'predictions.pkl')
