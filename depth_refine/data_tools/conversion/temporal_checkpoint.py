"""VideoPose3D's and MMPose's temporal ConvNets, converted to refiners of 2D poses.

All three are the network of Pavllo et al. (CVPR 2019) with different names of layers. Their inputs and outputs agree,
too: pixels from the image's centre divided by half its width, Human3.6M's 17 joints in the same order, and 3D poses in
metres from the pelvis in camera axes. So weights are only renamed.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.hub import get_config
from torch import Tensor, nn

from depth_refine.models import TemporalConvNet, TemporalPoseHead
from depth_refine.structures.camera import normalised_cameras
from depth_refine.structures.skeleton import H36M, parse_metainfo
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.compat import CheckpointFile, load_restricted
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import IMAGE_HEIGHTS, IMAGE_WIDTH, LENSES
from depth_refine.utils.options import require_number
from depth_refine.utils.safe_pickle import StandIn

from .network_joints import check_joints

CONFIG = 'configs/refiner_243_cpn.py'  # VideoPose3D's published network on its published detections
_BACKBONE = dict(channels=1024, kernel_size=3, num_blocks=4, causal=False)  # of that config
_NUM_JOINTS = H36M.num_joints
FRAME_RATE = 50.0  # frames a second, of both projects' published networks on Human3.6M
_BATCH_NORM = r'(weight|bias|running_mean|running_var|num_batches_tracked)'
_HEAD = r'(weight|bias)'
# Their names and ours. After '#', their number n becomes block n // 2, convolution n % 2 + 1.
_VIDEOPOSE3D = {
    r'expand_conv\.weight': 'backbone.input_conv.conv.weight',
    rf'expand_bn\.{_BATCH_NORM}': r'backbone.input_conv.norm.\1',
    r'layers_conv\.(\d+)\.weight': r'backbone.blocks.#\1.conv.weight',
    rf'layers_bn\.(\d+)\.{_BATCH_NORM}': r'backbone.blocks.#\1.norm.\2',
    rf'shrink\.{_HEAD}': r'head.conv.\1',
}
_MMPOSE = {
    r'backbone\.expand_conv\.conv\.weight': 'backbone.input_conv.conv.weight',
    rf'backbone\.expand_conv\.bn\.{_BATCH_NORM}': r'backbone.input_conv.norm.\1',
    r'backbone\.tcn_blocks\.(\d+)\.(conv[12])\.0\.conv\.weight': r'backbone.blocks.\1.\2.conv.weight',
    rf'backbone\.tcn_blocks\.(\d+)\.(conv[12])\.0\.bn\.{_BATCH_NORM}': r'backbone.blocks.\1.\2.norm.\3',
    rf'(?:head|keypoint_head)\.conv\.{_HEAD}': r'head.conv.\1',  # keypoint_head before MMPose 1.0
}
_NAMES = dict(videopose3d=_VIDEOPOSE3D, mmpose=_MMPOSE)
_EXAMPLES = dict(videopose3d='layers_conv.0.weight', mmpose='backbone.tcn_blocks.0.conv1.0.conv.weight')
_FIRST, _LAST = 'backbone.input_conv.conv.weight', 'head.conv.weight'
_TRAJECTORY = 'traj'  # prefix of both projects' networks for the pelvis in space, which the refiner does not have
# VideoPose3D saves its random generator, which is not needed.
_PICKLED = ('_pickle.__randomstate_ctor', '_pickle.__bit_generator_ctor', '_mt19937.MT19937', '__RandomState_ctor')
_RANDOM_STATE = [f'numpy.random.{name}' for name in _PICKLED]


class RefinerShape(NamedTuple):
    """The shape of a checkpoint's network."""

    kernel_size: int
    num_blocks: int
    channels: int

    @property
    def receptive_field(self) -> int:
        """Number of input frames that an output frame depends on."""
        return self.kernel_size ** (self.num_blocks + 1)

    def config_options(self, causal: bool) -> list[str]:
        """The ``--cfg-options`` by which ``CONFIG`` fits this network."""
        model = dict(channels=self.channels, kernel_size=self.kernel_size, num_blocks=self.num_blocks, causal=causal)
        options = [f'model.backbone.{key}={value}' for key, value in model.items() if value != _BACKBONE[key]]
        if self.channels != _BACKBONE['channels']:
            options.append(f'model.head.in_channels={self.channels}')
        data = [f'seq_len={self.receptive_field}'] if self.receptive_field != 243 else []
        data += ['causal=True'] if causal else []
        return options + [f'{split}_dataloader.dataset.{key}' for split in ('train', 'val', 'test') for key in data]


