import pytest
import torch
from benchmarks.networks import build_mmpose, build_refiner, count_flops
from benchmarks.refiner_inference import make_video


def test_one_size(setup):
    ours, theirs = build_refiner(setup, 24).eval(), build_mmpose(setup, 24).eval()
    assert ours.receptive_field == 243 == make_video(1, 'cpu').shape[-1]
    shapes = [sorted(p.shape for p in model.parameters() if p.ndim == 3) for model in (ours, theirs)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize('frames', [2, 7])
def test_operations_of_a_video(setup, frames):
    c, refiner, video = 24, build_refiner(setup, 24).eval(), make_video(frames, 'cpu')
    # output frames of the input convolution and of each block
    lengths = [frames + 240, frames + 234, frames + 216, frames + 162, frames]
    products = 3 * 51 * c * lengths[0] + sum(4 * c * c * length for length in lengths[1:]) + 51 * c * frames
    with torch.inference_mode():
        assert count_flops(lambda: refiner(video)) == 2 * products


def test_operations_of_autograd():
    weight, x = torch.randn(5, 7, requires_grad=True), torch.randn(3, 5)
    assert count_flops(lambda: (x @ weight).sum().backward()) == 2 * (2 * 3 * 5 * 7)
