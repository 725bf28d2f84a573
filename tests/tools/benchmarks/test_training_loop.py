import numpy as np
from benchmarks import training_loop
from mmengine.optim import OptimWrapper


def test_rates_are_of_the_steps_after_the_warm_up(setup, tmp_path, monkeypatch):
    moments = iter(np.cumsum([9, 8, 7, 0.5, 0.25]).tolist())  # ends of five steps of ten windows
    monkeypatch.setattr(training_loop.time, 'perf_counter', lambda: next(moments))
    updates, update = [], OptimWrapper.update_params
    monkeypatch.setattr(OptimWrapper, 'update_params', lambda self, loss: updates.append(loss) or update(self, loss))
    work = training_loop.train(setup.configs / 'refiner_27.py', tmp_path, channels=8, batch=10, steps=2)
    assert work().tolist() == [20, 40]
    assert len(updates) == 5 and not list(tmp_path.glob('work_dir/*.pth'))
