from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config, DictAction
from mmengine.runner import CheckpointLoader, load_checkpoint
from mmpose.registry import MODELS
from small_models import randomise_statistics
from torch import nn

from depth_refine.data_tools.conversion import CONFIG, convert_checkpoint
from depth_refine.data_tools.conversion.network_joints import check_joints
from depth_refine.structures import H36M, Skeleton
from depth_refine.utils.checkpoint import check_checkpoint
from depth_refine.utils.errors import InputError


class Reference(nn.Module):
    """VideoPose3D's network with its public layer names, written from its description (Pavllo et al., section 3)."""

    def __init__(self, widths, channels, causal=False, joints_in=17, joints_out=17):
        super().__init__()
        self.widths, self.causal = widths, causal
        self.expand_conv = nn.Conv1d(joints_in * 2, channels, widths[0], bias=False)
        self.expand_bn = nn.BatchNorm1d(channels)
        kernels = [kernel for width in widths[1:] for kernel in (width, 1)]
        self.layers_conv = nn.ModuleList(nn.Conv1d(channels, channels, kernel, bias=False) for kernel in kernels)
        self.layers_bn = nn.ModuleList(nn.BatchNorm1d(channels) for _ in kernels)
        self.shrink = nn.Conv1d(channels, joints_out * 3, 1)

    def forward(self, joints):
        """Poses (B, T', joints, 3) of inputs (B, T, joints, 2)."""
        x = self.expand_bn(self.expand_conv(joints.flatten(2).transpose(1, 2))).relu()
        dilation = self.widths[0]
        for i, width in enumerate(self.widths[1:]):
            conv = self.layers_conv[2 * i]
            out = nn.functional.conv1d(x, conv.weight, dilation=dilation)
            out = self.layers_bn[2 * i](out).relu()
            out = self.layers_bn[2 * i + 1](self.layers_conv[2 * i + 1](out)).relu()
            first = (width - 1) * dilation if self.causal else (width - 1) * dilation // 2
            x = x[:, :, first : first + out.shape[2]] + out
            dilation *= width
        x = self.shrink(x).transpose(1, 2)
        return x.unflatten(2, (-1, 3))


def save_videopose3d(path, network):
    """Save as VideoPose3D's training does, in PyTorch's format of 2018."""
    generator = np.random.RandomState(1234)
    optimizer = torch.optim.Adam(network.parameters(), amsgrad=True).state_dict()
    content = dict(epoch=80, lr=1e-4, random_state=generator, optimizer=optimizer, model_pos=network.state_dict())
    content |= dict(model_traj=None, random_state_semi=None)
    torch.save(content, path, _use_new_zipfile_serialization=False)


def load_refiner(path, shape, causal=False):
    cfg = Config.fromfile(Path(__file__).parents[3] / CONFIG)
    options = dict(option.split('=') for option in shape.config_options(causal))
    cfg.merge_from_dict({key: DictAction._parse_iterable(value) for key, value in options.items()})
    assert cfg.test_dataloader.dataset.seq_len == cfg.train_dataloader.dataset.seq_len == shape.receptive_field
    assert cfg.test_dataloader.dataset.get('causal', False) == causal
    refiner = MODELS.build(cfg.model)
    check_checkpoint(refiner, path)
    load_checkpoint(refiner, str(path), logger='silent')
    return refiner.eval()


