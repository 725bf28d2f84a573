"""Our parts with MMPose's, and MMPose's tools on ours."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader, Runner
from mmpose.apis import convert_keypoint_definition, inference_topdown, init_model
from mmpose.apis.inferencers import Pose3DInferencer
from mmpose.registry import DATASETS, MODELS
from small_models import make_sample, randomise_statistics

from depth_refine.data_tools.conversion import convert_checkpoint
from depth_refine.models import IntegralHead3D

CONFIGS = Path(__file__).parents[1] / 'configs'
DOCS = Path(__file__).parents[1] / 'docs/other_models.md'

SIZE, BINS = (64, 96), 6  # w, h of crops; bins of depth


def integral_head(in_channels, **options):
    decoder = dict(type='IntegralPose3D', input_size=SIZE)
    return dict(type='IntegralHead3D', in_channels=in_channels, depth_bins=BINS, decoder=decoder, **options)


def coco_config(body_2d_root, work_dir):
    """The config of docs/other_models.md, MMPose's ResNet-50 on COCO with our head and codec, small."""
    blocks = re.findall(r'```python\n(.*?)```', DOCS.read_text(), flags=re.DOTALL)
    (example,) = [block for block in blocks if 'td-hm_res50' in block]
    path = work_dir / 'example.py'
    path.write_text(example.replace('(192, 256)', str(SIZE)))
    cfg = Config.fromfile(path)
    cfg.model.backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
    cfg.model.head.update(in_channels=32, depth_bins=BINS, deconv_out_channels=(8, 8, 8))
    ann_file = 'annotations/person_keypoints_train2017.json'
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.update(data_root=f'{body_2d_root}/coco/', data_prefix=dict(img='train2017/'))
        loader.dataset.update(ann_file=ann_file, bbox_file=None)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.pipeline[2].input_size = SIZE
    metrics = [dict(type='PCKAccuracy', norm_item=['bbox', 'torso']), dict(type='EPE'), dict(type='AUC')]
    metrics += [dict(type='NME', norm_mode='keypoint_distance', keypoint_indices=[5, 12])]
    metrics += [dict(type='CocoMetric', ann_file=f'{body_2d_root}/coco/{ann_file}')]
    cfg.val_evaluator = cfg.test_evaluator = metrics
    cfg.train_cfg, cfg.param_scheduler = dict(by_epoch=True, max_epochs=1, val_interval=1), None
    cfg.work_dir = str(work_dir)
    return cfg


