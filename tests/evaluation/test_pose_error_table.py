from depth_refine.evaluation.pose_error_table import evaluation_rules
from depth_refine.evaluation.root_relative_poses import Conditions


def test_first_stage(frame_samples, videos, evaluate, messages):
    samples = [sample for name, video in videos.items() for sample in frame_samples(name, *video)]
    for sample in samples:
        sample.set_metainfo(dict(bbox_policy='pelvis_2m'))
        sample.pred_instances.set_metainfo(dict(flip_test=True))
    metrics = evaluate(samples, skip_list=['S11_Directions'], prefix='stage1')
    table, rules = messages
    lines = table.splitlines()
    assert lines[1].split() == ['action', 'frames', 'MPJPE', 'P-MPJPE', 'N-MPJPE', 'MPJVE', 'MPJAE']
    assert lines[2].split() == ['mm', 'mm', 'mm', 'mm/frame', 'mm/frame²']
    assert [line.split()[:2] for line in lines[4:6]] == [['Directions', '15'], ['SittingDown', '9']]
    cells = {line.split('  ')[0]: line.split()[-5:] for line in lines[3:]}
    assert cells['mean of actions'] == [f'{metrics[key]:.1f}' for key in list(metrics)[:5]]
    assert cells['mean of frames'] == [f'{metrics[key]:.1f}' for key in list(metrics)[5:]]
    assert all(key.startswith('stage1/') for key in metrics)
    assert rules == (
        "Rules: 17 joints, 2 actions, 24 frames, 4 sequences; skipped by skip_list ['S11_Directions']: "
        'S11_Directions.54138969; root at the origin on both sides; differences between consecutive evaluated frames '
        '(frame step 1); absolute root depth: from the ground truth; bounding boxes: pelvis_2m; flip test: on'
    )


def test_rules_name_every_condition_of_mixed_samples():
    mixed = {Conditions(True, 'annotation', 'on'), Conditions(False, 'not stated', 'not stated')}
    assert evaluation_rules({1, 3, 2}, mixed).endswith(
        '(frame step 1 to 3); absolute root depth: from the ground truth; '
        'bounding boxes: annotation and not stated; flip test: not stated and on'
    )
    second_stage = {Conditions(False, 'annotation', 'off')}
    assert '(frame step 64); absolute root depth: not used; bounding boxes' in evaluation_rules({64}, second_stage)
