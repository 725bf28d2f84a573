import numpy as np

from depth_refine.synthetic.performances import procedural_performances


def test_writes_clips_and_says_where(run_tool, tmp_path):
    joints = np.concatenate([p.joints for p in procedural_performances(['S1', 'S5'], ['Waiting'], 3, seed=0)])
    np.savez(tmp_path / 'm.npz', positions=joints, clip=np.repeat([0, 1], 3), fps=50, subject=['a', 'b'])
    out = tmp_path / 'deep' / 'data'
    options = ['--frames', 2, '--image-size', 40, '--test-subjects', 'a', '--workers', 1]
    result = run_tool('make_synthetic', out, '--motion', tmp_path / 'm.npz', *options)
    assert result.status == 0
    assert result.out.strip() == f'wrote {out}'
    assert len(list(out.rglob('a_Clip0_1.*_000002.jpg'))) == 4
    assert 'image/s' in result.err, 'progress with a rate'


def _people(root, split):
    with np.load(root / f'annotation_body3d/fps50/h36m_{split}.npz') as arrays:
        return {name.partition('/')[0] for name in arrays['imgname']}


def test_people_as_many_as_asked_for(run_tool, tmp_path):
    options = ['--train-subjects', 2, '--frames', 1, '--image-size', 40, '--workers', 1]
    assert run_tool('make_synthetic', tmp_path / 'data', *options).status == 0
    for split, people in (('train', {'S1', 'S5'}), ('test', {'S9', 'S11'})):
        assert _people(tmp_path / 'data', split) == people
    options += ['--test-subjects', 'S5', 'S12']
    assert run_tool('make_synthetic', tmp_path / 'chosen', *options).status == 0
    for split, people in (('train', {'S1', 'S6'}), ('test', {'S5', 'S12'})):
        assert _people(tmp_path / 'chosen', split) == people
    del options[:2]
    assert run_tool('make_synthetic', tmp_path / 'five', *options[:-2], 'S9').status == 0
    for split, people in (('train', {'S1', 'S5', 'S6', 'S7', 'S8'}), ('test', {'S9'})):
        assert _people(tmp_path / 'five', split) == people
    refused = run_tool('make_synthetic', tmp_path / 'other', '--motion', 'm.npz', '--train-subjects', 2)
    assert refused.status == 2 and 'give one of them' in refused.err
