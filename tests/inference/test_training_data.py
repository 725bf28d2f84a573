"""Poses are the same in testing and in inference, whatever the camera and frame rate of the training."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.registry import DATASETS, MODELS

from depth_refine.datasets import AnnotatedSequence, write_annotation
from depth_refine.functional.camera import project
from depth_refine.inference.stages import SecondStage
from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.utils.checkpoint import check_checkpoint, check_data
from depth_refine.utils.config import check_codecs
from depth_refine.utils.errors import InputError

LENS = ('h36m', -0.2, 0.24, -0.002, -0.0009, -0.0015)
CAMERAS = {  # size and intrinsics
    'wide': ((640, 480), (441, 441, 320, 240)),
    'portrait': ((72, 128), (147, 147, 36, 64)),
    'off-centre': ((1000, 800), Intrinsics((1147, 1100, 300, 520), size=(1000, 800))),
    'distorted': ((1000, 1002), Intrinsics((1145, 1143, 512, 515), LENS)),
}
RATES = 12.5, 50 / 3, 50 / 60


@pytest.fixture
def trained(stages, tmp_path):
    """A function that makes a data root seen by some cameras, and a refiner with the metainfo of that training."""

    def make(cameras, rate=50.0, frames=30, normalisation='image_width', **backbone):
        rng, root = np.random.default_rng(0), tmp_path / 'data'
        sequences, dicts = [], {}
        for name, (size, numbers) in cameras.items():
            camera, _ = make_camera(size, numbers)
            joints = rng.normal([0.2, -0.1, 5], 0.3, (frames, 17, 3))
            keypoints = project(joints, camera)
            sequences.append(AnnotatedSequence(name, np.arange(frames), keypoints, joints, subject='a', camera=name))
            dicts[name] = dict(camera)
        write_annotation(root / 'a.npz', sequences, rate)
        (root / 'cameras.pkl').write_bytes(pickle.dumps(dicts))
        cfg = Config.fromfile(stages[2])
        cfg.model.head.decoder.normalisation = normalisation
        cfg.model.backbone.update(backbone)
        cfg.model.test_cfg.flip_test = True
        for dataset in (cfg.train_dataloader.dataset, cfg.test_dataloader.dataset):
            dataset.update(data_root=str(root), ann_file='a.npz', camera_param_file='cameras.pkl')
            dataset.update(input_source='gt2d+gtdepth', seq_len=27)
            dataset.pipeline[0].encoder.normalisation = normalisation
        cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
        torch.manual_seed(1)
        model = MODELS.build(cfg.model)
        meta = dict(dataset_meta=DATASETS.build(cfg.train_dataloader.dataset).metainfo)  # as MMEngine keeps it
        torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / 'refiner.pth')
        cfg.dump(tmp_path / 'refiner.py')
        return SimpleNamespace(cfg=cfg, model=model.eval(), files=(tmp_path / 'refiner.py', tmp_path / 'refiner.pth'))

    return make


def results_of_testing(trained):
    """The poses that testing gives, by video."""
    loader = Runner.build_dataloader(trained.cfg.test_dataloader)
    with torch.inference_mode():
        samples = [sample for batch in loader for sample in trained.model.test_step(batch)]
    return loader.dataset, {sample.sequence: sample.pred_instances.keypoints for sample in samples}


@pytest.mark.parametrize('normalisation', ['image_width', 'rays'])
@pytest.mark.parametrize('names', [[name] for name in CAMERAS] + [list(CAMERAS)], ids=', '.join)
def test_inference_equals_testing(trained, names, normalisation):
    files = trained({name: CAMERAS[name] for name in names}, normalisation=normalisation)
    dataset, poses = results_of_testing(files)
    stage = SecondStage(*files.files, 'cpu')
    assert stage.rate == 50 and stage.notes == []
    for sequence in dataset.annotation.sequences:
        rows = sequence.rows
        joints = dataset.annotation.keypoints_3d[rows]
        columns = [dataset.annotation.keypoints[rows], joints[..., 2:] - joints[:, :1, 2:], np.ones((len(rows), 17, 2))]
        camera, _ = make_camera(*CAMERAS[sequence.name], cameras=stage.cameras)
        found = stage(np.concatenate(columns, axis=-1).astype(np.float32), camera)
        np.testing.assert_allclose(found, poses[sequence.name], atol=2e-5)


@pytest.mark.parametrize('name', ['wide', 'portrait'])
def test_a_camera_that_is_not_given_is_like_those_of_the_training(trained, name):
    size, numbers = CAMERAS[name]
    stage = SecondStage(*trained({name: CAMERAS[name]}).files, 'cpu')
    camera, source = make_camera(size, cameras=stage.cameras)
    np.testing.assert_allclose(camera['f'].ravel(), numbers[:2], rtol=1e-6)
    assert source.startswith(f'assumed: focal length {numbers[0]} px')


@pytest.mark.parametrize('rate', RATES)
def test_rates_are_numbers(trained, rate):
    assert SecondStage(*trained(dict(wide=CAMERAS['wide']), rate).files, 'cpu').rate == pytest.approx(rate, rel=1e-12)


def test_streams_see_the_same(trained):
    files = trained(dict(portrait=CAMERAS['portrait']), normalisation='rays', causal=True)
    for dataset in (files.cfg.train_dataloader.dataset, files.cfg.test_dataloader.dataset):
        dataset.causal = True
    files.cfg.dump(files.files[0])
    meta = dict(dataset_meta=DATASETS.build(files.cfg.train_dataloader.dataset).metainfo)
    torch.save(dict(state_dict=files.model.state_dict(), meta=meta), files.files[1])
    stage, (camera, _) = SecondStage(*files.files, 'cpu'), make_camera(*CAMERAS['portrait'])
    measurements = np.random.default_rng(3).uniform([0, 0, -1, 0, 0], [72, 128, 1, 1, 0.1], (40, 17, 5))
    measurements = measurements.astype(np.float32)
    refine = stage.stream(camera)
    live = np.stack([refine(frame) for frame in measurements])
    np.testing.assert_allclose(live, stage(measurements, camera), atol=1e-4)


def test_missing_facts_of_a_checkpoint_are_assumed_and_noted(trained):
    files = trained(dict(wide=CAMERAS['wide']))
    torch.save(dict(state_dict=files.model.state_dict()), files.files[1])
    stage = SecondStage(*files.files, 'cpu')
    assert stage.rate == 50 and stage.cameras[0]['f'] == [1.147, 1.147]
    assert 'does not say at which frame rate it was trained: 50 a second is assumed, Human' in stage.notes[0]
    assert stage.notes[0].endswith('or name the folder of ann_file by it, such as fps25.')
    assert "seen: Human3.6M's are assumed, with a focal length of 1.147 image widths" in stage.notes[1]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda cfg: cfg.model.head.decoder.update(normalisation='rays'), "normalisation='image_width', but .*'rays'"),
        (lambda cfg: cfg.model.head.decoder.update(depth_range=2.0), 'depth_range=1.5, but the config has .*=2.0'),
        (lambda cfg: cfg.model.backbone.update(causal=True), 'causal=False, but the config has causal=True'),
        (lambda cfg: cfg.model.head.decoder.update(root_index=7), r'root_index=0, but the config has .*=\[7\]'),
    ],
)
def test_equal_shapes_of_another_meaning(trained, change, message):
    files = trained(dict(wide=CAMERAS['wide']))
    change(files.cfg)
    with pytest.raises(InputError, match=message):
        check_checkpoint(MODELS.build(files.cfg.model), files.files[1])


def test_a_checkpoint_of_other_joints(trained):
    files = trained(dict(wide=CAMERAS['wide']))
    kept = torch.load(files.files[1], weights_only=False)
    kept['meta']['dataset_meta']['keypoint_id2name'][3] = 'tail'
    torch.save(kept, files.files[1])
    with pytest.raises(InputError, match=r"trained with the joints .*'tail', .*but .*refiner.py names .*'right_foot'"):
        SecondStage(*files.files, 'cpu')


def test_cameras_of_a_training_without_focal_lengths(trained):
    files = trained(dict(portrait=CAMERAS['portrait']))
    kept = torch.load(files.files[1], weights_only=False)
    kept['meta']['dataset_meta']['cameras'] = []
    torch.save(kept, files.files[1])
    stage, (dataset, poses) = SecondStage(*files.files, 'cpu'), results_of_testing(files)
    assert 'no focal length: pixels are taken as they are' in stage.notes[0]
    joints, keypoints = dataset.annotation.keypoints_3d, dataset.annotation.keypoints
    columns = [keypoints, joints[..., 2:] - joints[:, :1, 2:], np.ones((len(joints), 17, 2))]
    found = stage(np.concatenate(columns, axis=-1).astype(np.float32), make_camera(CAMERAS['portrait'][0])[0])
    np.testing.assert_allclose(found, poses['portrait'], atol=2e-5)


def test_a_test_on_other_data(trained):
    files = trained(dict(wide=CAMERAS['wide']))
    metainfo = torch.load(files.files[1], weights_only=False)['meta']['dataset_meta']
    assert check_data(metainfo, files.files[1]) == [] == check_data({}, files.files[1])
    rate, camera = check_data(metainfo | dict(frame_rate=25.0, cameras=[dict(f=[1, 1])]), files.files[1])
    assert 'trained at 50 frames a second, and the test data have 25' in rate
    assert '1 of 1 cameras of the test data are not among those of the training' in camera
    with pytest.raises(InputError, match=r"trained with the joints .*'root'.*, but the test data have \['x'"):
        check_data(metainfo | dict(keypoint_id2name={0: 'x'}), files.files[1])


@pytest.mark.parametrize(('key', 'value'), [('normalisation', 'rays'), ('depth_range', 3.0), ('root_index', 7)])
@pytest.mark.parametrize('split', ['train', 'test'])
def test_codecs_of_data_and_model(trained, split, key, value):
    cfg = trained(dict(wide=CAMERAS['wide'])).cfg
    check_codecs(cfg)
    cfg[f'{split}_dataloader'].dataset.pipeline[0].encoder[key] = value
    with pytest.raises(InputError, match=rf'codec of {split}_dataloader has {key}=.* put the same codec into all'):
        check_codecs(cfg)
