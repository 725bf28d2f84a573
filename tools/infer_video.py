"""Write the 3D poses of a video's people: ``python tools/infer_video.py VIDEO --out DIR``.

A pretrained estimator detects and measures the people, and a shipped refiner refines their poses. Networks of your own:
``--stage1 CFG CKPT --stage2 CFG CKPT``. Predictions of another estimator: ``--predictions FILES --joint-order ORDER``.
A number or an address as VIDEO is a camera: a window shows its poses as they come, and ``--out`` keeps them.
"""

import argparse
import json
import re
from pathlib import Path

from command_line import run_tool

import torch
from video.live import watch_camera
from video.output import write_all

from depth_refine.data_tools.conversion.depths import METRES
from depth_refine.data_tools.conversion.joint_orders import NUM_JOINTS
from depth_refine.data_tools.conversion.video_predictions import read_predictions
from depth_refine.inference import VideoPoseInferencer
from depth_refine.inference.finishing import Finishing
from depth_refine.inference.people.person_boxes import BoxFile, PersonBoxes
from depth_refine.inference.people.person_detectors import MMDetPersonDetector, TorchvisionPersonDetector
from depth_refine.inference.sources.video_file import is_address
from depth_refine.inference.sources.video_source import camera_number, open_source, require_source
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.utils.atomic import whole_folder
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

_DETECTORS = {  # with the files they need
    'mmdet': (MMDetPersonDetector, ['CONFIG', 'CHECKPOINT']),
    'torchvision': (TorchvisionPersonDetector, ['WEIGHTS']),
}