def convert_checkpoint(
    path: str | Path,
    out: str | Path,
    source: str,
    joint_order: str | None = None,
    causal: bool = False,
    frame_rate: float = FRAME_RATE,
) -> tuple[RefinerShape, list[str]]:
    """Write a checkpoint of the refiner with the weights of another project's network.

    Outputs are equal up to rounding for every input. MMPose's networks without residuals cannot be converted. Joints,
    frame rate and whether the network is causal are arguments, since weights do not show them.

    Args:
        path: for ``source`` ``'videopose3d'`` a ``*.bin``, a dict with ``model_pos``; for ``'mmpose'`` a checkpoint of
            ``PoseLifter`` with ``TCN`` and ``TemporalRegressionHead``, of version 0 or 1.
        out: the checkpoint to write, for ``tools/test.py`` or ``load_from``.
        source: project of the network.
        joint_order: of its 2D and 3D joints, a key of ``NUM_JOINTS``; only ``'h36m'`` can be converted. None if the
            checkpoint says it, or is a published one, known by its name.
        causal: whether it was trained as causal; written to the checkpoint's metainfo, as our trainings do.
        frame_rate: of the videos it was trained on, 1 / s; written to the metainfo, too.

    Returns:
        The network's shape, and the parts of the checkpoint that were left out because the refiner has no such part.

    Raises:
        InputError: the file is missing, damaged, tries to run code, is not of that project, or holds a network that the
            refiner cannot represent; or its joints are not known, or not Human3.6M's.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from mmpose.models import TCN, TemporalRegressionHead
        >>> from depth_refine.data_tools.conversion import convert_checkpoint
        >>> backbone = TCN(34, stem_channels=8, num_blocks=1, kernel_sizes=(3, 3))
        >>> lifter = torch.nn.ModuleDict(dict(backbone=backbone, head=TemporalRegressionHead(8, num_joints=17)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save(lifter.state_dict(), f'{folder}/mmpose.pth')
        ...     shape, _ = convert_checkpoint(f'{folder}/mmpose.pth', f'{folder}/refiner.pth', 'mmpose', 'h36m')
        >>> shape, shape.receptive_field
        (RefinerShape(kernel_size=3, num_blocks=1, channels=8), 9)
    """
    require_number('the frame rate of the training', frame_rate, 1, 1000)
    weights, left_out, data_set = _read(Path(path), source)
    renamed, unknown = {}, []
    for name, weight in weights.items():
        new_name = _rename(name, _NAMES[source])
        if new_name is not None and isinstance(weight, Tensor):
            renamed[new_name] = weight
        elif name.startswith(_TRAJECTORY):
            left_out.append(name.split('.')[0])
        else:
            unknown.append(name)
    _check_network(path, source, renamed, unknown)
    check_joints(Path(path), joint_order, data_set)
    shape = _find_shape(path, renamed)
    state = _fit(path, renamed, shape)
    sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    origin = dict(project=source, file=Path(path).name, sha256=sha256)
    meta = dict(converted_from=origin, dataset_meta=_dataset_meta(causal, frame_rate))
    with whole_file(out) as partial:
        torch.save(dict(meta=meta, state_dict=state), partial)
    return shape, sorted(set(left_out))


def _dataset_meta(causal: bool, frame_rate: float) -> dict:
    """The metainfo of the training data that MMPose and our inference read in a checkpoint."""
    cameras = [dict(lens, w=IMAGE_WIDTH, h=IMAGE_HEIGHTS[camera_id]) for camera_id, lens in LENSES.items()]
    seen = dict(frame_rate=frame_rate, cameras=normalised_cameras(cameras), normalisation='image_width', causal=causal)
    return (
        parse_metainfo(get_config('mmpose::_base_/datasets/h36m.py').dataset_info) | seen | dict(root_index=H36M.root)
    )


