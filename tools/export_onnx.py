"""Write a network as an ONNX file: ``python tools/export_onnx.py configs/refiner_243.py ckpt.pth refiner_243.onnx``."""

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path

from command_line import add_cfg_options, run_tool

import onnxruntime
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.utils.benchmark import Timer

from depth_refine.datasets import DepthImageDataset
from depth_refine.export.onnx import RefinerGraph, export_onnx, onnx_graph
from depth_refine.inference.training_data import training_data
from depth_refine.utils.checkpoint import check_checkpoint
from depth_refine.utils.config import load_config
from depth_refine.utils.errors import InputError


def parse_args() -> argparse.Namespace:
    """Parse config, checkpoint and output file."""
    parser = argparse.ArgumentParser(description='Write either stage as ONNX and compare it with PyTorch')
    parser.add_argument('config', help='config file of the first or of the second stage')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('out', help='ONNX file to write, *.onnx')
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    """Export, then print the largest difference between the file and PyTorch, and the speed of both."""
    args = parse_args()
    if not args.out.endswith('.onnx'):
        raise InputError(f'{args.out}: expected the name of an ONNX file, which ends in .onnx')
    if Path(args.out).exists():
        raise InputError(f'{args.out} exists: give another name, or remove it first')
    cfg = load_config(args.config, args.cfg_options)
    if not Path(args.checkpoint).is_file():
        raise InputError(f'no checkpoint {Path(args.checkpoint).absolute()}: expected the weights of {args.config}')
    if 'test_dataloader' not in cfg:
        raise InputError(f'{args.config} has no test_dataloader: expected one, whose data set names the joints')
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    model = MODELS.build(cfg.model)
    channels = 2 + cfg.test_dataloader.dataset.get('input_source', '').count('+')  # as in 2d+depth
    graph = onnx_graph(model, channels)
    check_checkpoint(model, args.checkpoint)
    load_checkpoint(model, args.checkpoint, map_location='cpu', logger='silent')
    sha256 = hashlib.sha256(Path(args.checkpoint).read_bytes()).hexdigest()
    training = training_data(cfg, args.checkpoint)
    provenance = dict(config=Path(args.config).name, checkpoint_sha256=sha256)
    if not isinstance(graph, RefinerGraph):
        provenance['bbox_policy'] = cfg.test_dataloader.dataset.get('bbox_policy', DepthImageDataset.BBOX_POLICIES[0])
    export_onnx(
        *(graph, args.out, training.skeleton, training.frame_rate, training.cameras, training.notes), provenance
    )
    print(*(training.notes if isinstance(graph, RefinerGraph) else []), f'wrote {args.out}', sep='\n')

    shape = graph.example.shape[1:]
    if isinstance(graph, RefinerGraph):
        sizes = [(1, model.receptive_field), (1, model.receptive_field + 999), (8, model.receptive_field)]
        inputs = [torch.rand(*size, shape[-1]) for size in sizes]
    else:
        inputs = [255 * torch.rand(batch, *shape) for batch in (1, 16)]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(args.out, options, providers=['CPUExecutionProvider'])
    for values in inputs:
        print(_compare(graph, session, values))


@torch.no_grad()
def _compare(graph: nn.Module, session: onnxruntime.InferenceSession, values: Tensor) -> str:
    """A line with the largest difference, in the units of the outputs, and the mean times of a pass on the CPU."""
    feed = {graph.input_name: values.numpy()}
    difference = (graph(values) - torch.from_numpy(session.run(None, feed)[0])).abs().max()
    size = ' x '.join(map(str, values.shape))
    return (
        f'{graph.input_name} {size}: largest difference {difference:.1e}, '
        f'PyTorch {_milliseconds(lambda: graph(values)):.1f} ms, '
        f'ONNX Runtime {_milliseconds(lambda: session.run(None, feed)):.1f} ms'
    )


def _milliseconds(call: Callable) -> float:
    timer = Timer('call()', globals=dict(call=call), num_threads=torch.get_num_threads())
    return 1000 * timer.timeit(5).mean


if __name__ == '__main__':
    run_tool(main)
