"""All of the pipeline, by its tools, on data sets of one's own: other skeletons, cameras and frame rates."""

import csv
import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader, Runner
from mmpose.registry import MODELS
from skeletons import MPI_INF_3DHP, smpl_metainfo, standing_pose

from depth_refine.datasets import AnnotatedSequence, write_annotation
from depth_refine.evaluation.prediction_dump import read_predictions
from depth_refine.functional.camera import back_project, project
from depth_refine.inference import VideoPoseInferencer
from depth_refine.inference.stages import IntegralFirstStage, SecondStage
from depth_refine.structures.camera import normalised_cameras
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.structures.skeleton import H36M, Skeleton

pytestmark = pytest.mark.slow

CONFIGS = Path(__file__).parents[1] / 'configs'
CASES = dict(
    h36m=dict(
        metainfo=dict(from_file='configs/_base_/datasets/h36m.py'),
        root='root',
        normalisation='image_width',
        causal=True,
    ),
    mpi_inf_3dhp=dict(metainfo=MPI_INF_3DHP, root=14, normalisation='rays', causal=True),
    smpl=dict(metainfo=smpl_metainfo(), root='pelvis', normalisation='image_width', causal=False),
)
CAMERAS = dict(
    portrait=dict(w=48, h=80, f=np.array([[62.0], [60]]), c=np.array([[19.0], [47]])),  # off its centre
    wide=dict(
        **dict(w=96, h=54, f=np.array([[44.0], [44]]), c=np.array([[48.0], [27]])),
        **dict(k=np.array([[-0.2], [0.05], [0]]), p=np.array([[0.002], [-0.001]])),
    ),
)
RATE, FRAMES = 12.5, 10

FIRST = """
_base_ = ['{configs}/demo/integral.py']
codec = dict(type='IntegralPose3D', input_size=(64, 64), depth_range=2.0)
data = dict(
    type='DepthImageDataset', data_root='{folder}', camera_param_file='cameras.pkl', metainfo={metainfo}, root={root!r}
)
model = dict(
    backbone=dict(base_channels=4, stem_channels=4),
    head=dict(in_channels=16, num_joints={joints}, deconv_out_channels=(8, 8), decoder=codec),
    test_cfg=dict(flip_test=True),
)
train_pipeline = [
    dict(type='LoadReadableImage'),
    dict(type='GetBBoxCenterScale', padding=1.0),
    dict(type='RandomFlip'),
    dict(type='TopdownAffine', input_size=(64, 64)),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
train_dataloader = dict(
    batch_size=5, num_workers=0, dataset=dict(ann_file='train.npz', frame_step=1, pipeline=train_pipeline, **data)
)
val_dataloader = dict(batch_size=8, num_workers=0, dataset=dict(ann_file='test.npz', frame_step=1, **data))
test_dataloader = val_dataloader
val_evaluator = dict(type='DepthPoseMetric')
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=8, val_interval=8)
optim_wrapper = dict(optimizer=dict(lr=1e-2))
param_scheduler = []
default_hooks = dict(checkpoint=dict(save_best='pose3d/MPJPE_mm'))
"""
SECOND = """
_base_ = ['{configs}/refiner_27.py']
codec = dict(
    type='DepthSequenceLifting', num_keypoints={joints}, depth_range=2.0, root_index={root_index},
    normalisation='{normalisation}',
)
target = dict(type='GenerateSequenceTarget', encoder=codec)
data = dict(
    type='DepthSequenceDataset', data_root='{folder}', camera_param_file='cameras.pkl', metainfo={metainfo},
    root={root!r}, seq_len=9, causal={causal},
)
model = dict(
    num_joints={joints},
    backbone=dict(in_channels={joints} * 3, channels=16, num_blocks=1, causal={causal}),
    head=dict(in_channels=16, num_joints={joints}, decoder=codec),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(
        ann_file='train.npz',
        depth_store='stores/train',
        pipeline=[target, dict(type='RandomSequenceFlip'), dict(type='GaussianJointNoise', sigma_depth=0.1)],
        **data,
    ),
)
val_dataloader = dict(
    num_workers=0,
    dataset=dict(
        ann_file='test.npz',
        depth_store='stores/test',
        pipeline=[target, dict(type='PackPoseInputs', meta_keys={{{{_base_.test_meta_keys}}}})],
        **data,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='DepthPoseMetric')
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=20, val_interval=20)
optim_wrapper = dict(optimizer=dict(lr=1e-2))
default_hooks = dict(checkpoint=dict(save_best='pose3d/MPJPE_mm'))
"""


