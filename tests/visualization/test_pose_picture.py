import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization import pose_picture, write_pose_picture


@pytest.fixture
def drawn(monkeypatch):
    """Rows handed to the figure, which is still drawn."""
    calls, plot = [], pose_picture.plot_pose_comparison
    monkeypatch.setattr(pose_picture, 'plot_pose_comparison', lambda rows, path: (calls.append(rows), plot(rows, path)))
    return calls


def test_moments_of_the_longest_track(video_poses, video_frames, tmp_path, drawn):
    video_poses.tracks.reverse()
    track = video_poses.tracks[1]
    write_pose_picture(video_poses, iter(video_frames), tmp_path / 'poses.svg')
    (rows,) = drawn
    frames = [(int(row.image[0, 0, 0]) - 60) // 10 for row in rows]
    assert frames == [2, 3, 8, 9], 'of 0 to 3 and 7 to 11, where the person was found'
    for frame, row in zip(frames, rows, strict=True):
        assert row.title == f'{video_poses.times[frame] - 2:.2f} s'
        assert (row.keypoints == track.keypoints[frame]).all() and (row.truth == track.truth[frame]).all()
        assert row.errors_mm() == pytest.approx({'first stage': 80 / 17 * (frame % 2), 'refined': 20 / 17})
    assert '<svg' in (tmp_path / 'poses.svg').read_text()


def test_short_track_without_truth(video_poses, video_frames, tmp_path, drawn):
    video_poses.tracks = video_poses.tracks[1:]
    video_poses.tracks[0].is_interpolated[1:] = True
    write_pose_picture(video_poses, video_frames, tmp_path / 'poses.pdf')
    (rows,) = drawn
    assert [row.truth for row in rows] == [None] and rows[0].image[0, 0, 0] == 90
    assert (tmp_path / 'poses.pdf').read_bytes().startswith(b'%PDF')


def test_refused_without_leaving_anything(video_poses, video_frames, tmp_path):
    with pytest.raises(InputError, match=r'poses.pdf: expected the 12 frames of walk.mp4, .* got 3 frames'):
        write_pose_picture(video_poses, video_frames[:3], tmp_path / 'poses.pdf')
    video_poses.tracks = []
    with pytest.raises(InputError, match=r'poses.pdf: no person was found in walk.mp4'):
        write_pose_picture(video_poses, video_frames, tmp_path / 'poses.pdf')
    assert not list(tmp_path.iterdir())
