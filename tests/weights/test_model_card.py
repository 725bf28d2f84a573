"""The model card and model-index.yml beside the weights that they describe."""

import hashlib
import re
import shlex
from pathlib import Path

import pytest
import yaml
from documents import code
from motion_file import write_motion

from depth_refine.inference.stages import SecondStage

ROOT = Path(__file__).parents[2]
MODELS = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Models']


@pytest.mark.parametrize('model', MODELS, ids=lambda model: model['Name'])
def test_card_and_index_describe_these_weights(model):
    card = (ROOT / 'depth_refine/weights/README.md').read_text()
    assert hashlib.sha256((ROOT / model['Weights']).read_bytes()).hexdigest() in card
    network = SecondStage(ROOT / model['Config'], ROOT / model['Weights'], 'cpu').model
    parameters = sum(values.numel() for values in network.parameters())
    assert model['Metadata']['Parameters'] == parameters and f'{parameters:,}' in card
    assert model['Metadata']['Receptive Field'] == network.receptive_field
    metrics = model['Results'][0]['Metrics']
    assert f'| `{model["Name"]}` | {metrics["MPJPE"]} | {metrics["P-MPJPE"]} |' in card


def test_all_shipped_weights_are_listed():
    listed = {ROOT / model['Weights'] for model in MODELS}
    assert listed == set((ROOT / 'depth_refine').rglob('*.pth'))


COMMANDS = [text for _, text in code((ROOT / 'depth_refine/weights/README.md').read_text(), 'README.md')]


@pytest.mark.parametrize('command', [text for text in COMMANDS if text.startswith('python tools/')])
def test_commands_of_the_card(command, run_tool, short_logs, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    _, tool, *arguments = shlex.split(command)
    settings = {'train_cfg.max_epochs': 1}
    for split in ('train', 'test'):
        motion = write_motion(tmp_path / f'{split}.npz', lengths=(60, 41), who=split)
        settings |= {f'{split}_dataloader.dataset.motion_file': motion, f'{split}_dataloader.num_workers': 0}
    arguments += [] if '--cfg-options' in arguments else ['--cfg-options']
    arguments += [f'{key}={value}' for key, value in settings.items()]
    ended = run_tool(Path(tool).stem, *arguments, '--work-dir', tmp_path)
    assert ended.status == 0, ended
    if 'train' in tool:
        assert (tmp_path / 'epoch_1.pth').is_file()
    else:  # people who turn, bow and walk
        assert float(re.search(r'pose3d/P-MPJPE_mm: ([\d.]+)', ended.out)[1]) < 100
