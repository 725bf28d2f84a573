"""Windows and whole clips of motion, seen through random cameras, for the second stage."""

import functools
import math

import numpy as np
import torch
from mmpose.registry import DATASETS
from torch import Generator, Tensor

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .depth_sequence_dataset import DepthSequenceDataset
from .motion_cameras import RandomCameras
from .motion_clips import MotionClips


@DATASETS.register_module()
class MotionDataset(DepthSequenceDataset):
    """Motion from a file, seen through a random camera that is drawn anew whenever a window is requested.

    Samples are those of :class:`DepthSequenceDataset`, with true 2D poses and depths, and go through the same pipelines
    in batches. With ``DepthSequenceLifting(normalisation='rays')`` a refiner learns from motion alone what people look
    like through any camera. Random numbers are PyTorch's. In test mode a sample is a whole clip of unchanged bodies,
    and each clip and view always has the same camera.

    The metainfo lists no cameras: inputs that are normalised by rays depend on none.

    Args:
        motion_file: npz, relative to the data root, see :class:`MotionClips`.
        seq_len: the refiner's receptive field.
        input_source: ``'gt2d'`` or ``'gt2d+gtdepth'``.
        cameras: arguments of :class:`RandomCameras`.
        body_size: largest relative change of a person's size in training; the person's path is scaled with it.
        bone_lengths: largest relative change of each bone's length, in addition; left and right change alike.
        joint_angles: standard deviation, degrees, of rotations of hips, shoulders, trunk and neck in training, along
            each axis of a rotation vector. They are constant in a window, and add poses that the file lacks.
        frame_rate: frames a second of the windows; the file may have another.
        subjects: the file's subjects to use; all if None.
        views: number of cameras for each clip in test mode.
        kwargs: see :class:`DepthSequenceDataset`.

    Raises:
        InputError: see :class:`MotionClips` and :class:`RandomCameras`; an argument is out of its range.

    Example:
        In a config:

            train_dataloader = dict(
                dataset=dict(
                    type='MotionDataset',
                    metainfo=dict(from_file='configs/_base_/datasets/h36m.py'),
                    root='root',
                    motion_file='train.npz',
                    seq_len=27,
                    cameras=dict(distance=(2.0, 12.0)),
                )
            )
    """

    INPUT_SOURCES = ('gt2d', 'gt2d+gtdepth')

    def __init__(
        self,
        motion_file: str,
        seq_len: int,
        input_source: str = 'gt2d+gtdepth',
        cameras: dict | None = None,
        body_size: float = 0.15,
        bone_lengths: float = 0.07,
        joint_angles: float = 10.0,
        frame_rate: float = 50.0,
        subjects: list[str] | None = None,
        views: int = 4,
        test_mode: bool = False,
        **kwargs,
    ) -> None:
        for name, value, low, high in (
            ('body_size', body_size, 0, 0.9),
            ('bone_lengths', bone_lengths, 0, 0.9),
            ('joint_angles', joint_angles, 0, 60),
            ('frame_rate', frame_rate, 1, 1000),
        ):
            require_number(f'{name} of MotionDataset', value, low, high)
        require_number('views of MotionDataset', views, 1, whole=True)
        self.cameras = RandomCameras(**(cameras or {}))
        self.body_size, self.bone_lengths, self.joint_angles = body_size, bone_lengths, joint_angles
        self._reading = dict(frame_rate=float(frame_rate), subjects=subjects, views=views if test_mode else 1)
        super().__init__(
            ann_file=motion_file, input_source=input_source, seq_len=seq_len, test_mode=test_mode, **kwargs
        )

    def read_annotation(self) -> MotionClips:
        """Read the clips."""
        return MotionClips(self.ann_file, self.skeleton, **self._reading)

    def _check_codecs(self) -> None:
        super()._check_codecs()
        for codec in filter(None, (getattr(step, 'encoder', None) for step in self.pipeline.transforms)):
            if getattr(codec, 'normalisation', 'image_width') != 'rays':
                raise InputError(
                    'MotionDataset has cameras of any kind, for which 2D is normalised by rays: give '
                    f"{type(codec).__name__} normalisation='rays'"
                )

    def _read_inputs(self) -> list[np.ndarray]:
        self.bbox_policy = 'not needed'
        return []

    def describe(self, sample_id: np.ndarray) -> dict:
        """Metadata of a sample: everything but its tensors."""
        index, start, count = sample_id.tolist()
        sequence = self.annotation.sequences[index]
        targets = sequence.rows[np.arange(start, start + count).clip(max=len(sequence.rows) - 1)]
        info = self.sequence_info(sequence, targets)
        return dict(target_img_path=[''] * count, img_ids=targets, frames=self.annotation.frames[targets], **info)

    def _gather(self, samples: np.ndarray) -> dict:
        """Arrays (B, ...) of samples of equal length, each through a camera of its own."""
        videos, starts = torch.from_numpy(np.ascontiguousarray(samples[:, :2].T, np.int64)).to(self.device)
        count = int(samples[0, 2])
        rows = self._rows_of(videos, starts - self.frames_before, count + self.seq_len - 1)
        world, generator = self._arrays[0][rows], None
        if self.test_mode:
            generator = Generator(self.device).manual_seed(int(samples[0, 0]))
        else:
            world = self._other_bodies(world)
        joints, cameras = self.cameras(world, self.skeleton.root, generator)
        keypoints = joints[..., :2] / joints[..., 2:] * cameras['f'][:, None, None] + cameras['c'][:, None, None]
        if 'depth' in self.input_source:
            depth = joints[..., 2:]
            keypoints = torch.cat([keypoints, depth - depth[:, :, self.skeleton.root, None]], dim=-1)
        target = joints[:, self.frames_before : self.frames_before + count]
        ones = keypoints.new_ones(())
        return dict(
            keypoints=keypoints,
            keypoints_visible=ones.expand(keypoints.shape[:-1]),
            lifting_target=target,
            lifting_target_visible=ones.expand(target.shape[:-1]),
            camera_param=cameras,
        )

    def _other_bodies(self, joints: Tensor) -> Tensor:
        """Change size, bone lengths and joint angles of bodies, given by world joints (B, T, K, 3)."""
        batch, count = len(joints), self.skeleton.num_joints
        draw = torch.rand(batch, 1 + count, device=joints.device) * 2 - 1
        size, bones = 1 + self.body_size * draw[:, :1], 1 + self.bone_lengths * draw[:, 1:]
        bones[:, self.skeleton.root] = 1
        twins = torch.tensor([min(pair) for pair in enumerate(self.skeleton.flip_indices)])
        angles = torch.randn(batch, count, 3, device=joints.device)
        turns = _rotations(math.radians(self.joint_angles) * angles)
        # a bone ends at its joint, the root's begins at the world's origin; joints rotate all bones beyond them
        whole = [torch.eye(3, device=joints.device).expand(batch, 3, 3)] * count
        to_bones = torch.eye(count)
        for joint in self.skeleton.from_root[1:]:
            parent = self.skeleton.parents[joint]
            to_bones[joint, parent] = -1
            whole[joint] = whole[parent] @ turns[:, parent] if self._turns[parent] else whole[parent]
        to_bones = to_bones.to(joints.device)
        change = torch.stack(whole, dim=1) * (size * bones)[:, twins, None, None]
        vectors = torch.einsum('jk,btkc->btjc', to_bones, joints)
        vectors = (change[:, None] @ vectors[..., None])[..., 0]
        return torch.einsum('jk,btkc->btjc', to_bones.inverse(), vectors)

    @functools.cached_property
    def _turns(self) -> list[bool]:
        """Whether each joint rotates the bones beyond it, as hips, shoulders, the lower ends of trunk and neck do."""
        parents = self.skeleton.parents
        return [parent >= 0 and parents.count(parent) > 1 for parent in parents]


def _rotations(vectors: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3), radians."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    return torch.matrix_exp(cross)
