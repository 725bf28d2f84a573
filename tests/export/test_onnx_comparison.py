import pytest
import torch
from torch import nn

from depth_refine.export.onnx_comparison import compare_with_torch


class Sum(nn.Module):
    def __init__(self, offset):
        super().__init__()
        self.offset = offset

    def forward(self, x):
        return x.sum(dim=1) + self.offset


def test_difference_is_the_largest_one(tmp_path):
    path = tmp_path / 'sum.onnx'
    torch.onnx.export(Sum(0.0), (torch.rand(3, 4),), path, dynamo=True, verbose=False)
    inputs = torch.rand(3, 4)
    assert compare_with_torch(Sum(0.0), path, inputs).difference < 1e-6
    result = compare_with_torch(lambda x: Sum(0.0)(x) + torch.tensor([0.0, -0.25, 0.125]), path, inputs)
    assert result.difference == pytest.approx(0.25, abs=1e-6)
    assert result.torch_seconds > 0 and result.onnx_seconds > 0
