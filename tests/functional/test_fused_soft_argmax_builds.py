"""That the kernels compile for a GPU, on any machine."""

import pytest
import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

from depth_refine.functional.fused_soft_argmax import fused_soft_argmax_3d


@pytest.fixture
def compiled(monkeypatch):
    """The kernels of all calls, which are compiled for a GPU, and not launched."""

    class Driver:
        def get_current_target(self):
            return GPUTarget('cuda', 90, 32)

        def get_current_device(self):
            return -1  # none that a kernel is launched on later

        def get_current_stream(self, device):
            return 0

    kernels = {}

    def run(function, *args, run=JITFunction.run, **kwargs):
        kernels[function.__name__] = run(function, *args, **(kwargs | dict(warmup=True)))

    monkeypatch.setattr(JITFunction, 'run', run)
    # an attribute, or behind a property that looks for a GPU, by Triton's version
    monkeypatch.setattr(driver, '_active' if hasattr(type(driver), 'active') else 'active', Driver())
    return kernels


@pytest.mark.parametrize('memory_format', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_compiles_for_a_gpu(compiled, dtype, memory_format):
    logits = torch.empty(1, 17 * 72, 64, 64, dtype=dtype).contiguous(memory_format=memory_format).unflatten(1, (17, 72))
    fused_soft_argmax_3d(logits.requires_grad_()).sum().backward()
    assert list(compiled) == ['_sum_tiles', '_find_coordinates', '_find_gradient']
    assert all(kernel.asm['cubin'] for kernel in compiled.values())
    if memory_format == torch.contiguous_format:  # 16 bytes at once
        assert all('ld.global.v4.b32' in compiled[name].asm['ptx'] for name in ('_sum_tiles', '_find_gradient'))
