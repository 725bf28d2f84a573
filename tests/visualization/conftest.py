"""A standing person with a raised left arm in front of the camera, in one frame and in a video."""

from copy import deepcopy

import av
import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.spatial.transform import Rotation
from skeletons import MPI_INF_3DHP, smpl_metainfo, standing_pose

from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.structures.video_poses import PoseTrack, VideoPoses
from depth_refine.visualization import PoseFrame

# x right, y down, z forward in decimetres; the person faces the camera, so the left side is at the right.
_JOINTS = [
    (0, 0, 0), (-1, 0, 0), (-1, 4, -1), (-1, 8, 0), (1, 0, 0), (1, 4, -1), (1, 8, 0), (0, -2, 0), (0, -4, 0),
    (0, -5, 0), (0, -6, 0), (2, -4, 0), (4, -4, 0), (4, -6, 0), (-2, -4, 0), (-2, -1, 0), (-2, 1, -2),
]  # fmt: skip


@pytest.fixture(scope='session')
def pixels():
    """A function that finds the pixels (N, 2), x and y, of a colour, red, green, blue."""

    def pixels(image, rgb, tolerance=0):
        return np.argwhere(np.abs(image.astype(int) - rgb[::-1]).max(axis=-1) <= tolerance)[:, ::-1]

    return pixels


@pytest.fixture(scope='session')
def read_video():
    """A function that reads a video file: its stream, the times of the frames, seconds, and images (N, H, W, 3) BGR."""

    def read_video(path):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = list(container.decode(stream))
            times = [float(frame.pts * stream.time_base) for frame in frames]
            return stream, times, np.stack([frame.to_ndarray(format='bgr24') for frame in frames])

    return read_video


@pytest.fixture
def record_calls(monkeypatch):
    """A function that records the first arguments of a module's function, which still works."""

    def record_calls(module, name):
        calls, function = [], getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, **kw: calls.append(args[0]) or function(*args, **kw))
        return calls

    return record_calls


@pytest.fixture
def saved_figures(record_calls):
    return record_calls(Figure, 'savefig')


@pytest.fixture
def pose():
    """A pose (17, 3), camera-frame metres, root at 4 m."""
    return np.array(_JOINTS) / 10 + [0.2, -0.1, 4.0]


@pytest.fixture
def frame(pose):
    """A frame whose prediction is 50 mm off in depth at every joint but the root."""
    off = pose + [0, 0, 0.05]
    off[0] = pose[0]
    image = np.full((90, 160, 3), 200, np.uint8)
    keypoints = pose[:, :2] * 40 + [70, 45]
    return PoseFrame(H36M, image, keypoints, pose, {'first stage': off, 'refined': pose.copy()}, 'S9 Posing, frame 7')


@pytest.fixture(scope='session')
def two_people():
    """Two people in 12 frames of 97 x 62 px at uneven times.

    Person 0 walks to the right throughout, with truth, and is interpolated in frames 4 to 6. Person 1 stands in frames
    3 to 9, without truth. First stages are 80 mm too deep at the left wrist in odd frames, refined poses 20 mm in all.
    """
    times = 2.0 + np.cumsum([0, *[0.04, 0.06] * 5, 0.04])
    first_person = _track(0, np.arange(12), step=0.05, left=10)
    first_person.is_interpolated[4:7] = True
    first_person.truth = np.tile(np.array(_JOINTS) / 10, (12, 1, 1))
    people = [first_person, _track(1, np.arange(3, 10), step=0.0, left=60)]
    notes = ['Frames are 40 and 60 ms apart.']
    return VideoPoses('walk.mp4', H36M, (97, 62), times, None, 'assumed, 55° wide', people, notes)


@pytest.fixture
def video_poses(two_people):
    """A copy of ``two_people`` to change."""
    return deepcopy(two_people)


@pytest.fixture(params=[(smpl_metainfo(), 'pelvis'), (MPI_INF_3DHP, 14), (smpl_metainfo(), 'head')])
def other_poses(request):
    """The first person of ``two_people`` with 24, with 17 other joints, and with the head as root, turning away."""
    skeleton = Skeleton.from_metainfo(*request.param)
    joints = standing_pose(skeleton)
    turn = Rotation.from_euler('y', np.linspace(0, 20, 12)[:, None], degrees=True)
    truth = np.einsum('tij,kj->tki', turn.as_matrix(), joints)
    refined = truth + 0.02
    refined[:, skeleton.root] = 0
    fields = dict.fromkeys(['bboxes', 'scores', 'depth', 'depth_std'])
    keypoints = (truth - truth[0].mean(axis=0))[..., :2] * 25 + [48, 30]
    arrays = dict(keypoints=keypoints, keypoints_3d_first=truth, keypoints_3d=refined, truth=truth)
    root = np.tile([0.2, -0.1, 4.0], (12, 1))
    track = PoseTrack(0, np.arange(12), **fields, **arrays, is_interpolated=np.zeros(12, bool), root=root)
    return VideoPoses('other.mp4', skeleton, (97, 62), np.arange(12) / 25, tracks=[track])


@pytest.fixture(scope='session')
def video_frames():
    """The frames of ``video_poses``, each of its own grey."""
    return [np.full((62, 97, 3), 60 + 10 * index, np.uint8) for index in range(12)]


def _track(track_id, frames, step, left):
    joints = np.tile(np.array(_JOINTS) / 10, (len(frames), 1, 1))
    first, refined = joints.copy(), joints.copy()
    first[frames % 2 == 1, 13, 2] += 0.08
    refined[:, 13, 2] += 0.02
    keypoints = joints[..., :2] * 30 + [left + 8, 30] + np.arange(len(frames))[:, None, None] * [30 * step, 0]
    return PoseTrack(
        track_id,
        frames,
        bboxes=np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=-1),
        scores=np.ones((len(frames), 17)),
        keypoints=keypoints,
        depth=first[..., 2],
        depth_std=np.full((len(frames), 17), 0.03),
        keypoints_3d_first=first,
        keypoints_3d=refined,
        is_interpolated=np.zeros(len(frames), bool),
        root=np.array([0.2 + left / 30, -0.1, 4.0]) + np.arange(len(frames))[:, None] * [step, 0, 0],
    )
