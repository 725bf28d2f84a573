import base64

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from depth_refine.visualization.report.content import error_rows, track_data


def _umeyama_error(pred, truth):
    """MPJPE of one frame after the best similarity, by orthogonal Procrustes and a scale."""
    pred, truth = pred - pred.mean(axis=0), truth - truth.mean(axis=0)
    rotation, _ = orthogonal_procrustes(pred, truth)
    assert np.linalg.det(rotation) > 0, 'the reference holds only where no reflection is better'
    turned = pred @ rotation
    scale = (turned * truth).sum() / (turned**2).sum()
    return np.mean([np.linalg.norm(scale * a - b) for a, b in zip(turned, truth, strict=True)])


def test_errors_in_millimetres(video_poses):
    track = video_poses.tracks[0]
    rng = np.random.default_rng(0)
    track.truth = track.truth + rng.normal(0, 0.05, track.truth.shape)
    track.truth[:, 0] = 0
    rows = error_rows(track)
    assert [row.stage for row in rows] == ['first stage', 'refined']
    for row, pred in zip(rows, (track.keypoints_3d_first, track.keypoints_3d), strict=True):
        distances, accelerations, aligned = [], [], []
        for t in range(12):
            aligned.append(_umeyama_error(pred[t], track.truth[t]))
            for joint in range(17):
                distances.append(np.linalg.norm(pred[t, joint] - track.truth[t, joint]))
                if 0 < t < 11:
                    second = [p[t - 1, joint] - 2 * p[t, joint] + p[t + 1, joint] for p in (pred, track.truth)]
                    accelerations.append(np.linalg.norm(second[0] - second[1]))
        expected = [1000 * np.mean(values) for values in (distances, aligned, accelerations)]
        assert row[1:] == pytest.approx(expected, rel=1e-6)


def test_no_acceleration_of_two_frames(video_poses):
    track = video_poses.tracks[0]
    for name in ('keypoints_3d_first', 'keypoints_3d', 'truth'):
        setattr(track, name, getattr(track, name)[:2])
    first, refined = error_rows(track)
    assert first.acceleration is None and refined.acceleration is None
    assert (first.mpjpe, refined.mpjpe) == pytest.approx((40 / 17, 20 / 17))


def test_data_of_a_track(video_poses):
    data = track_data(video_poses.tracks[1])
    assert (data['id'], data['start'], data['interpolated']) == (1, 3, [0] * 7)
    assert list(data['poses']) == ['first', 'refined'], 'without truth'
    read = np.frombuffer(base64.b64decode(data['poses']['refined']), '<f4').reshape(7, 17, 3)
    np.testing.assert_allclose(read, 1000 * video_poses.tracks[1].keypoints_3d, rtol=1e-6)
    read = np.frombuffer(base64.b64decode(data['keypoints']), '<f4').reshape(7, 17, 2)
    np.testing.assert_allclose(read, video_poses.tracks[1].keypoints, rtol=1e-6)