def _read(path: Path, source: str) -> tuple[dict[str, Tensor], list[str], str | None]:
    """Weights of the pose network, names of other networks and of the data set; runs no code of the file."""
    if not path.is_file():
        raise InputError(
            f'{path}: no such checkpoint file. Give one of VideoPose3D, such as pretrained_h36m_cpn.bin, or of MMPose.'
        )
    with torch.serialization.safe_globals([(_Ignored, name) for name in _RANDOM_STATE]), CheckpointFile(path) as file:
        checkpoint = load_restricted(str(path), lambda: torch.load(file, map_location='cpu', weights_only=True))
    content = checkpoint if isinstance(checkpoint, dict) else {}
    if source == 'videopose3d':
        weights, expected = content.get('model_pos'), "a dict with 'model_pos', as VideoPose3D saves"
    else:
        weights, expected = content.get('state_dict', content), "weights, or a dict with 'state_dict', as MMPose saves"
    if not isinstance(weights, dict) or not any(isinstance(weight, Tensor) for weight in weights.values()):
        got = sorted(map(str, checkpoint)) if isinstance(checkpoint, dict) else type(checkpoint).__name__
        raise InputError(f'{path}: expected {expected}, got {got}; is --source {source} right?')
    data_set = content
    for key in ('meta', 'dataset_meta', 'dataset_name'):  # of MMPose since 1.0
        data_set = data_set.get(key) if isinstance(data_set, dict) else None
    return weights, ['model_traj'] if content.get('model_traj') else [], data_set


class _Ignored(StandIn):
    """Stand-in for pickled objects that are not read."""

    value = None

    def __init__(self, *_) -> None: ...

    __setstate__ = __init__


def _rename(name: str, names: dict[str, str]) -> str | None:
    """Our name of another project's parameter, or None."""
    for theirs, ours in names.items():
        if match := re.fullmatch(theirs, name):
            return re.sub(r'#(\d+)', lambda n: f'{int(n[1]) // 2}.conv{int(n[1]) % 2 + 1}', match.expand(ours))
    return None


def _check_network(path: str | Path, source: str, renamed: dict[str, Tensor], unknown: list[str]) -> None:
    """Check that the parameters are those of the network of Pavllo et al.; raises an InputError."""
    first, last = renamed.get(_FIRST), renamed.get(_LAST)
    if first is None or last is None or unknown or first.ndim != 3 or last.ndim != 3:
        problem = f'has {unknown[0]!r} besides' if unknown else 'lacks its first or last layer'
        raise InputError(
            f'{path} is not a temporal network of {source}: it {problem}. Expected the network of Pavllo et al. alone, '
            f'with parameters such as {_EXAMPLES[source]}; is --source right?'
        )


def _find_shape(path: str | Path, renamed: dict[str, Tensor]) -> RefinerShape:
    """The network's shape from its weights; raises an InputError if the refiner cannot have it."""
    channels, inputs, kernel_size = renamed[_FIRST].shape
    outputs = len(renamed[_LAST])
    if inputs != _NUM_JOINTS * 2 or outputs != _NUM_JOINTS * 3:
        raise InputError(
            f'{path} takes {inputs} numbers a frame and gives {outputs}: expected {_NUM_JOINTS * 2}, x and y of '
            f"Human3.6M's {_NUM_JOINTS} joints, and {_NUM_JOINTS * 3}. A network on scores or depths, too, or on other "
            'joints cannot become a refiner of 2D poses.'
        )
    kernels = [w.shape[2] for n, w in renamed.items() if n.endswith('.conv1.conv.weight') and w.ndim == 3]
    if different := [kernel for kernel in kernels if kernel != kernel_size]:
        raise InputError(
            f'{path} has kernels of {kernel_size} and of {different[0]} frames: expected one size, as the refiner has. '
            'Networks with mixed filter widths, or of the ablation without dilation, cannot be converted.'
        )
    return RefinerShape(kernel_size, len(kernels), channels)


def _fit(path: str | Path, renamed: dict[str, Tensor], shape: RefinerShape) -> dict[str, Tensor]:
    """The refiner's state dict, after a check that every parameter is present and has its shape."""
    with torch.device('meta'):
        backbone = TemporalConvNet(_NUM_JOINTS * 2, shape.channels, shape.num_blocks, shape.kernel_size)
        model = nn.ModuleDict(dict(backbone=backbone, head=TemporalPoseHead(shape.channels, _NUM_JOINTS)))
    expected = model.state_dict()
    # PyTorch counts batches since 0.4.1; the count has no effect
    counts = {name: torch.zeros((), dtype=torch.long) for name in expected if name.endswith('num_batches_tracked')}
    found = counts | renamed
    shapes = [{name: tuple(weight.shape) for name, weight in state.items()} for state in (expected, found)]
    differing = sorted(name for name, _ in shapes[0].items() ^ shapes[1].items())
    if differing:
        want, got = (shape_of.get(differing[0], 'none') for shape_of in shapes)
        raise InputError(
            f'{path} is not a whole network of {shape.num_blocks} blocks and {shape.channels} channels: '
            f'{len(set(differing))} of {len(expected)} parameters differ, first {differing[0]} (our name), expected '
            f'{want}, got {got}. Copy or download it again.'
        )
    return {name: found[name].to(parameter.dtype) for name, parameter in expected.items()}
