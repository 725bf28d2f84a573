import numpy as np
import pytest

from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic.performances import procedural_performances


@pytest.fixture(scope='session')
def at():
    """A function that gives the positions (T, 3) of a named joint of (T, 17, 3)."""
    return lambda joints, name: joints[:, H36M.joint_names.index(name)]


@pytest.fixture
def clips():
    """Three clips of two people, away from the origin: the arrays of a motion file."""
    subjects, activities, lengths = ('S1', 'S1', 'S5'), ('Walking', 'Greeting', 'Posing'), (12, 20, 9)
    parts = [
        procedural_performances([subject], [activity], frames, seed=0)[0].joints + [3.0, -2.0, 0]
        for subject, activity, frames in zip(subjects, activities, lengths, strict=True)
    ]
    return {
        'positions': np.concatenate(parts).astype(np.float32),
        'clip': np.repeat([0, 1, 2], lengths).astype(np.int32),
        'fps': np.array(50),
        'subject': np.array(['cmu_05', 'cmu_05', '131']),
        'description': np.array(['walk, slowly', 'wave.hello/again & again and again', '...']),
    }
