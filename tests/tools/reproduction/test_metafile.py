import json

import pytest
import yaml
from reproduction.metafile import write_metafiles

from depth_refine.utils.errors import InputError


@pytest.fixture
def root(tmp_path):
    """A repository with two configs."""
    for name in ('table1/2d_1', 'table2/cai'):
        path = tmp_path / f'configs/{name}.py'
        path.parent.mkdir(parents=True)
        path.write_text('')
    return tmp_path


def write_results(path, names, **changes):
    def seed(mpjpe):
        return dict(metrics={'h36m/MPJPE_mm': mpjpe, 'h36m/P-MPJPE_mm': mpjpe / 2})

    content = dict(
        data='abc',
        first_stage=dict(config='c.py'),
        first_stage_result=seed(50.0),
        settings=dict(schedule='short', epochs=None),
        results={name: {'0': seed(40.0), '1': seed(41.1)} for name in names} | {'table1/2d_27': {}},
    )
    path.write_text(json.dumps({**content, **changes}))
    return path


def test_models_with_results(root, tmp_path):
    (root / 'configs/demo').mkdir()
    (root / 'configs/demo/c.py').write_text('')
    first = write_results(tmp_path / 'a.json', ['table1/2d_1', 'ablations/sigma_0'])
    second = write_results(tmp_path / 'b.json', ['table1/2d_1', 'table2/cai'])
    longer = write_results(tmp_path / 'c.json', ['table1/2d_1'], settings=dict(schedule='short', epochs=48), data='def')
    paths = write_metafiles({'Synthetic, long': [longer], 'Synthetic': [first, second]}, root)
    names = [f'configs/{folder}/metafile.yml' for folder in ('demo', 'table1', 'table2')]
    assert [str(path.relative_to(root)) for path in paths] == names
    assert yaml.safe_load((root / 'model-index.yml').read_text()) == {'Import': names}
    content = yaml.safe_load(paths[1].read_text())
    model, other = content['Models']
    assert model == {
        'Name': 'table1_2d_1_synthetic',
        'In Collection': content['Collections'][0]['Name'],
        'Config': 'configs/table1/2d_1.py',
        'Metadata': {'Training Data': 'Synthetic', 'Schedule': 'short', 'Seeds': 2},
        'Results': [{'Task': 'Body 3D Keypoint', 'Dataset': 'Synthetic', 'Metrics': {'MPJPE': 40.5, 'P-MPJPE': 20.3}}],
    }
    assert other['Name'] == 'table1_2d_1_synthetic-long'
    assert other['Metadata'] == {'Training Data': 'Synthetic, long', 'Schedule': 'short, 48 epochs', 'Seeds': 2}
    stages = yaml.safe_load(paths[0].read_text())['Models']
    assert [stage['Name'] for stage in stages] == ['demo_c_synthetic', 'demo_c_synthetic-long']
    assert stages[0]['Results'][0]['Metrics'] == {'MPJPE': 50.0, 'P-MPJPE': 25.0}
    assert stages[1]['Metadata'] == {
        'Training Data': 'Synthetic, long',
        'Seeds': 1,
    }  # --epochs is not the first stage's


def test_two_names_that_are_one(root, tmp_path):
    first = write_results(tmp_path / 'a.json', ['table1/2d_1'])
    with pytest.raises(InputError, match="two data sets are called alike, 'a-b'"):
        write_metafiles({'A b': [first], 'a-B': [first]}, root)


@pytest.mark.parametrize(
    'changes', [dict(first_stage=None, first_stage_result=None), dict(first_stage=dict(config=None)), {}]
)
def test_no_first_stage_or_none_of_a_known_config(root, tmp_path, changes):
    first = write_results(tmp_path / 'a.json', ['table1/2d_1'], **changes)
    assert [path.parent.name for path in write_metafiles({'Synthetic': [first]}, root)] == ['table1']


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(data='other'), 'b.json is of another data root than .*a.json: other instead of abc'),
        (dict(settings=dict(schedule='full', epochs=None)), 'another schedule'),
        (dict(first_stage=dict(config='d.py')), 'another first stage'),
    ],
)
def test_mixed_results(root, tmp_path, changes, message):
    first = write_results(tmp_path / 'a.json', ['table1/2d_1'])
    second = write_results(tmp_path / 'b.json', ['table2/cai'], **changes)
    with pytest.raises(InputError, match=message):
        write_metafiles({'Synthetic': [first, second]}, root)
    assert not (root / 'model-index.yml').exists()


def test_other_files(root, tmp_path):
    (tmp_path / 'a.json').write_text('{}')
    with pytest.raises(InputError, match=r'a.json is not the JSON file of an experiment \(KeyError'):
        write_metafiles({'Synthetic': [tmp_path / 'a.json']}, root)
