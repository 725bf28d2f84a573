import sys
from types import SimpleNamespace

import numpy as np
import pytest

from depth_refine.inference.blazepose.model_files import ModelFile
from depth_refine.inference.blazepose.networks import Network
from depth_refine.utils.errors import InputError


def test_outputs_are_found_by_their_shapes(models):
    network = Network(models[1], dict(metres=(1, 117), landmarks=(1, 195)))
    found = network(np.zeros((256, 256, 3), np.float32))
    assert network.size == 256 and {name: value.shape for name, value in found.items()} == dict(
        metres=(117,), landmarks=(195,)
    )


def test_other_files_are_refused(models):
    for file, message in [
        (
            models[0],
            r'pose_detection\.tflite: expected one square image to outputs of \[\(1, 195\)\].* \[\(1, 2254, 12\)',
        ),
        (ModelFile('empty.tflite', b''), r'empty\.tflite: expected a \.tflite network, got '),
        (ModelFile('text.tflite', b'no network' * 100), r'text\.tflite: expected a \.tflite network, got '),
        (ModelFile('half.tflite', models[1].content[: 10**6]), r'half\.tflite: expected a \.tflite network, got '),
    ]:
        with pytest.raises(InputError, match=message):
            Network(file, dict(landmarks=(1, 195)))


@pytest.mark.parametrize(('kind', 'output'), [(np.uint8, np.float32), (np.float32, np.uint8)])
def test_quantised_networks_are_refused(monkeypatch, kind, output):
    def tensor(shape, dtype):
        return dict(shape=np.array(shape), dtype=dtype, index=0)

    interpreter = SimpleNamespace(
        allocate_tensors=lambda: None,
        get_input_details=lambda: [tensor([1, 256, 256, 3], kind)],
        get_output_details=lambda: [tensor([1, 195], output)],
    )
    module = SimpleNamespace(Interpreter=lambda **options: interpreter)
    monkeypatch.setitem(sys.modules, 'ai_edge_litert.interpreter', module)
    with pytest.raises(InputError, match=rf'q\.tflite: .* float32, .* got \[1, 256, 256, 3\] {kind.__name__} to \['):
        Network(ModelFile('q.tflite', b''), dict(landmarks=(1, 195)))


def test_without_litert(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ai_edge_litert.interpreter', None)
    with pytest.raises(InputError, match='BlazePose needs LiteRT: install ai-edge-litert'):
        Network(ModelFile('a.tflite', b''), {})