def write_data(folder, skeleton):
    """A walk of one person to train and of another to test, each seen by both cameras, and images of the joints."""
    for split, subject, seed in (('train', 'anna', 0), ('test', 'ben', 1)):
        rng, frames, sequences = np.random.default_rng(seed), np.arange(1, FRAMES + 1), []
        turn = rng.uniform(-0.5, 0.5) + 0.1 * frames
        c, s, zero = np.cos(turn), np.sin(turn), 0 * turn
        rotations = np.stack([c, zero, s, zero, zero + 1, zero, -s, zero, c], axis=-1).reshape(-1, 3, 3)
        joints = np.einsum('tij,kj->tki', rotations, standing_pose(skeleton))
        for name, camera in CAMERAS.items():
            placed = joints + np.stack([0.02 * frames, 0.1 + zero, 3 + 0.03 * frames], axis=-1)[:, None]
            pixels = project(placed, camera)
            images = [f'walk.{name}.{subject}/{frame:03d}.png' for frame in frames]
            columns = dict(subject=subject, action='walk', camera=name, image_names=images)
            sequences.append(AnnotatedSequence(f'walk {subject}', frames, pixels, placed, **columns))
            for image, pose in zip(images, pixels, strict=True):
                drawing = np.full((camera['h'], camera['w'], 3), 60, np.uint8)
                for number, (u, v) in enumerate(pose):
                    colour = (255, 40 + 8 * number, 255 - 8 * number)
                    cv2.circle(drawing, (round(u), round(v)), 2, colour, -1)
                (folder / 'images' / image).parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(folder / 'images' / image), drawing)
        write_annotation(folder / f'{split}.npz', sequences, RATE)
    (folder / 'cameras.pkl').write_bytes(pickle.dumps(CAMERAS))


@pytest.fixture(scope='module', params=CASES)
def done(request, run_tool, tmp_path_factory):
    """What the tools made of a case: a folder with ``first/`` and ``second/``, and by camera ``poses_.../``."""
    case, folder = CASES[request.param], tmp_path_factory.mktemp(request.param)
    skeleton = Skeleton.from_metainfo(case['metainfo'], case['root'])
    write_data(folder, skeleton)
    said = case | dict(configs=CONFIGS, folder=folder, joints=skeleton.num_joints, root_index=skeleton.root)
    stages, printed = [], ''

    def run(tool, *arguments):
        ended = run_tool(tool, *arguments)
        assert ended.status == 0, ended
        return ended.out

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Config, 'pretty_text', '')
        patch.setattr(Runner, '_log_env', lambda *_: None)
        for stage, text in (('first', FIRST), ('second', SECOND)):
            config, work = folder / f'{stage}.py', folder / stage
            config.write_text(text.format(**said))
            run('train', config, '--work-dir', work)
            stages += [config, work / ('epoch_8.pth' if stage == 'first' else 'epoch_20.pth')]
            outputs = ['--out', work / 'metrics.json', '--dump', work / 'dump.pkl', '--show-dir', 'shown']
            run('test', *stages[-2:], '--work-dir', work, *outputs, '--interval', 5)
            if stage == 'first':
                run('extract_depth_sequences', *stages, '--out', folder / 'stores')
            printed += run('export_onnx', *stages[-2:], folder / f'{stage}.onnx')
    for name, camera in CAMERAS.items():
        write_boxes(folder / f'{name}.csv', folder / 'test.npz', name)
        given = intrinsics(camera)
        lens = ['--distortion', *given.distortion, '--intrinsics-size', *given.size]
        of_video = ['--boxes', folder / f'{name}.csv', '--intrinsics', *given.numbers, *lens]
        arguments = [folder / f'images/walk.{name}.ben', *of_video, '--out', folder / f'poses_{name}']
        printed += run('infer_video', *arguments, '--stage1', *stages[:2], '--stage2', *stages[2:])
    return SimpleNamespace(folder=folder, skeleton=skeleton, stages=stages, printed=printed, **case)


def write_boxes(path, annotation, camera):
    """The annotation's boxes of a camera's video without their margin, as detections."""
    with np.load(annotation) as npz:
        rows = npz['camera'] == camera
        pixels = npz['part'][rows][..., :2]
    boxes = np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1)
    lines = [f'{frame},{",".join(map(str, box))}' for frame, box in enumerate(boxes)]
    path.write_text('\n'.join(['frame,x1,y1,x2,y2', *lines]))


def intrinsics(camera):
    numbers = [np.ravel(camera.get(key, [0] * count)) for key, count in zip('fckp', (2, 2, 3, 2), strict=True)]
    return Intrinsics(np.concatenate(numbers[:2]), ('h36m', *np.concatenate(numbers[2:])), (camera['w'], camera['h']))


