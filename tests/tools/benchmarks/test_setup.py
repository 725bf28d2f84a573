import dataclasses

import torch
from benchmarks import setup as module


def test_machine(setup, tmp_path, monkeypatch):
    a, b = torch.randn(10, 20), torch.randn(20, 30)
    assert setup.ideal(lambda: a @ b, 5, 'bf16') == 2 * 10 * 20 * 30 / 5 / 4e9
    monkeypatch.setattr(module, '_CPU_INFO', tmp_path / 'cpuinfo')
    assert not module.has_amx()
    (tmp_path / 'cpuinfo').write_text('model name\t: Abacus 2\nflags\t\t: fpu amx_bf16 amx_tile\n')
    assert module.has_amx()
    words = module.describe(setup)
    assert words.startswith('Abacus 2 without AMX, ') and f'PyTorch {torch.__version__}' in words
    assert words.endswith('a large matrix product: 1 GFLOP/s in fp32 and 4 GFLOP/s in bf16')
    assert module.describe(dataclasses.replace(setup, amx=True)).startswith('Abacus 2 with AMX, ')