def answer_with_the_truth(monkeypatch):
    """Have the head make heatmaps with peaks at each sample's own joints."""

    def predict(head, feats, samples, test_cfg=None):
        logits = torch.full((len(samples), 17, BINS, SIZE[1], SIZE[0]), -200.0)
        for index, sample in enumerate(samples):
            crop = (sample.gt_instances.keypoints[0] - sample.input_center) / sample.input_scale + 0.5
            columns, rows = np.rint(crop * SIZE).astype(int).clip(0, np.array(SIZE) - 1).T
            logits[index, np.arange(17), BINS // 2, rows, columns] = 200
        monkeypatch.setattr(head, '_logits', lambda feats: logits)
        return plain(head, feats, samples, dict(flip_test=False))

    plain = IntegralHead3D.predict
    monkeypatch.setattr(IntegralHead3D, 'predict', predict)


def test_a_2d_config_trains_and_is_evaluated_by_mmposes_metrics(body_2d_root, tmp_path, short_logs, monkeypatch):
    runner = Runner.from_cfg(coco_config(body_2d_root, tmp_path))
    runner.train()
    answer_with_the_truth(monkeypatch)
    metrics = runner.test()
    # the annotation has six persons with joints, one of them off the image, which MMPose leaves out
    assert metrics['coco/AR'] == pytest.approx(5 / 6)
    assert metrics['PCK'] == metrics['tPCK'] == 1 and metrics['NME'] < 0.05
    assert 0.2 < metrics['EPE'] < 0.8, 'px of the image; a bin is 2 px or less'


def hrnet(all_maps):
    """HRNet-W32 with one block where it has four."""
    stages = ((1, 'BOTTLENECK', (64,)), (2, 'BASIC', (32, 64)), (3, 'BASIC', (32, 64, 128)))
    stages += ((4, 'BASIC', (32, 64, 128, 256)),)
    extra = {
        f'stage{count}': dict(
            num_modules=1, num_branches=count, block=block, num_blocks=(1,) * count, num_channels=channels
        )
        for count, block, channels in stages
    }
    extra['stage4']['multiscale_output'] = all_maps
    return dict(type='HRNet', in_channels=3, extra=extra)


@pytest.mark.parametrize(
    ('all_maps', 'channels', 'neck'),
    [(False, 32, None), (True, 32 + 64 + 128 + 256, dict(type='FeatureMapProcessor', concat=True))],
)
def test_hrnet(all_maps, channels, neck):
    torch.manual_seed(0)
    head = integral_head(channels, num_joints=5, deconv_out_channels=(), deconv_kernel_sizes=())
    cfg = dict(
        type='TopdownPoseEstimator', backbone=hrnet(all_maps), neck=neck, head=head, test_cfg=dict(flip_test=True)
    )
    model = MODELS.build(cfg)
    labels = dict(keypoint_labels=torch.rand(1, 5, 3), keypoint_weights=torch.ones(1, 5))
    size = dict(input_center=np.zeros(2), input_scale=np.array(SIZE), input_size=SIZE)
    samples = [make_sample(labels, **size) for _ in range(2)]
    for sample in samples:
        sample.set_metainfo(dict(flip_indices=[0, 2, 1, 3, 4]))
    inputs = torch.randn(2, 3, SIZE[1], SIZE[0])
    assert model.head.heatmap_head(model.extract_feat(inputs)).shape == (2, 5 * BINS, SIZE[1] // 4, SIZE[0] // 4)
    model(inputs, samples, mode='loss')['loss_kpt'].backward()
    used = [name for name, weight in model.named_parameters() if weight.grad is not None and weight.grad.any()]
    assert {name.split('.')[1] for name in used if name.startswith('backbone')} >= {'conv1', 'stage4'}
    for sample in model.eval()(inputs, samples, mode='predict'):
        assert sample.pred_instances.keypoints.shape == (1, 5, 3)


def lifter_config(data_root, work_dir):
    """A refiner of 9 frames on true 2D poses, small."""
    cfg = Config.fromfile(CONFIGS / 'refiner_243_cpn.py')
    cfg.model.backbone.update(channels=16, num_blocks=1)
    cfg.model.head.in_channels = 16
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(data_root=str(data_root), input_source='gt2d', seq_len=9, depth_store=None)
    cfg.train_dataloader.batch_size = 32
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.work_dir, cfg.train_cfg = str(work_dir), dict(by_epoch=True, max_epochs=1)
    return cfg


def train(cfg):
    Runner.from_cfg(cfg.copy()).train()  # which takes it apart
    return f'{cfg.work_dir}/epoch_1.pth'


def convert(cfg):
    """From MMPose's network of that size."""
    torch.manual_seed(0)
    backbone = dict(type='TCN', in_channels=34, stem_channels=16, num_blocks=1, kernel_sizes=(3, 3))
    head = dict(type='TemporalRegressionHead', in_channels=16, num_joints=17)
    model = randomise_statistics(MODELS.build(dict(type='PoseLifter', backbone=backbone, head=head)))
    path = Path(cfg.work_dir, 'mmpose.pth')
    torch.save(dict(meta={}, state_dict=model.state_dict()), path)
    convert_checkpoint(path, path.with_name('converted.pth'), 'mmpose', 'h36m')
    return str(path.with_name('converted.pth'))


def mmposes_estimator(body_2d_root, work_dir):
    cfg = coco_config(body_2d_root, work_dir)
    cfg.model.head = dict(type='HeatmapHead', in_channels=32, out_channels=17, deconv_out_channels=(8, 8, 8))
    cfg.model.head.decoder = dict(type='MSRAHeatmap', input_size=SIZE, heatmap_size=(16, 24), sigma=1)
    return cfg


def our_estimator(*_):
    """As docs/other_models.md says."""
    cfg = Config.fromfile(CONFIGS / 'demo/integral.py')
    cfg.model.backbone.update(base_channels=4, stem_channels=4)
    cfg.model.head.update(in_channels=16, deconv_out_channels=(8, 8))
    cfg.merge_from_dict(dict(data_mode='topdown', dataset_type='H36MImageDataset'))
    cfg.test_dataloader.pop('collate_fn')
    cfg.test_dataloader.dataset.pipeline[-1].meta_keys += ('ori_shape',)
    return cfg


@pytest.mark.parametrize(
    ('make', 'estimator', 'order'), [(train, our_estimator, 'h36m'), (convert, mmposes_estimator, 'coco')]
)
def test_pose3d_inferencer(data_root, body_2d_root, tmp_path, short_logs, make, estimator, order):
    """Its poses are the refiner's of the 2D estimator's joints, in axes for plotting."""
    cfg = lifter_config(data_root, tmp_path)
    checkpoint = make(cfg)
    first = dict(pose2d_model=estimator(body_2d_root, tmp_path), det_model='whole_image')
    inferencer = Pose3DInferencer(cfg, checkpoint, **first, device='cpu')
    refiner = init_model(cfg, checkpoint, device='cpu')
    assert refiner.dataset_meta['dataset_name'] == 'h36m' and refiner.dataset_meta['num_keypoints'] == 17
    folder = tmp_path / 'frames'
    folder.mkdir()
    for index, image in enumerate(np.random.default_rng(0).integers(0, 256, (2, 75, 97, 3), np.uint8)):
        cv2.imwrite(str(folder / f'{index}.png'), image)
    results = list(inferencer(str(folder), disable_norm_pose_2d=True))
    assert len(results) == 2
    for result, path in zip(results, sorted(folder.iterdir()), strict=True):
        (found,) = inference_topdown(inferencer.pose2d_model.model, str(path))
        joints = convert_keypoint_definition(found.pred_instances.keypoints[..., :2], order, 'h36m')
        inputs = torch.tensor((joints - [97 / 2, 75 / 2]) / (97 / 2), dtype=torch.float32).expand(1, 9, 17, 2)
        with torch.no_grad():
            (sample,) = refiner(
                inputs, [make_sample(flip_indices=refiner.dataset_meta['flip_indices'])], mode='predict'
            )
        x, y, z = np.moveaxis(sample.pred_instances.keypoints[0], -1, 0)
        expected = np.stack([-x, z, y.max() - y], axis=-1)  # up is positive, the lowest joint on the ground
        np.testing.assert_allclose(result['predictions'][0][0]['keypoints'], expected, atol=1e-5)


WRAPPERS = {
    'RepeatDataset': lambda dataset: dict(dataset=dataset, times=2),
    'ConcatDataset': lambda dataset: dict(datasets=[dataset, dict(dataset)], ignore_keys=['stats_info']),
    'CombinedDataset': lambda dataset: dict(
        metainfo=dict(from_file='configs/_base_/datasets/h36m.py'),
        pipeline=dataset.pop('pipeline'),
        datasets=[dataset],
    ),
}


@pytest.mark.parametrize('wrapper', WRAPPERS)
def test_checkpoints_of_wrapped_data_sets_keep_their_metainfo(data_root, tmp_path, short_logs, wrapper):
    cfg = lifter_config(data_root, tmp_path)
    expected = DATASETS.build(cfg.train_dataloader.dataset).metainfo
    cfg.train_dataloader.dataset = dict(type=wrapper, **WRAPPERS[wrapper](cfg.train_dataloader.dataset))
    checkpoint = train(cfg)
    meta = CheckpointLoader.load_checkpoint(checkpoint)['meta']['dataset_meta']
    for key in ('dataset_name', 'keypoint_id2name', 'flip_indices', 'root_index', 'frame_rate', 'cameras'):
        assert meta[key] == expected[key]
    assert init_model(cfg, checkpoint, device='cpu').dataset_meta['dataset_name'] == 'h36m'