def samples_of(done, stage):
    return read_predictions(done.folder / stage / 'dump.pkl')


def relative(joints, root):
    return joints - joints[..., [root], :]


def test_checkpoints_say_what_they_were_trained_on(done):
    for path in done.stages[1::2]:
        meta = torch.load(path, weights_only=False)['meta']['dataset_meta']
        kept = CheckpointLoader.load_checkpoint(str(path))['meta']['dataset_meta']
        names = tuple(kept['keypoint_id2name'].values())
        assert (names, kept['root_index']) == (done.skeleton.joint_names, done.skeleton.root)
        assert kept['frame_rate'] == meta['frame_rate'] == RATE
        assert kept['cameras'] == normalised_cameras(CAMERAS.values())
    assert (kept['normalisation'], kept['depth_range'], kept['causal']) == (done.normalisation, 2.0, done.causal)


def test_names_and_shapes(done):
    names, count = list(done.skeleton.joint_names), done.skeleton.num_joints
    for split in ('train', 'test'):
        store = done.folder / 'stores' / split
        assert json.loads((store / 'store.json').read_text())['joint_names'] == names
        assert np.load(store / 'keypoints.npy').shape == (2 * FRAMES, count, 3)
    for stage in ('first', 'second'):
        session = onnxruntime.InferenceSession(done.folder / f'{stage}.onnx', providers=['CPUExecutionProvider'])
        metadata = session.get_modelmeta().custom_metadata_map
        said = {key: json.loads(metadata[key]) for key in ('joint_names', 'root_index', 'joint_parents')}
        expected = dict(joint_names=names, root_index=done.skeleton.root, joint_parents=list(done.skeleton.parents))
        assert said == expected
        assert session.get_outputs()[0].shape[-2:] == [count, 3]
    assert json.loads(metadata['frame_rate']) == RATE and len(json.loads(metadata['cameras'])) == 2
    for name in CAMERAS:
        folder = done.folder / f'poses_{name}'
        with np.load(folder / 'poses.npz') as arrays:
            assert arrays['joint_names'].tolist() == names
            assert arrays['root_relative_m'].shape == arrays['camera_m'].shape == (FRAMES, count, 3)
        content = json.loads((folder / 'poses.json').read_text())
        assert content['joint_names'] == names and content['fps'] == pytest.approx(RATE)
        lines = [line for line in (folder / 'poses.csv').read_text().splitlines() if not line.startswith('#')]
        assert [row['joint'] for row in csv.DictReader(lines)] == names * FRAMES
        bvh = (folder / 'person_0.bvh').read_text()
        assert f'Frames: {FRAMES}' in bvh and f'Frame Time: {1 / RATE:.6f}'.rstrip('0') in bvh
        if done.skeleton != H36M:
            starts = {done.skeleton.joint_names[parent] for parent, _ in done.skeleton.bones}
            assert starts <= {line.split()[-1] for line in bvh.splitlines() if 'JOINT' in line or 'ROOT' in line}
        report = (folder / 'report.html').read_text()
        assert all(name.replace('_', ' ') in report for name in names)
        assert (folder / 'poses.png').stat().st_size and (folder / 'poses.mp4').stat().st_size
    assert 'assumed' not in done.printed and 'does not say' not in done.printed, 'camera and rate are known'


def test_every_fifth_frame_is_shown(done):
    shown = {f'walk ben.{camera}_{frame:06d}.png' for camera in CAMERAS for frame in (1, 6)}
    for stage in ('first', 'second'):
        assert {path.name for path in (done.folder / stage).glob('*/shown/*')} == shown


def test_errors_by_hand(done):
    root, errors = done.skeleton.root, dict(first=[], second=[])
    for sample in samples_of(done, 'second'):
        assert (sample['subject'], sample['action'], sample['frames'].tolist()) == ('ben', 'walk', [*range(1, 11)])
        pred, truth = sample['pred_instances']['keypoints'], np.asarray(sample['gt_instances']['lifting_target'])
        errors['second'].append(np.linalg.norm(relative(pred, root) - relative(truth, root), axis=-1))
    for sample in samples_of(done, 'first'):
        (pred,), (truth,) = sample['pred_instances']['keypoints'], np.asarray(sample['gt_instances']['keypoints_cam'])
        pred = back_project(pred[:, :2], pred[:, 2] + truth[root, 2], sample['camera_param'])
        errors['first'].append(np.linalg.norm(relative(pred, root) - relative(truth, root), axis=-1))
    for stage, distances in errors.items():
        metrics = json.loads((done.folder / stage / 'metrics.json').read_text())
        assert metrics['pose3d/MPJPE_mm'] == pytest.approx(1000 * np.mean(distances), rel=1e-4)


