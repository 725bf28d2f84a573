from pathlib import Path

import pytest
from benchmarks.crowd import measure_crowd

CONFIG = Path(__file__).parents[3] / 'configs/demo/integral.py'


@pytest.mark.slow
def test_trains_alone_and_beside_others(data_root):
    options = dict(train_dataloader__num_workers=0, train_dataloader__batch_size=4)
    crowd = measure_crowd(CONFIG, data_root, busy_processes=1, iterations=2, **options)
    assert crowd.alone > 0 and crowd.beside > 0 and crowd.ratio == crowd.beside / crowd.alone


@pytest.mark.slow
def test_a_training_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match=r'(?s)training ended after 0 iterations:.*error: .*no annotation'):
        measure_crowd(CONFIG, tmp_path)
