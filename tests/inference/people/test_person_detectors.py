import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from torchvision.models import get_model

from depth_refine.inference.people import person_detectors
from depth_refine.inference.people.person_detectors import MMDetPersonDetector, TorchvisionPersonDetector
from depth_refine.inference.sources.video_source import Frame
from depth_refine.utils.errors import InputError

FRAME = Frame(0, 0.0, np.random.default_rng(0).integers(0, 256, (75, 97, 3), np.uint8))
BOXES = torch.tensor([[1.0, 2, 30, 40], [3, 4, 50, 60], [5, 6, 70, 80], [7, 8, 9, 10]])
SCORES = torch.tensor([0.9, 0.8, 0.4, 0.6])
PEOPLE = [[1, 2, 30, 40], [7, 8, 9, 10]]  # with labels person, other, person, person


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'ssdlite320_mobilenet_v3_large_coco-0.pth'
    torch.manual_seed(0)
    torch.save(get_model('ssdlite320_mobilenet_v3_large', weights=None, weights_backbone=None).state_dict(), path)
    return path


def test_torchvision(weights, monkeypatch):
    detector, given = TorchvisionPersonDetector(weights, 'cpu'), []
    for name, value in torch.load(weights, weights_only=True).items():
        assert torch.equal(value, detector._model.state_dict()[name])
    boxes = detector(FRAME)
    assert boxes.bboxes.shape[1:] == (4,) and boxes.track_ids is None
    found = [dict(boxes=BOXES, scores=SCORES, labels=torch.tensor([1, 2, 1, 1]))]
    monkeypatch.setattr(detector, '_model', lambda images: given.extend(images) or found)
    np.testing.assert_array_equal(detector(FRAME).bboxes, PEOPLE)
    np.testing.assert_allclose(given[0].permute(1, 2, 0), FRAME.image[..., ::-1] / 255, atol=1e-6)


def test_torchvision_weights_that_do_not_fit(weights, tmp_path):
    torch.save(dict(list(torch.load(weights, weights_only=True).items())[:-1]), tmp_path / f'{weights.stem}_other.pth')
    for name, message in [
        ('absent.pth', r'absent\.pth: expected the name of a detector at the beginning .* fcos_resn'),
        (weights.name, r'_coco-0\.pth: no such checkpoint file\. .* or downloaded, first\.$'),
        (f'{weights.stem}_other.pth', r'other\.pth belongs to another model'),
    ]:
        with pytest.raises(InputError, match=message):
            TorchvisionPersonDetector(tmp_path / name, 'cpu')


def test_mmdet(monkeypatch, tmp_path):
    """MMDetection's functions are replaced: they need a full mmcv."""
    (tmp_path / 'detector.py').write_text('model = dict()')

    def make(*classes):
        instances = InstanceData(
            bboxes=BOXES, scores=SCORES, labels=torch.tensor([0, 1, 0, 0]) ^ classes.index('dog') ^ 1
        )
        api = ModuleType('mmdet.apis')
        api.init_detector = lambda cfg, checkpoint, device: SimpleNamespace(dataset_meta=dict(classes=classes))
        api.inference_detector = lambda model, image: SimpleNamespace(pred_instances=instances)
        monkeypatch.setitem(sys.modules, 'mmdet.apis', api)
        return MMDetPersonDetector(str(tmp_path / 'detector.py'), 'detector.pth', 'cpu')

    monkeypatch.setattr(person_detectors, 'find_spec', lambda name: object())
    for classes in (('person', 'dog'), ('dog', 'person')):
        np.testing.assert_array_equal(make(*classes)(FRAME).bboxes, PEOPLE)
    with pytest.raises(InputError, match=r"expected a detector with the class 'person', got \('dog',\)"):
        make('dog')
    monkeypatch.setattr(person_detectors, 'find_spec', lambda name: None)
    with pytest.raises(InputError, match='need a full mmcv, and mmcv-lite has no compiled operators'):
        make('person', 'dog')
