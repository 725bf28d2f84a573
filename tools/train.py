"""Train a model: ``python tools/train.py configs/integral_h36m.py``."""

import argparse
import logging

from command_line import add_runner_arguments, load_runner_config, run_tool

from mmengine.logging import print_log

from depth_refine.engine import ResumeHook
from depth_refine.utils.checkpoint import check_checkpoint, resume_latest, start_notes
from depth_refine.utils.runner import build_runner, put_data_on_device, scale_learning_rate, use_mixed_precision


def parse_args() -> argparse.Namespace:
    """Parse the arguments, which include those of MMPose's tool."""
    parser = argparse.ArgumentParser(description='Train a model')
    add_runner_arguments(parser)
    parser.add_argument(
        '--resume', nargs='?', const='auto', help='resume from this checkpoint, or from the latest one in the work dir'
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision: bfloat16, float16 on GPUs without it')
    parser.add_argument(
        '--data-on-device', action='store_true', help='hold the training sequences and make the windows on the GPU'
    )
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate while training')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the batch, see auto_scale_lr of the config; resumed runs keep theirs',
    )
    return parser.parse_args()


def main() -> None:
    """Build the runner and train."""
    args = parse_args()
    cfg = load_runner_config(args)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        use_mixed_precision(cfg)
    if args.data_on_device:
        put_data_on_device(cfg)
    if args.auto_scale_lr:
        scale_learning_rate(cfg)
    if args.resume == 'auto':
        resume_latest(cfg)
    elif args.resume:
        cfg.resume, cfg.load_from = True, args.resume
    runner = build_runner(cfg)
    if not any(isinstance(hook, ResumeHook) for hook in runner.hooks):  # in a config that is not based on ours
        runner.register_hook(ResumeHook())
    if cfg.get('resume') and cfg.get('load_from'):
        check_checkpoint(runner.model, cfg.load_from)
    elif cfg.get('load_from'):
        for note in start_notes(runner.model, cfg.load_from):
            print_log(note, logger='current', level=logging.WARNING)
    runner.train()


if __name__ == '__main__':
    run_tool(main)