@pytest.mark.parametrize(
    ('widths', 'channels', 'causal'),
    [((3, 3, 3, 3, 3), 24, False), ((3, 3, 3), 40, True), ((1, 1, 1), 24, False), ((5, 5), 1024, False)],
)
def test_videopose3d_gives_the_same_poses(tmp_path, widths, channels, causal):
    torch.manual_seed(5)
    network = randomise_statistics(Reference(widths, channels, causal)).eval()
    save_videopose3d(tmp_path / 'a.bin', network)
    shape, left_out = convert_checkpoint(tmp_path / 'a.bin', tmp_path / 'out/a.pth', 'videopose3d', 'h36m', causal)
    assert (shape.kernel_size, shape.num_blocks, shape.channels) == (widths[0], len(widths) - 1, channels)
    assert left_out == []
    refiner = load_refiner(tmp_path / 'out/a.pth', shape, causal)
    assert refiner.receptive_field == shape.receptive_field == widths[0] ** len(widths)
    inputs = torch.randn(2, shape.receptive_field + 7, 17, 2)
    with torch.inference_mode():
        expected, poses = network(inputs), refiner(inputs)
    assert poses.shape == (2, 8, 17, 3) and expected.std() > 0.2
    torch.testing.assert_close(poses, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(('prefix', 'strided'), [('head', True), ('keypoint_head', False)])
def test_mmpose_gives_the_same_poses(tmp_path, prefix, strided):
    options = dict(stem_channels=48, num_blocks=2, kernel_sizes=(3, 3, 3), use_stride_conv=strided)
    torch.manual_seed(5)
    backbone = randomise_statistics(MODELS.build(dict(type='TCN', in_channels=34, **options)))
    backbone.eval()
    head = MODELS.build(dict(type='TemporalRegressionHead', in_channels=48, num_joints=17))
    state = {f'backbone.{name}': weight for name, weight in backbone.state_dict().items()}
    state |= {f'{prefix}.{name}': weight for name, weight in head.state_dict().items()}
    state |= {'traj_backbone.expand_conv.conv.weight': torch.zeros(2), 'traj_head.conv.bias': torch.zeros(3)}
    torch.save(dict(meta={}, state_dict=state), tmp_path / 'a.pth')
    shape, left_out = convert_checkpoint(tmp_path / 'a.pth', tmp_path / 'b.pth', 'mmpose', 'h36m')
    assert left_out == ['traj_backbone', 'traj_head']
    refiner = load_refiner(tmp_path / 'b.pth', shape)
    inputs = torch.randn(3, 34, 27)
    with torch.inference_mode():
        torch.testing.assert_close(refiner(inputs)[:, 0], head(backbone(inputs)), atol=1e-5, rtol=0)


def test_published_shape_needs_no_options(tmp_path):
    """Checkpoints from before PyTorch 0.4.1 have no counts of batches."""
    network = Reference((3, 3, 3, 3, 3), 24).state_dict()
    state = {name: weight for name, weight in network.items() if not name.endswith('num_batches_tracked')}
    torch.save(dict(model_pos=state, model_traj=dict(a=torch.ones(1))), tmp_path / 'a.bin')
    shape, left_out = convert_checkpoint(tmp_path / 'a.bin', tmp_path / 'a.pth', 'videopose3d', 'h36m')
    assert shape.config_options(causal=False) == ['model.backbone.channels=24', 'model.head.in_channels=24']
    assert left_out == ['model_traj']
    assert type(shape)(3, 4, 1024).config_options(causal=False) == []
    saved = CheckpointLoader.load_checkpoint(str(tmp_path / 'a.pth'))
    assert saved['meta']['converted_from']['file'] == 'a.bin' and len(saved['meta']['converted_from']['sha256']) == 64
    assert len(saved['state_dict']) == len(network)


def test_metainfo_of_the_training(tmp_path):
    save_videopose3d(tmp_path / 'a.bin', Reference((3, 3), 8))
    convert_checkpoint(tmp_path / 'a.bin', tmp_path / 'a.pth', 'videopose3d', 'h36m', causal=True, frame_rate=10)
    meta = CheckpointLoader.load_checkpoint(str(tmp_path / 'a.pth'))['meta']['dataset_meta']
    assert (meta['dataset_name'], meta['root_index'], meta['frame_rate']) == ('h36m', 0, 10)
    assert Skeleton.from_metainfo(meta) == H36M and len(meta['cameras']) == 4
    assert (meta['causal'], meta['normalisation']) == (True, 'image_width')
    focal = sorted(camera['f'][0] for camera in meta['cameras'])
    assert focal == pytest.approx([1.14505, 1.14551, 1.14914, 1.14968], abs=1e-5)


PUBLISHED = {  # True if it converts, or the message; input joints, their channels, output joints
    'pretrained_h36m_cpn.bin': (True, 17, 2, 17),
    'cpn-pt-243.bin': ("takes joints of 'coco', as the published file of that name does", 17, 2, 17),
    'd-pt-243.bin': ("takes joints of 'coco', .* expected a network on Human3.6M's", 17, 3, 17),
    'pretrained_h36m_detectron_coco.bin': ("'coco'.*infer_video.py --predictions FILES --joint-order coco", 17, 2, 17),
    'pretrained_humaneva15_detectron.bin': ("'coco'.*Give pretrained_h36m_cpn.bin or another", 17, 2, 15),
    'epoch_80.bin': ('does not say which joints it takes: .*Give --joint-order h36m if its 2D and 3D', 17, 2, 17),
}


@pytest.mark.parametrize('name', PUBLISHED)
def test_joints_of_videopose3d(tmp_path, name):
    expected, joints_in, channels, joints_out = PUBLISHED[name]
    network = Reference((3, 3), 8, joints_in=joints_in, joints_out=joints_out)
    network.expand_conv = nn.Conv1d(joints_in * channels, 8, 3, bias=False)
    save_videopose3d(tmp_path / name, network)
    if expected is True:
        convert_checkpoint(tmp_path / name, tmp_path / 'b.pth', 'videopose3d')
    else:
        with pytest.raises(InputError, match=rf'{name} {expected}' if expected[0] != "'" else f'{name}.*{expected}'):
            convert_checkpoint(tmp_path / name, tmp_path / 'b.pth', 'videopose3d')


@pytest.mark.parametrize(
    ('name', 'data_set', 'given', 'message'),
    [
        ('videopose_h36m_27frames_fullconv_supervised-fe8fbba9_20210527.pth', None, None, None),
        ('epoch_80.pth', 'h36m', None, None),
        ('epoch_80.pth', None, 'h36m', None),
        ('epoch_80.pth', None, None, 'does not say which joints it takes'),
        ('epoch_80.pth', 'coco', None, "takes joints of 'coco', as the checkpoint says"),
        ('epoch_80.pth', None, 'mpii', "takes joints of 'mpii': expected a network on Human3.6M's.*--joint-order mpii"),
        ('epoch_80.pth', 'h36m', 'coco', '--joint-order coco: .* takes joints of .h36m., as the checkpoint says'),
        ('cpn-pt-243.pth', 'mpi_inf_3dhp', None, "takes joints of 'mpi_inf_3dhp'.*--predictions FILES, or by"),
        ('videopose_mpi-inf-3dhp_1frame_fullconv_supervised_gt-d6ed21ef_20210603.pth', None, None, "'mpi_inf_3dhp'"),
        ('cpn-pt-243.bin', None, 'h36m', "takes joints of 'coco', .* Leave out the option, or rename the file"),
    ],
)
def test_joints_as_the_checkpoint_its_name_or_the_user_says(name, data_set, given, message):
    if message is None:
        check_joints(Path(name), given, data_set)
    else:
        with pytest.raises(InputError, match=message):
            check_joints(Path(name), given, data_set)


NET, LACKING = Reference((3, 3), 8).state_dict(), Reference((3, 3, 3), 8).state_dict()
del LACKING['layers_conv.1.weight']


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(state_dict={'a': torch.ones(1)}), r"a dict with 'model_pos', .*, got \['state_dict'\]; is --source"),
        ([torch.ones(1)], "expected a dict with 'model_pos', as VideoPose3D saves, got list"),
        (
            Reference((3, 3), 8, joints_in=15, joints_out=15).state_dict(),
            'takes 30 numbers a frame and gives 45: expected 34',
        ),
        (Reference((3, 3, 1), 8).state_dict(), 'has kernels of 3 and of 1 frames: expected one size'),
        ({'expand_conv.weight': NET['expand_conv.weight']}, 'it lacks its first or last layer'),
        (LACKING, r'not a whole network of 2 blocks and 8 channels: 1 of 32 .*conv2.*our name.*\(8, 8, 1\), got none'),
        (NET | {'shrink.bias': 'text'}, "has 'shrink.bias' besides"),
        (NET | {'shrink.bias': torch.ones(50)}, r'expected \(51,\), got \(50,\)'),
    ],
)
def test_other_networks_are_refused(tmp_path, content, message):
    if 'expand_conv.weight' in content:
        content = dict(model_pos=content)
    torch.save(content, tmp_path / 'a.bin')
    with pytest.raises(InputError, match=message) as error:
        convert_checkpoint(tmp_path / 'a.bin', tmp_path / 'a.pth', 'videopose3d', 'h36m')
    assert str(tmp_path / 'a.bin') in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ['a.bin']


