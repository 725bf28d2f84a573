import base64

import numpy as np
import pytest

from depth_refine.visualization.report.content import error_rows, track_data


def test_errors_in_millimetres(video_poses):
    """80 mm at one of 17 joints in every other frame accelerate by twice that; 20 mm in all frames do not."""
    track = video_poses.tracks[0]
    first, refined = error_rows(track)
    assert (first.stage, first.mpjpe, first.acceleration) == ('first stage', *map(pytest.approx, (40 / 17, 160 / 17)))
    assert (refined.stage, refined.mpjpe) == ('refined', pytest.approx(20 / 17))
    assert refined.acceleration == pytest.approx(0, abs=1e-6) and refined.pa_mpjpe > 0
    turn = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    track.keypoints_3d = 1.2 * track.truth @ turn
    assert error_rows(track)[1].pa_mpjpe == pytest.approx(0, abs=1e-3), 'after a similarity'
    for name in ('keypoints_3d_first', 'keypoints_3d', 'truth'):
        setattr(track, name, getattr(track, name)[:2])
    assert [row.acceleration for row in error_rows(track)] == [None, None], 'of two frames'


def test_data_of_a_track(video_poses):
    data = track_data(video_poses.tracks[1])
    assert (data['id'], data['start'], data['interpolated']) == (1, 3, [0] * 7)
    assert list(data['poses']) == ['first', 'refined'], 'without truth'
    read = np.frombuffer(base64.b64decode(data['poses']['refined']), '<f4').reshape(7, 17, 3)
    np.testing.assert_allclose(read, 1000 * video_poses.tracks[1].keypoints_3d, rtol=1e-6)
    read = np.frombuffer(base64.b64decode(data['keypoints']), '<f4').reshape(7, 17, 2)
    np.testing.assert_allclose(read, video_poses.tracks[1].keypoints, rtol=1e-6)
