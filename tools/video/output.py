"""The output files of tools/infer_video.py."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from depth_refine.export import write_bvh, write_csv, write_json, write_npz, write_trc
from depth_refine.export.even_times import even_times_note
from depth_refine.inference import VideoPoses
from depth_refine.inference.sources.video_source import open_source
from depth_refine.utils.errors import InputError
from depth_refine.visualization import write_overlay_video, write_pose_figure, write_report


def write_all(poses: VideoPoses, video: str | Path | None, folder: Path) -> None:
    """Write all files of a video's poses and print notes, camera and people.

    Raises:
        InputError: no person was found, and there is no recording.
    """
    if poses.tracks and (note := even_times_note(poses.times)) is not None:
        poses.notes.append(note)
    for note in poses.notes:
        print(f'note: {note}')
    if poses.tracks:
        write_video_poses(poses, video, folder)
    elif any(folder.iterdir()):
        print('no person was found: only the recording is kept')
    else:
        raise InputError(f'no person was found in {video}, and nothing is written; --boxes can say where to look')
    print(f'camera: {poses.camera_source}')
    for track in poses.tracks:
        guessed = int(track.is_interpolated.sum())
        print(f'person {track.track_id}: frames {track.frames[0]} to {track.frames[-1]}, {guessed} interpolated')


def write_video_poses(poses: VideoPoses, video: str | Path | None, folder: Path) -> None:
    """Write all files of a video's poses; without a video, figures are drawn over black frames."""
    for write, name in ((write_npz, 'poses.npz'), (write_json, 'poses.json'), (write_csv, 'poses.csv')):
        write(poses, folder / name)
    for track in poses.tracks:
        name = f'person_{track.track_id}'
        write_bvh(track, poses.skeleton, folder / f'{name}.bvh', poses.times, poses.camera)
        write_trc(track, poses.skeleton, folder / f'{name}.trc', poses.times, poses.camera)
    figures = {'poses.png': write_pose_figure, 'poses.mp4': write_overlay_video, 'report.html': write_report}
    for name, draw in figures.items():
        draw(poses, tqdm(_frames(poses, video), desc=name, total=len(poses.times), unit='frame'), folder / name)


def _frames(poses: VideoPoses, video: str | Path | None) -> Iterator[np.ndarray]:
    """The video's frames, black where they cannot be read, and without the edge that a recording has added."""
    black = np.zeros((poses.size[1], poses.size[0], 3), np.uint8)
    if video is None:
        yield from (black for _ in poses.times)
    else:
        for frame in open_source(video):
            yield black if frame.image is None else frame.image[: poses.size[1], : poses.size[0]]
