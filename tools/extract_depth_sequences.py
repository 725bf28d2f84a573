"""Run the first stage over all frames: ``python tools/extract_depth_sequences.py CONFIG CKPT --out DIR``."""

import argparse

from command_line import add_cfg_options, run_tool

import torch

from depth_refine.inference.extraction import extract_depth_sequences
from depth_refine.utils.config import load_config
from depth_refine.utils.runner import leave_cores_to


def parse_args() -> argparse.Namespace:
    """Parse config, checkpoint and output folder."""
    parser = argparse.ArgumentParser(description='Make the depth sequence stores that the second stage reads')
    parser.add_argument('config', help='config of the first stage')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('--out', required=True, help='folder for the stores, one for each annotation of the config')
    parser.add_argument('--amp', action='store_true', help='run in bfloat16')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='default: cuda if there is one'
    )
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    """Extract, and print the folders of the stores."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    leave_cores_to(cfg.get('test_dataloader', {}).get('num_workers', 0))
    for path in extract_depth_sequences(cfg, args.checkpoint, args.out, args.device, args.amp):
        print(path)


if __name__ == '__main__':
    run_tool(main)
