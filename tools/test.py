"""Evaluate a checkpoint: ``python tools/test.py configs/refiner_243.py ckpt.pth``."""

import argparse
import json
import logging

from command_line import add_runner_arguments, load_runner_config, run_tool

from mmengine.evaluator import DumpResults
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper

from depth_refine.models import optimise_for_inference
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.checkpoint import check_checkpoint, check_data
from depth_refine.utils.runner import build_runner


def parse_args() -> argparse.Namespace:
    """Parse the arguments, which include those of MMPose's tool."""
    parser = argparse.ArgumentParser(description='Evaluate a checkpoint')
    add_runner_arguments(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--amp', action='store_true', help='bfloat16, see optimise_for_inference')
    parser.add_argument('--out', help='JSON file for the metrics')
    parser.add_argument('--dump', help='pickle file for the predictions')
    args = parser.parse_args()
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump: expected a name that ends in .pkl, got {args.dump}')
    return args


def main() -> None:
    """Build the runner, load the checkpoint strictly and test."""
    args = parse_args()
    cfg = load_runner_config(args)
    runner = build_runner(cfg)
    check_checkpoint(runner.model, args.checkpoint)
    for note in check_data(getattr(runner.test_dataloader.dataset, 'metainfo', {}), args.checkpoint):
        print_log(note, logger='current', level=logging.WARNING)
    runner.load_checkpoint(args.checkpoint)
    if args.amp:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        optimise_for_inference(model, next(model.parameters()).device, amp=True)
    if args.dump:
        runner.test_evaluator.metrics.append(DumpResults(out_file_path=args.dump))
    metrics = runner.test()
    if args.out and runner.rank == 0:
        with whole_file(args.out) as partial:
            partial.write_text(json.dumps(metrics, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    run_tool(main)
