import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from torchvision.models import get_model

from depth_refine.inference import person_detectors
from depth_refine.inference.person_detectors import MMDetPersonDetector, TorchvisionPersonDetector
from depth_refine.inference.video_source import Frame
from depth_refine.utils.errors import InputError

IMAGE = np.zeros((75, 97, 3), np.uint8)
FOUND = dict(
    boxes=torch.tensor([[1.0, 2, 30, 40], [3, 4, 50, 60], [5, 6, 70, 80], [7, 8, 9, 10]]),
    scores=torch.tensor([0.9, 0.8, 0.4, 0.6]),
)


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'ssdlite320_mobilenet_v3_large_coco-0.pth'
    torch.manual_seed(0)
    torch.save(get_model('ssdlite320_mobilenet_v3_large', weights=None, weights_backbone=None).state_dict(), path)
    return path


def test_torchvision(weights, monkeypatch):
    detector = TorchvisionPersonDetector(weights, 'cpu')
    saved = torch.load(weights, weights_only=True)
    for name, value in detector._model.state_dict().items():
        assert torch.equal(value, saved[name])
    boxes = detector(Frame(0, 0.0, IMAGE))
    assert boxes.bboxes.shape[1:] == (4,) and boxes.track_ids is None

    given = []
    monkeypatch.setattr(
        detector, '_model', lambda images: given.extend(images) or [dict(FOUND, labels=torch.tensor([1, 2, 1, 1]))]
    )
    image = np.random.default_rng(0).integers(0, 256, (75, 97, 3), np.uint8)
    np.testing.assert_array_equal(detector(Frame(0, 0.0, image)).bboxes, [[1, 2, 30, 40], [7, 8, 9, 10]])
    np.testing.assert_allclose(given[0].permute(1, 2, 0), image[..., ::-1] / 255, atol=1e-6)


def test_torchvision_weights_that_do_not_fit(weights, tmp_path):
    with pytest.raises(InputError, match=r'absent\.pth: expected the name of a detector at the beginning .* fcos_resn'):
        TorchvisionPersonDetector(tmp_path / 'absent.pth', 'cpu')
    with pytest.raises(InputError, match=r'ssdlite320_mobilenet_v3_large\.pth: no such checkpoint file'):
        TorchvisionPersonDetector(tmp_path / 'ssdlite320_mobilenet_v3_large.pth', 'cpu')
    other = tmp_path / 'ssdlite320_mobilenet_v3_large_other.pth'
    torch.save(dict(list(torch.load(weights, weights_only=True).items())[:-1]), other)
    with pytest.raises(InputError, match=r'other\.pth belongs to another model'):
        TorchvisionPersonDetector(other, 'cpu')


def test_mmdet_without_compiled_operators(monkeypatch):
    monkeypatch.setattr(person_detectors, 'find_spec', lambda name: None)
    with pytest.raises(InputError, match='need a full mmcv, and mmcv-lite has no compiled operators'):
        MMDetPersonDetector('detector.py', 'detector.pth', 'cpu')


@pytest.mark.parametrize(('classes', 'person'), [(('person', 'dog'), 0), (('dog', 'person'), 1)])
def test_mmdet(monkeypatch, tmp_path, classes, person):
    """With MMDetection's API replaced, as its detectors do not run without a full mmcv."""
    monkeypatch.setattr(person_detectors, 'find_spec', lambda name: object())
    (tmp_path / 'detector.py').write_text('model = dict()')
    api, given = ModuleType('mmdet.apis'), []
    api.init_detector = lambda cfg, checkpoint, device: (
        given.append((checkpoint, device)) or SimpleNamespace(dataset_meta=dict(classes=classes))
    )
    labels = torch.tensor([person, 1 - person, person, person])
    instances = InstanceData(bboxes=FOUND['boxes'], scores=FOUND['scores'], labels=labels)
    api.inference_detector = lambda model, image: SimpleNamespace(pred_instances=instances)
    monkeypatch.setitem(sys.modules, 'mmdet.apis', api)
    detector = MMDetPersonDetector(str(tmp_path / 'detector.py'), 'detector.pth', 'cpu')
    assert given == [('detector.pth', 'cpu')]
    np.testing.assert_array_equal(detector(Frame(0, 0.0, IMAGE)).bboxes, [[1, 2, 30, 40], [7, 8, 9, 10]])


def test_mmdet_of_other_things(monkeypatch, tmp_path):
    monkeypatch.setattr(person_detectors, 'find_spec', lambda name: object())
    (tmp_path / 'detector.py').write_text('model = dict()')
    api = ModuleType('mmdet.apis')
    api.init_detector = lambda *args, **kwargs: SimpleNamespace(dataset_meta=dict(classes=('dog',)))
    api.inference_detector = None
    monkeypatch.setitem(sys.modules, 'mmdet.apis', api)
    with pytest.raises(InputError, match=r"expected a detector with the class 'person', got \('dog',\)"):
        MMDetPersonDetector(str(tmp_path / 'detector.py'), 'detector.pth', 'cpu')
