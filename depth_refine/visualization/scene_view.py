"""A rotating 3D view of the people of a video."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from depth_refine.structures.video_poses import PoseTrack, VideoPoses

from .drawing import GRID, LINES, WHITE, bone_colors, draw_bones, draw_legend, draw_line, draw_text, turned
from .pose_frame import PERSON_COLORS, SIDE_COLORS

_TURN_SECONDS = 14
_FOLLOW_SECONDS = 0.5  # standard deviation of the filter by which the view follows people
_REACH = 1.15  # metres around a root that stay visible, more if joints reach further
_SPACING = 1.3  # metres between people whose positions are not known


class SceneView:
    """Draws the refined poses of a video on a floor, seen by a viewer who moves around them.

    People are at their positions if the roots of all are known; otherwise they stand side by side, from left to right
    as in the image. The view follows them. Its ``size`` is width and height, px.
    """

    def __init__(self, poses: VideoPoses, size: tuple[int, int]) -> None:
        self._poses, self._size = poses, size
        self._in_space = all(track.root is not None for track in poses.tracks)
        self._roots = [track.root for track in poses.tracks] if self._in_space else _side_by_side(poses.tracks)
        people = list(zip(poses.tracks, self._roots, strict=True))
        self._joints = [track.keypoints_3d + root[:, None] for track, root in people]
        self._centres = self._follow()
        away = [
            np.linalg.norm((root - self._centres[track.frames])[:, [0, 2]], axis=-1).max() for track, root in people
        ]
        reach = [np.percentile(np.linalg.norm(track.keypoints_3d, axis=-1).max(axis=1), 99) for track in poses.tracks]
        self._reach = max(away, default=0) + max([_REACH, *(1.05 * furthest for furthest in reach)])
        self._scale = min(size) / (2 * self._reach)  # px per metre
        lowest = [joints[..., 1].max(axis=-1) for joints in self._joints]
        self._floor = np.percentile(np.concatenate(lowest), 95) if lowest else 1.0

    def draw(self, frame: int) -> np.ndarray:
        """The view of one frame of the video, (H, W, 3) uint8 BGR."""
        width, height = self._size
        image = np.full((height, width, 3), 255, np.uint8)
        azimuth = 360 * (self._poses.times[frame] - self._poses.times[0]) / _TURN_SECONDS
        centre = self._centres[frame]
        self._draw_floor(image, centre, azimuth)
        drawn = []
        for track, joints in zip(self._poses.tracks, self._joints, strict=True):
            if (position := position_of(track, frame)) is not None:
                points, depth = turned(joints[position] - centre, azimuth, self._scale, self._size)
                colors = bone_colors(self._poses.skeleton, person_color(track))
                drawn.append((depth.mean(), points, depth, colors))
        thickness = 3 if self._scale > 110 else 2
        for _, points, depth, colors in sorted(drawn, key=lambda person: -person[0]):
            draw_bones(image, points, self._poses.skeleton, colors, thickness, WHITE, depth)
        place = 'in space' if self._in_space else 'side by side' if len(self._joints) > 1 else 'root fixed'
        draw_text(image, 'refined', (12, 24), 0.6)
        draw_text(image, f'{place}, grid {1000 * GRID:.0f} mm', (12, 44), 0.42)
        draw_text(image, f'{self._poses.times[frame] - self._poses.times[0]:.2f} s', (12, height - 14), 0.42)
        draw_legend(image, {side: SIDE_COLORS[side] for side in ('left', 'right')}, width - 12, height - 14, 0.42)
        return image

    def _follow(self) -> np.ndarray:
        """The middle (N, 3), metres, of the people in each frame of the video, smooth in time."""
        frames = np.arange(len(self._poses.times))
        total, people = np.zeros((len(frames), 3)), np.zeros((len(frames), 1))
        if not self._in_space or not self._poses.tracks:
            return total  # people stand side by side about the origin
        for track, root in zip(self._poses.tracks, self._roots, strict=True):
            total[track.frames] += root
            people[track.frames] += 1
        known = np.flatnonzero(people)
        middle = np.stack([np.interp(frames, known, axis) for axis in (total[known] / people[known]).T], axis=-1)
        return gaussian_filter1d(middle, _FOLLOW_SECONDS * self._poses.fps, axis=0, mode='nearest')

    def _draw_floor(self, image: np.ndarray, centre: np.ndarray, azimuth: float) -> None:
        """Draw a round grid around the centre, whose lines stay in place while the view follows the people."""
        radius = self._reach
        for axis, other in ((0, 2), (2, 0)):
            first, last = np.ceil((centre[axis] - radius) / GRID), np.floor((centre[axis] + radius) / GRID)
            for at in np.arange(first, last + 1) * GRID - centre[axis]:
                ends = np.zeros((2, 3))
                ends[:, axis], ends[:, 1] = at, self._floor - centre[1]
                ends[:, other] = np.array([-1, 1]) * np.sqrt(max(radius**2 - at**2, 0))
                draw_line(image, *turned(ends, azimuth, self._scale, self._size)[0], LINES, 1)


def person_color(track: PoseTrack) -> tuple[int, int, int]:
    """The colour of a person, red, green, blue, the same in every figure and video."""
    return PERSON_COLORS[track.track_id % len(PERSON_COLORS)]


def position_of(track: PoseTrack, frame: int) -> int | None:
    """The index of a video's frame in a track's arrays, or None if the person is not in it."""
    position = frame - int(track.frames[0])
    return position if 0 <= position < len(track.frames) else None


def _side_by_side(tracks: list[PoseTrack]) -> list[np.ndarray]:
    """Constant roots (T, 3), metres, for each person, in the order of people in the image."""
    order = np.argsort(np.argsort([track.bboxes[:, [0, 2]].mean() for track in tracks]))
    offsets = (order - (len(tracks) - 1) / 2) * _SPACING
    return [np.tile([offset, 0.0, 0.0], (len(track.frames), 1)) for offset, track in zip(offsets, tracks, strict=True)]
