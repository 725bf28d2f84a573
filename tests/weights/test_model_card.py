"""The model card and model-index.yml beside the weights that they describe."""

import hashlib
from pathlib import Path

import pytest
import yaml

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