def test_the_other_projects_checkpoint(tmp_path):
    save_videopose3d(tmp_path / 'a.bin', Reference((3, 3), 8))
    with pytest.raises(InputError, match=r"a\.bin: expected weights, .*'model_pos'.*; is --source mmpose right\?"):
        convert_checkpoint(tmp_path / 'a.bin', tmp_path / 'b.pth', 'mmpose', 'h36m')
    torch.save(dict(meta={}, state_dict=NET), tmp_path / 'a.pth')
    with pytest.raises(InputError, match=r"got \['meta', 'state_dict'\]; is --source videopose3d right\?"):
        convert_checkpoint(tmp_path / 'a.pth', tmp_path / 'b.pth', 'videopose3d', 'h36m')


def test_files_that_are_no_checkpoints(tmp_path):
    (tmp_path / 'text.bin').write_text('hello')
    torch.save({'backbone.conv1.weight': torch.ones(3, 3, 7, 7)}, tmp_path / 'image.bin')
    for name, source, message in (
        ('absent', 'videopose3d', 'no such checkpoint file'),
        ('text', 'videopose3d', 'cannot be read as a checkpoint'),
        ('image', 'mmpose', r"network of mmpose: it has 'backbone.conv1.weight' besides.* backbone.tcn_blocks"),
    ):
        with pytest.raises(InputError, match=rf'{name}\.bin.*{message}'):
            convert_checkpoint(tmp_path / f'{name}.bin', tmp_path / 'b.pth', source)
    assert not (tmp_path / 'b.pth').exists()
