"""What the metric logs: its table and its rules."""

import pytest
from mmengine.logging import MMLogger


@pytest.fixture
def logged(monkeypatch, videos, evaluate):
    """Evaluate all samples that a function makes of the videos, changed; the metrics and what is logged."""

    def logged(make_samples, change=lambda sample: None, **kwargs):
        messages = []
        monkeypatch.setattr(MMLogger, 'info', lambda self, message: messages.append(message))
        samples = [sample for name, video in videos.items() for sample in make_samples(name, *video)]
        for sample in samples:
            change(sample)
        return evaluate(samples, **kwargs), *messages

    return logged


def test_table(frame_samples, logged):
    metrics, table, _ = logged(frame_samples, skip_list=['S11_Directions'], prefix='stage1')
    lines = table.splitlines()
    assert lines[1].split() == ['action', 'frames', 'MPJPE', 'P-MPJPE', 'N-MPJPE', 'MPJVE', 'MPJAE']
    assert lines[2].split() == ['mm', 'mm', 'mm', 'mm/frame', 'mm/frame²']
    assert [line.split()[:2] for line in lines[4:6]] == [['Directions', '15'], ['SittingDown', '9']]
    cells = {line.split('  ')[0]: line.split()[-5:] for line in lines[3:]}
    assert cells['mean of actions'] == [f'{metrics[key]:.1f}' for key in list(metrics)[:5]]
    assert cells['mean of frames'] == [f'{metrics[key]:.1f}' for key in list(metrics)[5:]]
    assert all(key.startswith('stage1/') for key in metrics)


def test_rules_of_the_first_stage(frame_samples, logged):
    def change(sample):
        sample.set_metainfo(dict(bbox_policy='pelvis_2m'))
        sample.pred_instances.set_metainfo(dict(flip_test=True))

    assert logged(frame_samples, change, skip_list=['S11_Directions'])[-1] == (
        "Rules: 17 joints, 2 actions, 24 frames, 4 sequences; skipped by skip_list ['S11_Directions']: "
        'S11_Directions.54138969; root at the origin on both sides; differences between consecutive evaluated frames '
        '(frame step 1); absolute root depth: from the ground truth; bounding boxes: pelvis_2m; flip test: on'
    )


def test_rules_of_the_second_stage(lifted_sample, img_path, logged):
    def every_64th_frame(name, gt, pred):
        sample = lifted_sample(name, gt, pred)
        sample.set_metainfo(dict(target_img_path=[img_path(name, 1 + 64 * t) for t in range(len(gt))]))
        sample.pred_instances.set_metainfo(dict(flip_test=False))
        return [sample]

    assert logged(every_64th_frame, num_joints=14)[-1] == (
        'Rules: 14 joints, 2 actions, 28 frames, 5 sequences; skipped by skip_list []: none; root at the origin on '
        'both sides; differences between consecutive evaluated frames (frame step 64); absolute root depth: not used; '
        'bounding boxes: not stated; flip test: off'
    )


def test_rules_name_every_condition_of_mixed_samples(frame_samples, logged):
    def change(sample):
        if sample.frame % 2:
            sample.set_metainfo(dict(bbox_policy='annotation'))
            sample.pred_instances.set_metainfo(dict(flip_test=True))

    line = logged(frame_samples, change, batch_size=1)[-1]
    assert line.endswith('bounding boxes: annotation and not stated; flip test: not stated and on')
