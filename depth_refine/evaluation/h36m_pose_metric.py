"""Human3.6M's evaluation protocols on its own joints, sequences and actions."""

import math
from collections.abc import Sequence

from mmpose.registry import METRICS

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_names import ImageName, action_of, parse_image_name

from .depth_pose_metric import DepthPoseMetric

# 14 joints are limbs, thorax and head, as in evaluations of SMPL-based methods
_LEFT_OUT = {17: (), 14: ('root', 'spine', 'neck_base')}


@METRICS.register_module()
class H36MPoseMetric(DepthPoseMetric):
    """:class:`DepthPoseMetric` for Human3.6M: 17 joints in MMPose's order, root 0, the sequences of published tables.

    Where samples do not name sequence, frames and action, as with MMPose's own lifters, these are read from the image
    names in ``target_img_path`` or ``img_path``. Two spellings of an action in Human3.6M's names count as one action.

    Args:
        skip_list: sequences to leave out, named '<subject>_<action>' as in the file names, take number included where
            there is one, for all cameras. The default is that of published tables; ``[]`` leaves out nothing.
        num_joints: 17, or 14: without root, spine and neck base, after the root has been moved to the origin. All
            errors and alignments are over these.
        collect_device: 'cpu' or 'gpu', how results travel between ranks.
        prefix: put before the names, ``'h36m'`` if None.

    Raises:
        InputError: the list of sequences is a string, or ``num_joints`` neither 17 nor 14.

    Example:
        In a config, on the 14 joints that SMPL-based methods are evaluated on:

            val_evaluator = test_evaluator = dict(type='H36MPoseMetric', num_joints=14)
    """

    default_prefix = 'h36m'
    title = 'Human3.6M 3D pose errors'
    num_keypoints = H36M.num_joints

    def __init__(
        self,
        skip_list: Sequence[str] = ('S11_Directions',),
        num_joints: int = 17,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ):
        if num_joints not in _LEFT_OUT:
            raise InputError(f'num_joints of H36MPoseMetric: expected 17 or 14, got {num_joints!r}')
        joints = [index for index, name in enumerate(H36M.joint_names) if name not in _LEFT_OUT[num_joints]]
        super().__init__(skip_list, joints, H36M.root, collect_device, prefix)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep root-relative poses of a batch; see :meth:`DepthPoseMetric.process`.

        Raises:
            InputError: see there; also where a needed image name does not have Human3.6M's form.
        """
        super().process(data_batch, [_named(sample) for sample in data_samples])


def _named(sample: dict) -> dict:
    """The sample with sequence, frames and action in its metainfo."""
    if 'lifting_target' in sample['gt_instances']:
        named = _with_frames(sample)
    elif 'sequence' in sample and 'frame' in sample:
        named = sample
    elif 'sequence' in sample or 'img_path' not in sample:
        raise InputError(
            f"{sample.get('sequence', 'a sample')}: expected both 'sequence' and 'frame' in the metainfo, or "
            f"'img_path' alone, got {sorted(sample.keys() & {'sequence', 'frame', 'img_path'})}; let PackPoseInputs of "
            'the evaluated dataset pack them'
        )
    else:
        name = _parse(sample['img_path'])
        named = dict(sample, sequence=name.sequence, frame=name.frame)
    known = named.get('action')  # one, or one for each frame
    if (known is not None and len(known)) or 'sequence' not in named:
        return named
    if '_' not in named['sequence']:
        raise InputError(
            f"{named['sequence']}: expected a sequence named as Human3.6M's, S9_Directions_1.54138969, or 'action' in "
            'the metainfo; DepthPoseMetric is for other data'
        )
    return dict(named, action=action_of(named['sequence']))


def _with_frames(sample: dict) -> dict:
    if {'sequence', 'frames'} <= sample.keys() or 'target_img_path' not in sample:
        return sample
    names = [_parse(path) for path in sample['target_img_path']]
    sequence = sample.get('sequence', names[0].sequence)
    count = math.prod(sample['gt_instances']['lifting_target'].shape[:-2])
    if len(names) != count:
        raise InputError(
            f'{sequence}: expected one target_img_path per predicted frame, got {len(names)} paths and {count} frames'
        )
    return dict(sample, sequence=sequence, frames=[name.frame for name in names])


def _parse(path: str) -> ImageName:
    """'.../S9_Directions_1.54138969_000001.jpg' to ('S9_Directions_1.54138969', ..., 1)."""
    try:
        return parse_image_name(path)
    except ValueError as error:
        raise InputError(f'cannot tell sequence and frame of an image: {error}; name the files so') from error
