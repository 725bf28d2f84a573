"""An ONNX file beside the PyTorch module that it was made of: the same numbers, and how fast."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import onnxruntime
import torch
from torch import Tensor, nn

_REPEATS = 5


class Comparison(NamedTuple):
    """Of one input.

    Attributes:
        difference: largest absolute difference between the outputs, in their units.
        torch_seconds, onnx_seconds: median time of a pass on the CPU, with as many threads for both.
    """

    difference: float
    torch_seconds: float
    onnx_seconds: float


def compare_with_torch(graph: nn.Module, path: str | Path, inputs: Tensor) -> Comparison:
    """Run both on the same input.

    Args:
        graph: from :func:`depth_refine.export.onnx.onnx_graph`.
        path: the file that :func:`depth_refine.export.onnx.export_onnx` made of it.
        inputs: an input of any size that the file takes.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    feed = {session.get_inputs()[0].name: inputs.numpy()}
    with torch.no_grad():
        difference = (graph(inputs) - torch.from_numpy(session.run(None, feed)[0])).abs().max()
        torch_seconds = _median_seconds(lambda: graph(inputs))
    return Comparison(float(difference), torch_seconds, _median_seconds(lambda: session.run(None, feed)))


def _median_seconds(call: Callable) -> float:
    seconds = []
    for _ in range(_REPEATS):
        start = perf_counter()
        call()
        seconds.append(perf_counter() - start)
    return median(seconds)
