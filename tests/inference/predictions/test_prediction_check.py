import numpy as np
import pytest

from depth_refine.data_tools.conversion import Predictions
from depth_refine.inference import VideoPoseInferencer
from depth_refine.inference.people.person_boxes import Boxes
from depth_refine.inference.predictions import prediction_check
from depth_refine.inference.predictions.prediction_check import PredictionCheck
from depth_refine.inference.sources.video_source import Frame
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

FLIP = list(H36M.flip_indices)
TIMES = np.arange(60) / 30
NOT_COMPARED = 'The predictions were not compared with the video: '


class Seer:
    """An estimator that reads the frame's number from its pixels, knows all people, and detects some of them."""

    def __init__(self, people, found=(0,), score=0.9):
        self.people, self.found, self.score, self.looked = people, found, score, []

    def find_people(self, frame):
        self.looked.append(frame.index)
        assert frame.time == 0 and frame.image[0, 0, 0] == frame.index
        joints = self.people[list(self.found), frame.index]
        return Boxes(np.concatenate([joints.min(axis=1), joints.max(axis=1)], axis=1).astype(np.float32))

    def __call__(self, people):
        for image, bbox in people:
            joints = self.people[:, image[0, 0, 0]]
            nearest = np.abs(joints.mean(axis=1) - (bbox[:2] + bbox[2:]) / 2).sum(axis=1).argmin()
            yield np.column_stack([joints[nearest], np.zeros(17), np.full((17, 2), self.score)])


@pytest.fixture
def people():
    """Two people (2, 60, 17, 2), px, who wave in frames of 320 x 240 px."""
    rng = np.random.default_rng(0)
    shapes = rng.uniform(-40, 40, (2, 1, 17, 2)) + np.array([[80, 120], [240, 120]])[:, None, None]
    return shapes + 5 * np.sin(TIMES[:, None, None] * rng.uniform(2, 9, (2, 1, 17, 2)))


def frames(count=60):
    return [np.full((240, 320, 3), number, np.uint8) for number in range(count)]


def notes_of(joints, seer, numbers=None, images=None):
    numbers = np.arange(60) if numbers is None else numbers
    check = PredictionCheck(Predictions(joints, numbers, 'h36m'), seer)
    for index, image in enumerate(frames() if images is None else images):
        check.look(Frame(index, TIMES[index], image))
    return check.notes((320, 240), TIMES)


def test_sixteen_frames_of_the_predictions(people):
    seer = Seer(people)
    assert notes_of(people[0, 20:], seer, np.arange(20, 60)) == []
    assert len(seer.looked) == 16 and seer.looked[0] == 20 and seer.looked[-1] == 59
    assert set(np.diff(seer.looked)) == {2, 3}
    images = frames()
    images[36:] = [None] * 24
    (note,) = notes_of(people[0][:, FLIP], seer, images=images[:50])
    assert note.startswith('Left and right are exchanged in the predictions: in 10 frames')


def test_people_whom_the_detector_misses(people):
    """The estimator is given the largest predicted box in which it found nobody."""
    for found in ((0,), ()):
        assert notes_of(people[1], Seer(people, found)) == []
        (note,) = notes_of(people[1][:, FLIP], Seer(people, found))
        assert note.startswith('Left and right are exchanged')
    outside = np.concatenate([people[0] + 400, people[0]])
    assert notes_of(outside, Seer(people, (1,)), np.tile(np.arange(60), 2)) == []


def test_low_scores_are_not_compared(people):
    (note,) = notes_of(people[0][:, FLIP], Seer(people, score=0.4))
    assert note.startswith('In 16 frames for which there are predictions BlazePose sees nobody, or too little of ')
    (note,) = notes_of(np.full((60, 17, 2), 5.0), Seer(people, ()))
    assert note.startswith('In 16 frames')


def test_notes_of_the_inferencer(people, monkeypatch):
    """The check needs model files that are in the cache; none is fetched."""
    seer = Seer(people)
    monkeypatch.setattr(prediction_check, 'BlazePose', lambda model: seer)
    inferencer = VideoPoseInferencer(None, device='cpu')
    predictions = Predictions(people[0][:, FLIP], np.arange(60), 'h36m')
    for kept, start in (
        (True, 'Left and right are exchanged in the predictions: in 16 frames '),
        (False, NOT_COMPARED),
    ):
        monkeypatch.setattr(prediction_check, 'are_kept', {'full': kept}.get)
        notes = inferencer.refine(predictions, frames(), fps=30).notes
        assert sum(note.startswith(start) for note in notes) == 1
        assert len(seer.looked) == 16
    assert not any(NOT_COMPARED in note for note in inferencer.refine(predictions, size=(320, 240)).notes)


@pytest.mark.parametrize('scale', [1, 1.25])
def test_the_size_beside_a_video(people, monkeypatch, scale):
    """Predictions of larger frames give the same poses and path; those of another aspect ratio are refused."""
    monkeypatch.setattr(prediction_check, 'BlazePose', lambda model: Seer(people))
    monkeypatch.setattr(prediction_check, 'are_kept', lambda model: True)
    inferencer = VideoPoseInferencer(None, device='cpu')
    right = inferencer.refine(Predictions(people[0], np.arange(60), 'h36m'), frames(), fps=30)
    predictions = Predictions(scale * people[0], np.arange(60), 'h36m')
    found = inferencer.refine(predictions, frames(), (int(320 * scale), int(240 * scale)), fps=30)
    assert found.size == (320, 240)
    for name in ('keypoints', 'keypoints_3d', 'root'):
        np.testing.assert_allclose(getattr(found.tracks[0], name), getattr(right.tracks[0], name), atol=2e-3)
    notes = [note for note in found.notes if note not in right.notes]
    note = 'The predictions are of frames of 400 x 300 px and were rescaled to those of the video, 320 x 240 px.'
    assert notes == [note] * (scale != 1)
    with pytest.raises(
        InputError, match=r'of frames of 240 x 320 px \(--size\), and the video has 320 x 240 px, another'
    ):
        inferencer.refine(predictions, frames(), (240, 320), fps=30)


def test_without_its_files(people, models, photo, tmp_path, monkeypatch):
    """Missing or damaged files compare nothing; with them, a note says that BlazePose sees no legs in a portrait."""
    predictions = Predictions(people[0], np.arange(60), 'h36m')
    images = [photo, photo]
    for content, start in ((None, NOT_COMPARED), (b'damaged', NOT_COMPARED), (models, 'In 1 frames for which')):
        monkeypatch.setenv('DEPTH_REFINE_CACHE', str(tmp_path))
        for number, name in enumerate(('pose_detection.tflite', 'pose_landmark_full.tflite')):
            if content is not None:
                (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content[number].content)
        check = prediction_check.prediction_check(predictions)
        for index, image in enumerate(images):
            check.look(Frame(index, 0.1 * index, image))
        (note,) = check.notes((512, 600), TIMES)
        assert note.startswith(start)
        assert len(list(tmp_path.iterdir())) == (2 if content is not None else 0), 'nothing is fetched'
