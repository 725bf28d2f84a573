import pytest
from official_h36m import ALL_SUBJECTS, takes_of

from depth_refine.data_tools.preparation.frames import VideoError
from depth_refine.data_tools.preparation.outcome import KNOWN_DAMAGE, H36MOutcome
from depth_refine.data_tools.preparation.raw_files import SequenceError, SequenceKey

CAMERAS = ('54138969', '55011271', '58860488', '60457274')
FRAMES = {'S1': 248_376, 'S5': 396_316, 'S6': 249_864, 'S7': 332_598, 'S8': 332_598, 'S9': 275_322, 'S11': 275_322}


@pytest.fixture
def outcome():
    return H36MOutcome({subject: takes_of(subject) for subject in ALL_SUBJECTS}, CAMERAS)


def add_all(outcome, without=()):
    """All sequences of all subjects, as long together as the official ones; S11 Directions has 1825 frames each."""
    for subject, total in FRAMES.items():
        keys = [key for key in outcome.expected if key.subject == subject]
        lengths = {key: 1825 if key.take == 'Directions' else 1 for key in keys}
        lengths[keys[-1]] += total - sum(lengths.values())
        outcome.frames |= {key: length for key, length in lengths.items() if key not in without}


def count_line(outcome, subjects):
    """The line of the last table on some subjects: sequences, frames, official frames, verdict."""
    _, table = str(outcome).split('subjects  ')
    (found,) = [text for text in table.splitlines() if text.startswith(f'{subjects} ')]
    return found.removeprefix(subjects).split(maxsplit=3)


def test_the_known_damage_is_expected(outcome):
    add_all(outcome, without=[KNOWN_DAMAGE])
    outcome.leave_out(KNOWN_DAMAGE, VideoError('no video'))
    assert count_line(outcome, 'S9 S11') == ['239', '548,819', '548,819', 'as it should be']
    assert count_line(outcome, 'S7 S8') == ['240', '665,196', '665,196', 'as it should be']
    assert not outcome.errors
    assert '  S11 Directions.54138969: left out, as its video is known to be damaged: no video' in str(outcome)
    outcome.leave_out(KNOWN_DAMAGE, SequenceError('truncated'))  # its poses
    assert outcome.errors == {KNOWN_DAMAGE: 'truncated'}


def test_missing_and_wrong_counts(outcome):
    add_all(outcome, without=[SequenceKey('S9', 'Eating', CAMERAS[1])])
    outcome.frames[SequenceKey('S5', 'Eating', CAMERAS[2])] -= 7
    assert count_line(outcome, 'S9 S11')[::3] == ['239', 'sequences missing: 1']
    assert count_line(outcome, 'S5')[::3] == ['120', '-7 frames']


def test_tables(outcome):
    for camera, frames in zip(CAMERAS, (10, 11, 12, 13), strict=True):
        outcome.frames[SequenceKey('S1', 'TakingPhoto', camera)] = frames
    outcome.frames[SequenceKey('S1', 'TakingPhoto 1', CAMERAS[2])] = 6000
    outcome.leave_out(SequenceKey('S1', 'TakingPhoto 1', CAMERAS[0]), SequenceError('broken'))
    rows = str(outcome).split('\n\n')[1].splitlines()
    assert rows[0].split() == ['S1', *CAMERAS]
    assert rows[1].split() == ['Photo', 'x', '+', '10', '-', '+', '11', '6000', '+', '12', '-', '+', '13']
    assert rows[2].startswith('no files of Directions, Discussion') and len(rows) == 3
    assert 'no files of any action' in str(outcome).split('\n\n')[2]
    assert 'Left out: 1 sequences\n  S1 TakingPhoto 1.54138969: broken' in str(outcome)
