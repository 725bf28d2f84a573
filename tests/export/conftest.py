import numpy as np
import pytest

from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.structures.skeleton import H36M
from depth_refine.structures.video_poses import PoseTrack, VideoPoses
from depth_refine.synthetic.kinematics import FPS
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.subjects import make_proportions


@pytest.fixture(scope='session')
def make_track():
    """A person 5 m in front of a level camera, whose bone lengths vary by some millimetres from frame to frame."""

    def make(activity='Walking', frames=60, seed=0, noise=0.003, **changes):
        rng = np.random.default_rng(seed)
        world, _ = make_motion(activity, make_proportions(seed, 0), rng, frames)
        camera = np.stack([world[..., 0], -world[..., 2], 5 + world[..., 1]], axis=-1)
        camera[:, 1:] += rng.normal(0, noise, (frames, 16, 3))
        fields = dict(
            track_id=seed,
            frames=np.arange(3, 3 + frames),
            bboxes=rng.uniform(0, 99, (frames, 4)),
            scores=rng.random((frames, 17)).astype(np.float32),
            keypoints=rng.uniform(0, 99, (frames, 17, 2)).astype(np.float32),
            depth=rng.normal(0, 0.3, (frames, 17)).astype(np.float32),
            depth_std=rng.random((frames, 17)).astype(np.float32),
            keypoints_3d_first=rng.normal(0, 0.3, (frames, 17, 3)).astype(np.float32),
            keypoints_3d=camera - camera[:, :1],
            is_interpolated=np.arange(frames) % 5 == 2,
            root=camera[:, 0],
        )
        return PoseTrack(**(fields | changes))

    return make


@pytest.fixture
def poses(make_track):
    """Two people, the second without a position in space; times are uneven; the camera is tilted."""
    times = np.cumsum(np.random.default_rng(1).uniform(0.5, 1.5, 20)) / FPS
    extrinsics = dict(R=[[1, 0, 0], [0, 0.6, 0.8], [0, -0.8, 0.6]], T=[0.5, -4.0, 1.5])
    lens = Intrinsics((1145, 1093, 512.5, 365.4), ('h36m', -0.2, 0.25, -0.003, -0.0009, -0.0016))
    camera, _ = make_camera((1000, 762), lens, extrinsics)
    tracks = [make_track(frames=7, seed=2), make_track('SittingDown', frames=4, seed=5, root=None)]
    notes = ['Frame 3 was "damaged", and skipped.', 'Größe #2']
    return VideoPoses('walk.mp4', H36M, (1000, 762), times, camera, 'given', tracks, notes)


@pytest.fixture(scope='session')
def fixed_length_poses():
    """Poses (T, 17, 3) with each bone at the median length of both sides, built bone by bone."""

    def fix(joints):
        fixed = np.zeros_like(joints)
        for joint, parent in enumerate(H36M.parents):
            if joint > 0:
                twin = H36M.flip_indices[joint]
                bones = [joints[:, j] - joints[:, H36M.parents[j]] for j in (joint, twin)]
                length = np.median(np.linalg.norm(np.concatenate(bones), axis=-1))
                bone = joints[:, joint] - joints[:, twin if parent == 0 and twin != joint else parent]
                fixed[:, joint] = fixed[:, parent] + length * bone / np.linalg.norm(bone, axis=-1, keepdims=True)
        return fixed

    return fix
