"""What the metric logs: its table and its rules."""

import pytest
from mmengine.logging import MMLogger


def test_table_in_the_log(frame_samples, evaluate, videos, monkeypatch):
    lines = []
    monkeypatch.setattr(MMLogger, 'info', lambda self, message: lines.extend(message.splitlines()))
    samples = [sample for name, video in videos.items() for sample in frame_samples(name, *video)]
    metrics = evaluate(samples, skip_list=['S11_Directions'], prefix='stage1')
    assert lines[1].split() == ['action', 'frames', 'MPJPE', 'P-MPJPE', 'N-MPJPE', 'MPJVE', 'MPJAE']
    assert lines[2].split() == ['mm', 'mm', 'mm', 'mm/frame', 'mm/frame²']
    table = {line.split('  ')[0]: line.split()[-5:] for line in lines[3:]}
    assert [line.split()[:2] for line in lines[4:6]] == [['Directions', '15'], ['SittingDown', '9']]
    assert table['mean of actions'] == [f'{metrics[key]:.1f}' for key in list(metrics)[:5]]
    assert table['mean of frames'] == [f'{metrics[key]:.1f}' for key in list(metrics)[5:]]
    assert all(key.startswith('stage1/') for key in metrics)


@pytest.fixture
def rules(videos, monkeypatch, evaluate):
    """The last line of the log after an evaluation of changed samples."""
    lines = []
    monkeypatch.setattr(MMLogger, 'info', lambda self, message: lines.append(message))

    def run(make_samples, change=lambda sample: None, **kwargs):
        samples = [sample for name, video in videos.items() for sample in make_samples(name, *video)]
        for sample in samples:
            change(sample)
        evaluate(samples, **kwargs)
        return lines[-1]

    return run


def test_rules_of_the_first_stage(frame_samples, rules):
    def change(sample):
        sample.set_metainfo(dict(bbox_policy='pelvis_2m'))
        sample.pred_instances.set_metainfo(dict(flip_test=True))

    assert rules(frame_samples, change, skip_list=['S11_Directions']) == (
        "Rules: 17 joints, 2 actions, 24 frames, 4 sequences; skipped by skip_list ['S11_Directions']: "
        'S11_Directions.54138969; root at the origin on both sides; differences between consecutive evaluated frames '
        '(frame step 1); absolute root depth: from the ground truth; bounding boxes: pelvis_2m; flip test: on'
    )


def test_rules_of_the_second_stage(lifted_sample, img_path, rules):
    def every_64th(name, gt, pred):
        sample = lifted_sample(name, gt, pred)
        sample.set_metainfo(dict(target_img_path=[img_path(name, 1 + 64 * t) for t in range(len(gt))]))
        sample.pred_instances.set_metainfo(dict(flip_test=False))
        return [sample]

    assert rules(every_64th, num_joints=14) == (
        'Rules: 14 joints, 2 actions, 28 frames, 5 sequences; skipped by skip_list []: none; root at the origin on '
        'both sides; differences between consecutive evaluated frames (frame step 64); absolute root depth: not used; '
        'bounding boxes: not stated; flip test: off'
    )


def test_rules_name_every_condition_of_mixed_samples(frame_samples, rules):
    def change(sample):
        if sample.frame % 2:
            sample.set_metainfo(dict(bbox_policy='annotation'))
            sample.pred_instances.set_metainfo(dict(flip_test=True))

    line = rules(frame_samples, change, batch_size=1)
    assert line.endswith('bounding boxes: annotation and not stated; flip test: not stated and on')
