"""From a video to 3D poses: ``python tools/infer_video.py VIDEO --stage1 CFG CKPT --stage2 CFG CKPT --out DIR``.

A number in the place of VIDEO is a camera, whose poses are shown in a window as they come.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from command_line import run_tool

import cv2
import numpy as np
import torch
from tqdm import tqdm

from depth_refine.export import write_bvh, write_csv, write_json, write_npz
from depth_refine.inference import VideoPoseInferencer, VideoPoses
from depth_refine.inference.live_poses import LiveFrame
from depth_refine.inference.person_boxes import PersonBoxes
from depth_refine.inference.person_detectors import MMDetPersonDetector, TorchvisionPersonDetector
from depth_refine.inference.video_source import open_source
from depth_refine.structures import Skeleton
from depth_refine.utils.atomic import whole_folder
from depth_refine.utils.errors import InputError
from depth_refine.visualization import PoseFrame, write_overlay_video, write_pose_picture, write_report
from depth_refine.visualization.pose_strip import draw_strip

_DETECTORS = {  # and the files they need
    'mmdet': (MMDetPersonDetector, ['CONFIG', 'CHECKPOINT']),
    'torchvision': (TorchvisionPersonDetector, ['WEIGHTS']),
}


def parse_args() -> argparse.Namespace:
    """Video, stages, boxes, camera and output folder."""
    parser = argparse.ArgumentParser(description='3D poses of the people of a video, as files, pictures and a page')
    parser.add_argument('video', help='video file, folder of images, or number of a camera')
    for number in (1, 2):
        parser.add_argument(
            f'--stage{number}', nargs=2, required=True, metavar=('CONFIG', 'CHECKPOINT'), help=f'of stage {number}'
        )
    parser.add_argument('--out', help='folder to make, unless from a camera; appears when it is complete')
    parser.add_argument(
        '--boxes',
        nargs='+',
        default=['whole'],
        metavar='WHERE',
        help="'whole', one person who fills the frame (default); a csv, json or npz file; 'mmdet' with the config and "
        "the checkpoint of a detector; or 'torchvision' with the weights of one",
    )
    parser.add_argument(
        '--intrinsics',
        type=float,
        nargs='+',
        metavar='NUMBER',
        help='of the camera, px: fx fy cx cy, and k1 k2 k3 p1 p2 if its lens distorts; default: assumed',
    )
    parser.add_argument(
        '--extrinsics', help='JSON file with R (3 x 3, camera to world) and T (3, the camera in world metres)'
    )
    parser.add_argument(
        '--fps', type=float, help="frames a second of a folder of images; default: that of the refiner's training"
    )
    parser.add_argument('--batch-size', type=int, default=32, help='crops that go through stage 1 together')
    parser.add_argument('--amp', action='store_true', help='run both stages in bfloat16')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='default: cuda if there is one'
    )
    args = parser.parse_args()
    if args.out is None and not args.video.isdecimal():
        parser.error('--out is required, unless poses come from a camera')
    return args


def main() -> None:
    """Infer, then write everything; or show a camera's poses."""
    args = parse_args()
    if args.out is not None and Path(args.out).exists():
        raise InputError(f'{args.out} exists: give another folder, or remove it first')
    inferencer = VideoPoseInferencer(*args.stage1, *args.stage2, args.device, args.batch_size, args.amp)
    boxes = _boxes(*args.boxes, device=args.device)
    if args.video.isdecimal():
        stream = inferencer.stream(int(args.video), boxes, args.intrinsics)
        _show(stream, inferencer.first_stage.skeleton)
        return
    with whole_folder(args.out) as folder:
        poses = inferencer(args.video, boxes, args.intrinsics, _extrinsics(args.extrinsics), args.fps)
        for note in poses.notes:
            print(f'note: {note}')
        if not poses.tracks:
            raise InputError(
                f'no person was found in {args.video}, and nothing is written; --boxes can say where to look'
            )
        _write(poses, args, folder)
    print(f'camera: {poses.camera_source}')
    for track in poses.tracks:
        guessed = int(track.is_interpolated.sum())
        print(f'person {track.track_id}: frames {track.frames[0]} to {track.frames[-1]}, {guessed} interpolated')
    print(f'wrote {args.out}')


def _boxes(kind: str, *files: str, device: str) -> str | PersonBoxes:
    detector, expected = _DETECTORS.get(kind, (None, []))
    if len(files) != len(expected):
        raise InputError(f'expected --boxes {" ".join([kind, *expected])}, got {" ".join([kind, *files])}')
    return detector(*files, device) if detector else kind


def _extrinsics(path: str | None) -> dict | None:
    try:
        return None if path is None else json.loads(Path(path).read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f'{path}: expected a JSON file with R and T, got {error}') from error


def _show(stream: Iterator[LiveFrame], skeleton: Skeleton) -> None:
    """Show whoever is nearest, until q is pressed."""
    for live in stream:
        keypoints, predictions = None, {}
        if live.people:
            person = max(live.people, key=lambda person: np.prod(person.bbox[2:] - person.bbox[:2]))
            keypoints, predictions = person.keypoints, {'refined': person.keypoints_3d}
        title = f'{1000 * live.delay:.0f} ms behind; q ends'
        strip = draw_strip(PoseFrame(skeleton, live.frame.image, keypoints, None, predictions, title), 50, crop=False)
        try:
            cv2.imshow('depth_refine', strip)
        except cv2.error as error:
            raise InputError('a camera needs a window: OpenCV finds no display, or is the headless one') from error
        if cv2.waitKey(1) == ord('q'):
            break


def _write(poses: VideoPoses, args: argparse.Namespace, folder: Path) -> None:
    for write, name in ((write_npz, 'poses.npz'), (write_json, 'poses.json'), (write_csv, 'poses.csv')):
        write(poses, folder / name)
    for track in poses.tracks:
        write_bvh(track, poses.skeleton, folder / f'person_{track.track_id}.bvh', poses.fps, poses.camera)
    pictures = {'poses.png': write_pose_picture, 'poses.mp4': write_overlay_video, 'report.html': write_report}
    black = np.zeros((poses.size[1], poses.size[0], 3), np.uint8)  # where a frame cannot be read
    for name, draw in pictures.items():
        frames = tqdm(open_source(args.video), desc=name, total=len(poses.times), unit='frame')
        draw(poses, (black if frame.image is None else frame.image for frame in frames), folder / name)


if __name__ == '__main__':
    run_tool(main)
