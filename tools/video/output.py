"""What tools/infer_video.py writes and shows."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from depth_refine.export import write_bvh, write_csv, write_json, write_npz, write_trc
from depth_refine.inference import VideoPoses
from depth_refine.inference.live_poses import LiveFrame
from depth_refine.inference.video_source import open_source
from depth_refine.structures import Skeleton
from depth_refine.utils.errors import InputError
from depth_refine.visualization import PoseFrame, write_overlay_video, write_pose_picture, write_report
from depth_refine.visualization.pose_strip import draw_strip


def write_video_poses(poses: VideoPoses, video: str | None, folder: Path) -> None:
    """Write all files; over black frames where there is no video."""
    for write, name in ((write_npz, 'poses.npz'), (write_json, 'poses.json'), (write_csv, 'poses.csv')):
        write(poses, folder / name)
    for track in poses.tracks:
        name = f'person_{track.track_id}'
        write_bvh(track, poses.skeleton, folder / f'{name}.bvh', poses.times, poses.camera)
        write_trc(track, poses.skeleton, folder / f'{name}.trc', poses.times, poses.camera)
    figures = {'poses.png': write_pose_picture, 'poses.mp4': write_overlay_video, 'report.html': write_report}
    for name, draw in figures.items():
        draw(poses, tqdm(_frames(poses, video), desc=name, total=len(poses.times), unit='frame'), folder / name)


def _frames(poses: VideoPoses, video: str | None) -> Iterator[np.ndarray]:
    black = np.zeros((poses.size[1], poses.size[0], 3), np.uint8)  # where a frame cannot be read
    if video is None:
        yield from (black for _ in poses.times)
    else:
        yield from (black if frame.image is None else frame.image for frame in open_source(video))


def show(stream: Iterator[LiveFrame], skeleton: Skeleton) -> None:
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
