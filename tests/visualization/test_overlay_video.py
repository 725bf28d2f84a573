import av
import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization import write_overlay_video
from depth_refine.visualization.overlay_video import fitted_size
from depth_refine.visualization.pose_frame import SIDE_COLORS


def _read(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return [float(frame.pts * stream.time_base) for frame in frames], [f.to_ndarray(format='bgr24') for f in frames]


def _near(picture, rgb):
    return (np.abs(picture.astype(int) - rgb[::-1]).max(axis=-1) < 40).sum()


def test_overlay_beside_the_view(video_poses, video_frames, tmp_path):
    write_overlay_video(video_poses, iter(video_frames), tmp_path / 'out.mp4')
    times, pictures = _read(tmp_path / 'out.mp4')
    np.testing.assert_allclose(times, video_poses.times - 2.0, atol=1e-4)
    # 97 x 62 px at 640 px wide; the view beside it is as high, at least 360 and at most 480 wide.
    assert {picture.shape for picture in pictures} == {(410, 640 + 410, 3)}
    for index, picture in enumerate(pictures):
        assert np.median(picture[:, :640]) == pytest.approx(60 + 10 * index, abs=3), 'the frame of this time'
        assert np.median(picture[:, 640:]) > 250
        for part in (picture[:380, :640], picture[:380, 640:]):
            assert all(_near(part, SIDE_COLORS[side]) > 100 for side in ('left', 'right'))


@pytest.mark.parametrize(
    ('size', 'fitted'),
    [((1920, 1080), (640, 360)), ((1081, 1921), (360, 640)), ((97, 62), (640, 410)), ((900, 1), (640, 2))],
)
def test_fitted_size(size, fitted):
    assert fitted_size(size, 640) == fitted


def test_wide_and_high_videos(video_poses, tmp_path):
    for size, shape in (((200, 50), (360, 640 + 360, 3)), ((50, 100), (640, 320 + 480, 3))):
        video_poses.size = size
        frames = [np.full((size[1], size[0], 3), 90, np.uint8)] * 12
        write_overlay_video(video_poses, frames, tmp_path / 'out.mp4')
        assert _read(tmp_path / 'out.mp4')[1][0].shape == shape


def test_nobody_found(video_poses, video_frames, tmp_path):
    video_poses.tracks = []
    write_overlay_video(video_poses, video_frames, tmp_path / 'out.mp4')
    assert len(_read(tmp_path / 'out.mp4')[1]) == 12


def test_refused_without_leaving_anything(video_poses, video_frames, tmp_path):
    with pytest.raises(InputError, match=r'out.mp4: expected the 12 frames of walk.mp4, .* got 11 frames'):
        write_overlay_video(video_poses, video_frames[:-1], tmp_path / 'out.mp4')
    with pytest.raises(InputError, match=r"out.webm: expected a name that ends in '.mp4'"):
        write_overlay_video(video_poses, video_frames, tmp_path / 'out.webm')
    assert not list(tmp_path.iterdir())
