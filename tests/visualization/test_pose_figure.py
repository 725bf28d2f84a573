from dataclasses import replace

import cv2
import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization import plot_pose_comparison, pose_figure, write_pose_figure
from depth_refine.visualization.pose_frame import SIDE_COLORS, css


def test_rows_columns_and_axes_in_millimetres(frame, tmp_path, saved_figures):
    plot_pose_comparison([frame, frame], tmp_path / 'poses.png')
    height, width = cv2.imread(str(tmp_path / 'poses.png')).shape[:2]
    assert width > 1000 and height > 500
    (figure,) = saved_figures
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ['S9 Posing, frame 7', 'ground truth', 'first stage\nMPJPE 47 mm', 'refined\nMPJPE 0 mm'] * 2
    truth = figure.axes[1]
    assert [truth.get_xlabel(), truth.get_ylabel(), truth.get_zlabel()] == ['x (mm)', 'depth z (mm)', 'up, −y (mm)']
    drawn = np.concatenate([np.transpose(line.get_data_3d()) for line in truth.lines])
    relative = 1000 * (frame.truth - frame.truth[0])
    assert {tuple(point) for point in drawn.round(6)} == {(x, z, -y + 0.0) for x, y, z in relative.round(6).tolist()}
    for name in 'xyz':
        limits = [getattr(axes, f'get_{name}lim')() for axes in figure.axes[1:4]]
        assert limits[0] == limits[1] == limits[2], 'views of a row share their scale'


def test_without_truth(frame, tmp_path, saved_figures):
    plot_pose_comparison([replace(frame, truth=None)], tmp_path / 'poses.png')
    (figure,) = saved_figures
    assert [axes.get_title() for axes in figure.axes] == ['S9 Posing, frame 7', 'first stage', 'refined']
    assert [len(axes.lines) for axes in figure.axes[1:]] == [16, 16], 'nothing lies behind the predictions'
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['left', 'right', 'trunk']


def test_figure_of_frames_of_the_longest_track(video_poses, video_frames, tmp_path, record_calls):
    drawn_rows = record_calls(pose_figure, 'plot_pose_comparison')
    video_poses.tracks.reverse()
    track = video_poses.tracks[1]
    write_pose_figure(video_poses, iter(video_frames), tmp_path / 'poses.svg')
    (rows,) = drawn_rows
    frames = [(int(row.image[0, 0, 0]) - 60) // 10 for row in rows]
    assert frames == [2, 3, 8, 9], 'of 0 to 3 and 7 to 11, where the person was found'
    for frame, row in zip(frames, rows, strict=True):
        assert row.title == f'{video_poses.times[frame] - 2:.2f} s'
        assert (row.keypoints == track.keypoints[frame]).all() and (row.truth == track.truth[frame]).all()
        assert row.errors_mm() == pytest.approx({'first stage': 80 / 17 * (frame % 2), 'refined': 20 / 17})
    assert '<svg' in (tmp_path / 'poses.svg').read_text()


def test_refused_without_leaving_anything(frame, video_poses, video_frames, tmp_path):
    other = replace(frame, predictions={'refined': frame.truth})
    named = r"got \[\['ground truth', 'first stage', 'refined'\], \['ground truth', 'refined'\]\]"
    for rows, got in (([], r'got \[\]'), ([frame, other], named)):
        with pytest.raises(InputError, match='expected rows with the same poses, ' + got):
            plot_pose_comparison(rows, tmp_path / 'poses.png')
    with pytest.raises(ValueError, match='not supported'):
        plot_pose_comparison([frame], tmp_path / 'poses.unknown')
    with pytest.raises(InputError, match=r'poses.pdf: expected the 12 frames of walk.mp4, .* got 3 frames'):
        write_pose_figure(video_poses, video_frames[:3], tmp_path / 'poses.pdf')
    video_poses.tracks = []
    with pytest.raises(InputError, match=r'poses.pdf: no person was found in walk.mp4'):
        write_pose_figure(video_poses, video_frames, tmp_path / 'poses.pdf')
    assert not list(tmp_path.iterdir())


def test_any_skeleton(other_poses, video_frames, tmp_path, saved_figures):
    write_pose_figure(other_poses, video_frames, tmp_path / 'poses.png')
    names, sides = np.array(other_poses.skeleton.joint_names), []
    for line in saved_figures[0].axes[1].lines:
        points = np.transpose(line.get_data_3d())[:, [0, 2, 1]] * [1, -1, 1] / 1000
        distances = np.linalg.norm(points[:, None] - other_poses.tracks[0].truth[2], axis=-1)
        assert distances.min(axis=1).max() < 1e-9
        ends = names[distances.argmin(axis=1)]
        sides.append(next((side for side in ('left', 'right') if any(side in end for end in ends)), 'trunk'))
        assert line.get_color() == css(SIDE_COLORS[sides[-1]])
    assert len(sides) == len(names) - 1 and sides.count('left') == sides.count('right') > sides.count('trunk')
