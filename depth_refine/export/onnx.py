"""ONNX files of both networks, for onnxruntime and other programs."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from mmpose.models import TopdownPoseEstimator
from torch import Tensor, nn

from depth_refine.models import DepthTemporalRefiner, IntegralHead3D
from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

_CHANNELS = ('u', 'v', 'depth', 'spread of depth')
_NORMALISATIONS = {  # of pixels, by the codec's name
    'image_width': 'u becomes 2 u / width - 1, v (2 v - height) / width with pixels and size of the full image, where '
    'the nearest of the cameras (f and c in image widths, k and p of Human3.6M) would see the joint',
    'rays': 'u and v become x / z and y / z of the ray that meets the pixel, by the focal length, principal point and '
    'lens distortion of your camera',
}


class FirstStageGraph(nn.Module):
    """The first stage as one graph, from images to joints: normalisation, network and codec, without flip testing."""

    input_name, output_name = 'image', 'keypoints'

    def __init__(self, model: TopdownPoseEstimator) -> None:
        super().__init__()
        self.model = model
        preprocessor, codec = model.data_preprocessor, model.head.decoder
        (width, height), depth_range = codec.input_size, codec.depth_range
        self.num_joints = model.head.num_joints
        self.register_buffer('scale', torch.tensor([width, height, depth_range]))
        self.register_buffer('shift', torch.tensor([-0.5, -0.5, -depth_range / 2]))
        self.example = torch.zeros(2, 3, height, width)
        self.dynamic_axes = {0: 'batch'}
        channels = 'RGB' if preprocessor._channel_conversion else 'BGR'  # files are read as BGR
        self.metadata = dict(
            input=f'image: (N, 3, {height}, {width}) float32, {channels}, 0 to 255, the crop of a person',
            output=f'keypoints: (N, {self.num_joints}, 3) of u, v in pixels of the crop, pixel centres at '
            "integers, and depth in metres, camera z minus the root joint's",
            depth_range_m=depth_range,
        )

    def forward(self, image: Tensor) -> Tensor:
        """Joints (N, K, 3) of images (N, 3, H, W), as the metadata say."""
        preprocessor = self.model.data_preprocessor
        feats = self.model.extract_feat((image - preprocessor.mean) / preprocessor.std)
        return self.model.head(feats) * self.scale + self.shift


class RefinerGraph(nn.Module):
    """The refiner as one graph, from normalised sequences to poses, without flip testing."""

    input_name, output_name = 'keypoints', 'poses'

    def __init__(self, model: DepthTemporalRefiner, channels: int) -> None:
        super().__init__()
        self.model = model
        self.num_joints = joints = model.num_joints
        field, codec = model.receptive_field, model.head.decoder
        self.example = torch.zeros(2, field + 2, joints * channels)
        self.dynamic_axes = {0: 'batch', 1: 'frames'}
        shift = field - 1 if getattr(model.backbone, 'causal', False) else field // 2
        self.metadata = dict(
            input=f'keypoints: (N, T, {joints * channels}) float32, T >= {field}, of '
            f'{", ".join(_CHANNELS[:channels])} for each of {joints} joints; {_NORMALISATIONS[codec.normalisation]}; '
            f'metres are divided by {codec.depth_range / 2}',
            output=f'poses: (N, T - {field - 1}, {joints}, 3) metres from the root joint, camera axes: x right, y '
            f'down, z forward; output t belongs to input frame t + {shift}',
            normalisation=codec.normalisation,
            depth_range_m=codec.depth_range,
            receptive_field=field,
            first_output_frame=shift,
        )

    def forward(self, keypoints: Tensor) -> Tensor:
        """Poses (N, T - R + 1, K, 3) of inputs (N, T, K * C), as the metadata say; R is the receptive field."""
        poses = self.model.head(self.model.extract_feat(keypoints.unflatten(2, (self.model.num_joints, -1))))
        return poses - poses[..., self.model.head.decoder.root_index, :]  # as the codec does


def onnx_graph(model: nn.Module, channels: int = 3) -> FirstStageGraph | RefinerGraph:
    """The PyTorch module that :func:`export_onnx` writes, in evaluation mode.

    Args:
        model: one of the two stages, on the CPU.
        channels: number of a refiner's inputs per joint: 2 for u and v, 3 with the depth, 4 with its standard
            deviation.

    Raises:
        InputError: the model is neither.
    """
    if hasattr(getattr(model.head, 'decoder', None), 'depth_range'):
        if isinstance(model, DepthTemporalRefiner) and hasattr(model.backbone, 'receptive_field'):
            return RefinerGraph(model, channels).eval()
        if isinstance(model, TopdownPoseEstimator) and isinstance(model.head, IntegralHead3D):
            return FirstStageGraph(model).eval()
    raise InputError(
        f'cannot export a {type(model).__name__} with a {type(model.backbone).__name__} and a '
        f'{type(model.head).__name__}: expected a TopdownPoseEstimator with an IntegralHead3D, or a '
        'DepthTemporalRefiner with a backbone that states its receptive_field, and a decoder in the head, '
        'IntegralPose3D or DepthSequenceLifting'
    )


def export_onnx(
    graph: FirstStageGraph | RefinerGraph,
    path: str | Path,
    skeleton: Skeleton,
    frame_rate: float,
    cameras: list[dict],
    notes: Sequence[str] = (),
    provenance: dict | None = None,
) -> None:
    """Write an ONNX file for any batch size and, for a refiner, any number of frames.

    The file's metadata describe inputs and outputs with units, and name the joints; for a refiner also the frame rate
    and the cameras of its training. See docs/output_files.md.

    Args:
        graph: from :func:`onnx_graph`.
        path: the file.
        skeleton: the joints of the training.
        frame_rate: of the training, 1 / s.
        cameras: of the training, see :func:`depth_refine.structures.camera.normalised_cameras`.
        notes: sentences on which of these are assumed.
        provenance: further metadata, such as the checkpoint.

    Raises:
        InputError: skeleton and model differ in their number of joints.
    """
    if (joints := graph.num_joints) != skeleton.num_joints:
        raise InputError(
            f'the model has {joints} joints, and the skeleton of its data set {skeleton.num_joints}: does the config '
            'belong to the checkpoint?'
        )
    metadata = dict(
        joint_names=skeleton.joint_names,
        joint_parents=skeleton.parents,
        root_index=skeleton.root,
        flip_indices=skeleton.flip_indices,
        **graph.metadata,
    )
    if isinstance(graph, RefinerGraph):
        metadata['input'] += f'; T frames follow each other at {frame_rate:g} a second'
        metadata.update(frame_rate=frame_rate, cameras=cameras, notes=list(notes))
    metadata.update(provenance or {})

    program = torch.onnx.export(
        graph,
        (graph.example,),
        dynamo=True,
        input_names=[graph.input_name],
        output_names=[graph.output_name],
        dynamic_shapes=(graph.dynamic_axes,),
        verbose=False,
    )
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    program.model.metadata_props.update(texts)
    with whole_file(path) as partial:
        program.save(partial)
