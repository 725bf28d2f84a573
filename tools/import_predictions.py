"""Import another estimator's predictions: ``python tools/import_predictions.py ANN_FILE OUT --keypoints DIR ...``."""

import argparse
from pathlib import Path

from command_line import run_tool

from depth_refine.data_tools.conversion import Origin, import_predictions
from depth_refine.data_tools.conversion.depths import METRES
from depth_refine.data_tools.conversion.joint_orders import NUM_JOINTS
from depth_refine.datasets import H36MAnnotation


def parse_args() -> argparse.Namespace:
    """Parse the annotation, the predictions, and their joint order, first frame and depth unit."""
    parser = argparse.ArgumentParser(description='Make a depth sequence store from predictions made elsewhere')
    parser.add_argument('ann_file', type=Path, help='annotation npz whose frames were predicted')
    parser.add_argument('out', help='folder of the store to make')
    parser.add_argument('--keypoints', type=Path, required=True, help='folder of the predictions in the image, px')
    parser.add_argument('--joint-order', required=True, help=f'of the 2D joints: {", ".join(NUM_JOINTS)}')
    parser.add_argument(
        '--first-frame', type=int, choices=[0, 1], required=True, help="number of a video's first frame in the files"
    )
    parser.add_argument('--lifted', type=Path, help="folder of MMPose's 3D json files, whose depths are taken")
    parser.add_argument('--depth-unit', choices=list(METRES), help='unit of the depths, if there are any')
    parser.add_argument('--estimator', required=True, help='name of the estimator, recorded in store.json')
    parser.add_argument('--cameras', type=Path, help="default: cameras.pkl in the folder above the annotation's")
    return parser.parse_args()


def main() -> None:
    """Import, then print where the store is, and notes on it."""
    args = parse_args()
    cameras = args.cameras or args.ann_file.absolute().parents[1] / 'cameras.pkl'
    annotation = H36MAnnotation(args.ann_file, cameras)
    origin = Origin(args.estimator, args.keypoints, args.joint_order, args.first_frame, args.lifted, args.depth_unit)
    filled, notes = import_predictions(annotation, origin, args.out)
    source = '2d+depth' if args.depth_unit else '2d'
    print(f'wrote {args.out}: {len(annotation)} frames of {len(annotation.sequences)} videos')
    print(f'{100 * filled:.2f} % of the joints were not found; they are interpolated, with score 0')
    for note in notes:
        print(f'note: {note}')
    store = Path(args.out).absolute()
    options = f"depth_store='{store}', input_source='{source}' and bbox_policy='published'"
    print(f"read it with {options} in a refiner's config")


if __name__ == '__main__':
    run_tool(main)
