import torch
from mmpose.registry import OPTIM_WRAPPERS
from torch import nn


def test_bfloat16_forward_and_float32_weights():
    model = nn.Linear(4, 2)
    wrapper = OPTIM_WRAPPERS.build(
        dict(type='CpuAmpOptimWrapper', optimizer=torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=2)
    )
    before = model.weight.detach().clone()
    wrapper.initialize_count_status(model, 0, 4)
    for _ in range(2):  # two steps make one update: accumulation still works under the context
        with wrapper.optim_context(model):
            out = model(torch.ones(3, 4))
        assert out.dtype == torch.bfloat16
        assert torch.equal(model.weight, before)
        wrapper.update_params(out.float().sum())
    assert model.weight.dtype == torch.float32 and not torch.equal(model.weight, before)
    assert model(torch.ones(3, 4)).dtype == torch.float32