def parse_args() -> argparse.Namespace:
    """Parse video, source of the poses, camera, finishing and output folder."""
    parser = argparse.ArgumentParser(
        usage='%(prog)s [VIDEO] --out DIR [options]; --help lists them',
        description='3D poses of the people of a video, as files, figures and a report',
    )
    parser._negative_number_matcher = re.compile(r'^-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$')  # argparse knows no -9.8e-04
    add = parser.add_argument
    add('video', nargs='?', help='video file, folder of images, number of a camera, or address')
    add('--out', help='folder to make, optional for a camera; appears when complete')
    add('--estimator', help='pretrained: full (default), heavy, or a .task or .tflite file')
    files = dict(nargs=2, metavar=('CONFIG', 'CHECKPOINT'))
    add('--stage1', **files, help='a trained first stage instead of the pretrained estimator')
    add('--stage2', **files, help='refiner; default: a shipped one')
    add('--predictions', nargs='+', metavar='FILE', help='of another estimator, see docs/other_models.md')
    add('--joint-order', choices=list(NUM_JOINTS), help='of the predictions')
    add('--first-frame', type=int, help="first frame's number in predictions or boxes; default: 0 (MOTChallenge 1)")
    add('--depth-unit', choices=list(METRES), help='of the depths in the predictions, if there are any')
    add('--size', type=int, nargs=2, metavar=('W', 'H'), help='of the frames that predictions were made on, px')
    help_of_boxes = "source of boxes: 'whole', one person who fills the frame; a csv, json or npz file; 'mmdet' with "
    help_of_boxes += "a detector's config and checkpoint; or 'torchvision' with its weights. Default: BlazePose; "
    add('--boxes', nargs='+', metavar='WHERE', help=help_of_boxes + "with --stage1, 'whole'")
    of_camera = dict(type=float, nargs='+', metavar=('FX', 'FY CX CY'))
    add('--intrinsics', **of_camera, help='of the camera, px; default: assumed')
    add('--intrinsics-size', type=float, nargs=2, metavar=('W', 'H'), help='of the calibrated frames, if they differ')
    help_of_lens = 'of the lens: opencv K1 K2 P1 P2 K3, or h36m K1 K2 K3 P1 P2'
    add('--distortion', nargs='+', metavar=('ORDER', 'NUMBER'), help=help_of_lens)
    add('--extrinsics', help='JSON file with R (3 x 3, camera to world) and T (3, the camera in world metres), z up')
    add('--fps', type=float, help="frames a second, whatever a file says; default: a file's own, or the refiner's")
    add('--height', type=float, help="the person's height, metres, if it is known")
    add('--level', action='store_true', help='estimate the floor, for positions in a level world')
    add('--smooth', type=float, metavar='HZ', help='cut-off of the smoothing; 0: none; default: 6')
    help_of_refined = 'no finishing (rays, bone lengths, smoothing): poses as the refiner gives them; the default with '
    add('--refined-only', action='store_true', default=None, help=help_of_refined + '--stage1')
    add('--finish', dest='refined_only', action='store_false', help='finish poses of --stage1, too')
    add('--batch-size', type=int, default=32, help='number of crops in a batch of stage 1')
    add('--amp', action='store_true', help='run trained stages in bfloat16')
    add('--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='where to run; default: cuda or cpu')
    args = parser.parse_args()
    if args.video is not None and args.video.isdecimal() and not Path(args.video).exists():  # a folder may be named 7
        args.video = int(args.video)
    is_camera = camera_number(args.video) is not None
    if args.video is None and not (args.predictions and args.size):
        parser.error(
            'a video is required, as the first argument, since options such as --boxes and --predictions take all that '
            'follows them; or --predictions with --size'
        )
    if args.out is None and not is_camera and not is_address(args.video):
        parser.error('--out is required, unless poses come from a camera')
    if (args.predictions is None) != (args.joint_order is None):
        parser.error('--predictions and --joint-order belong together: which number is which joint cannot be guessed')
    if args.predictions is not None and (args.stage1 or args.boxes or is_camera):
        parser.error('--predictions replace --stage1 and --boxes, and must be of a video, not of a camera')
    if args.predictions is None and (args.size or args.depth_unit):
        parser.error('--size and --depth-unit are of --predictions')
    if args.first_frame is not None and not args.predictions and (args.boxes or ['whole'])[0] in ('whole', *_DETECTORS):
        parser.error('--first-frame is of --predictions or a file of --boxes')
    if args.estimator and (args.predictions or args.stage1):
        parser.error('--estimator, --stage1 and --predictions replace each other: give one')
    if args.intrinsics is None and (args.distortion or args.intrinsics_size):
        parser.error('--distortion and --intrinsics-size belong to --intrinsics')
    if args.refined_only is None:
        args.refined_only = args.stage1 is not None
    if args.refined_only and (args.height or args.level or args.smooth is not None):
        parser.error('--height, --level and --smooth need finishing: add --finish, or leave --refined-only out')
    return args


def main() -> None:
    """Infer the poses of a video and write all files; or show those of a camera."""
    args = parse_args()
    if args.out is not None and Path(args.out).exists():
        raise InputError(f'{args.out} exists: give another folder (--out, with make OUT=), or remove it first')
    if args.video is not None:
        require_source(args.video)
    if args.fps is not None:
        require_number('fps', args.fps, 0.01, 100_000)
    smooth = 6.0 if args.smooth is None else args.smooth or None
    finishing = None if args.refined_only else Finishing(smooth, args.height, args.level)
    options = dict(intrinsics=_intrinsics(args), extrinsics=_extrinsics(args.extrinsics), finishing=finishing)
    first = args.stage1 or (None if args.predictions else args.estimator or 'full', None)
    inferencer = VideoPoseInferencer(*first, *(args.stage2 or (None, None)), args.device, args.batch_size, args.amp)
    rate = inferencer.second_stage.rate
    video = None if args.video is None else open_source(args.video, args.fps, rate)
    if video is not None and video.is_live:
        watch_camera(inferencer, video, args.out, _boxes(args), **options)
        return
    if args.out is None:
        raise InputError(f'{video.name} has an end: give --out, a folder for its poses')
    options.update(fps=args.fps)
    with whole_folder(args.out) as folder:
        if args.predictions is not None:
            predictions = read_predictions(args.predictions, args.joint_order, args.first_frame or 0, args.depth_unit)
            poses = inferencer.refine(predictions, video, tuple(args.size) if args.size else None, **options)
        else:
            poses = inferencer(video, _boxes(args), **options)
        write_all(poses, args.video, folder)
    print(f'wrote {args.out}')


def _boxes(args: argparse.Namespace) -> str | PersonBoxes | None:
    if args.boxes is None:
        return None
    kind, *files = args.boxes
    detector, expected = _DETECTORS.get(kind, (None, []))
    if len(files) != len(expected):
        raise InputError(f'expected --boxes {" ".join([kind, *expected])}, got {" ".join([kind, *files])}')
    if detector:
        return detector(*files, args.device)
    return kind if kind == 'whole' else BoxFile(kind, args.first_frame)


def _intrinsics(args: argparse.Namespace) -> Intrinsics | None:
    if args.intrinsics is None:
        return None
    return Intrinsics(args.intrinsics, args.distortion or (), args.intrinsics_size)


def _extrinsics(path: str | None) -> dict | None:
    try:
        return None if path is None else json.loads(Path(path).read_text(encoding='utf-8-sig'))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f'{path}: expected a JSON file with R and T, got {error}') from error


if __name__ == '__main__':
    run_tool(main)
