import zipfile

import numpy as np
import pytest

from depth_refine.data_tools.conversion.joint_orders import to_h36m
from depth_refine.inference.blazepose import BlazePose, first_stage
from depth_refine.inference.blazepose.first_stage import measure
from depth_refine.inference.blazepose.landmarks import Landmarks
from depth_refine.inference.people.tracking import observe
from depth_refine.inference.sources.video_source import Frame, open_source
from depth_refine.structures import H36M
from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics


def make_person(seed=0):
    rng = np.random.default_rng(seed)
    return Landmarks(rng.uniform(0, 900, (33, 2)), rng.normal(size=(33, 3)), rng.uniform(size=33), 0.8, None)


def test_measurements():
    person = make_person()
    camera, _ = make_camera((900, 700), Intrinsics([800, 820, 440, 360], ('opencv', 0.1, 0, 0, 0, 0)))
    found, pixels = measure(person, camera), to_h36m(person.pixels[None], 'mediapipe')[0]
    assert found.shape == (17, 5) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, :2], pixels, rtol=1e-6)
    straight = dict(camera, c=pixels[0])  # the root is on the camera's axis: depths as the network gives them
    metres = to_h36m(person.metres[None], 'mediapipe')[0]
    np.testing.assert_allclose(measure(person, straight)[:, 2], metres[:, 2] - metres[0, 2], atol=1e-6)
    assert np.abs(found[:, 2] - (metres[:, 2] - metres[0, 2])).max() > 0.1 and found[0, 2] == 0
    names, visible = list(H36M.joint_names), person.visibility
    assert found[names.index('left_elbow'), 3] == pytest.approx(0.8 * visible[13])
    assert found[names.index('thorax'), 3] == pytest.approx(0.8 * visible[[11, 12]].min())
    assert found[names.index('spine'), 3] == pytest.approx(0.8 * visible[[11, 12, 23, 24]].min())
    assert (found[:, 4] > 0).all() and len(set(found[:, 4])) == 1


def test_a_video_of_a_photo(models, photo, place, monkeypatch):
    """Two people who drift across the image are found, told apart and measured."""
    monkeypatch.setattr(first_stage, 'model_files', lambda model: models)
    stage = BlazePose('full', flip_test=False)
    images = []
    for index in range(8):
        canvas = np.full((480, 640, 3), 128, np.uint8)
        for x, scale in ((20 + 4 * index, 0.5), (380 - 3 * index, 0.4)):
            shown = place(photo, (640, 480), np.array([[scale, 0, x], [0, scale, 150]]))
            canvas = np.where(shown == 128, canvas, shown)
        images.append(canvas)
    seen = observe(open_source(images, 25.0), stage.find_people, stage)
    assert stage.skeleton == H36M and stage.depth_range is None and 'BlazePose' in stage.notes[0]
    assert len(seen.ids) == 16 and set(seen.ids) == {0, 1}
    head = list(H36M.joint_names).index('head')
    heads = seen.measurements[:, head, :2].reshape(8, 2, 2)
    heads = np.take_along_axis(heads, heads[..., :1].argsort(axis=1), axis=1)
    expected = [
        [(20 + 4 * index + 0.5 * 264, 150 + 0.5 * 227), (380 - 3 * index + 0.4 * 264, 150 + 0.4 * 227)]
        for index in range(8)
    ]
    np.testing.assert_allclose(heads, expected, atol=12)
    assert (seen.measurements[:, head, 3] > 0.8).all() and (seen.measurements[:, 3, 3] < 0.5).all()  # no feet


def test_a_bundle_by_its_path(models, photo, tmp_path, monkeypatch):
    """An uncompressed bundle like MediaPipe's has the same networks, gives the same measurements; none is fetched."""
    with zipfile.ZipFile(tmp_path / 'pose_landmarker_full.task', 'w') as bundle:
        for name, file in zip(('pose_detector.tflite', 'pose_landmarks_detector.tflite'), models, strict=True):
            bundle.writestr(name, file.content)
    monkeypatch.setenv('DEPTH_REFINE_CACHE', str(tmp_path / 'empty'))
    bundled = BlazePose(tmp_path / 'pose_landmarker_full.task')
    assert bundled.name == 'BlazePose pose_landmarker_full.task' and not (tmp_path / 'empty').exists()
    monkeypatch.setattr(first_stage, 'model_files', lambda model: models)
    frame, found = Frame(0, 0.0, photo), []
    for stage in (bundled, BlazePose('full')):
        (bbox,) = stage.find_people(frame).bboxes
        found.append(next(iter(stage([(photo, bbox)]))))
    np.testing.assert_array_equal(*found)