def test_a_video_gives_the_poses_of_the_test(done):
    """Of what its own first stage sees, through a portrait, an off-centre and a distorting camera."""
    store = np.load(done.folder / 'stores/test/keypoints.npy').reshape(2, FRAMES, -1, 3)
    for index, (name, sample) in enumerate(zip(CAMERAS, samples_of(done, 'second'), strict=True)):
        assert sample['sequence'] == f'walk ben.{name}'
        with np.load(done.folder / f'poses_{name}/poses.npz') as arrays:
            np.testing.assert_allclose(arrays['keypoints_px'], store[index, ..., :2], atol=1e-3)
            np.testing.assert_allclose(arrays['depth_first_stage_m'], store[index, ..., 2], atol=1e-4)
            np.testing.assert_allclose(arrays['root_relative_m'], sample['pred_instances']['keypoints'], atol=1e-4)


def test_the_root_is_the_origin(done):
    root = done.skeleton.root
    for sample in samples_of(done, 'second'):
        assert np.abs(sample['pred_instances']['keypoints'][:, root]).max() == 0
    for name in CAMERAS:
        with np.load(done.folder / f'poses_{name}/poses.npz') as arrays:
            for key in ('root_relative_m', 'root_relative_first_stage_m'):
                assert np.abs(arrays[key][:, root]).max() == 0
    session = onnxruntime.InferenceSession(done.folder / 'second.onnx', providers=['CPUExecutionProvider'])
    inputs = np.random.default_rng(0).normal(size=(1, 12, 3 * done.skeleton.num_joints)).astype(np.float32)
    assert np.abs(session.run(None, dict(keypoints=inputs))[0][..., root, :]).max() == 0


def test_flip_tests_mirror(done):
    """A mirrored input gives the mirrored pose, left and right swapped as in the metainfo."""
    pairs, rng = list(done.skeleton.flip_indices), np.random.default_rng(0)
    first, second = IntegralFirstStage(*done.stages[:2], 'cpu', 2), SecondStage(*done.stages[2:], 'cpu')
    image = cv2.resize(rng.integers(0, 256, (7, 9, 3), np.uint8), (96, 54))
    box = np.array([16, -5, 80, 59])  # of 64 px: a pixel of the crop is one of the image
    seen, mirrored = first([(image, box), (image[:, ::-1], box)])
    np.testing.assert_allclose(mirrored[:, 0], 95 - seen[pairs, 0], atol=2e-3)
    np.testing.assert_allclose(mirrored[:, 1:], seen[pairs, 1:], atol=2e-3)
    assert np.abs(seen - seen[pairs])[:, 0].max() > 0.1

    camera = CAMERAS['portrait'] | dict(k=np.zeros((3, 1)), p=np.zeros((2, 1)))
    measurements = rng.uniform(0, 1, (FRAMES, len(pairs), 5)).astype(np.float32) * np.float32([48, 80, 0.5, 1, 0.1])
    across = 2 * camera['c'][0, 0] if done.normalisation == 'rays' else camera['w']
    other = measurements[:, pairs]
    other[..., 0] = across - other[..., 0]
    poses = second(measurements, camera)
    np.testing.assert_allclose(second(other, camera), poses[:, pairs] * [-1, 1, 1], atol=1e-4)
    assert np.abs(poses - poses[:, pairs]).max() > 0.1


def test_streams_give_the_poses_of_the_video(done, tmp_path):
    stages = done.stages
    if not done.causal:
        cfg = Config.fromfile(stages[2])
        cfg.model.backbone.causal = cfg.test_dataloader.dataset.causal = True
        torch.manual_seed(0)
        torch.save(MODELS.build(cfg.model).state_dict(), tmp_path / 'causal.pth')
        stages = [*stages[:2], cfg, tmp_path / 'causal.pth']
    inferencer = VideoPoseInferencer(*stages, device='cpu')
    for name, camera in CAMERAS.items():
        video = done.folder / f'images/walk.{name}.ben', done.folder / f'{name}.csv', intrinsics(camera)
        (track,) = inferencer(*video).tracks
        live = [frame.people[0].keypoints_3d for frame in inferencer.stream(*video)]
        np.testing.assert_allclose(live, track.keypoints_3d, atol=1e-4)
        assert np.abs(np.array(live)[:, done.skeleton.root]).max() == 0
