"""What all sections of the benchmark share."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from mmengine.config import Config

from depth_refine.utils.errors import InputError

from .comparison import Contender, Result, take_turns
from .machine import Machine

_PEER_FILES = ('model', 'generators')


@dataclass(frozen=True)
class Setup:
    """Where things are and how long to measure.

    Attributes:
        configs: the folder of the configs.
        folder: an existing folder for made-up data, removed afterwards.
        machine: the ceilings.
        rounds: how often each contender runs.
        seconds: no round of a comparison begins later than this.
        videopose3d: a checkout of VideoPose3D, or nothing.
        refiner: config and checkpoint of a trained refiner, or nothing.
        first_stage: likewise.
        frames: size of the made-up training set, for the sections that have one.
    """

    configs: Path
    folder: Path
    machine: Machine
    rounds: int
    seconds: float
    videopose3d: Path | None = None
    refiner: tuple[str, str] | None = None
    first_stage: tuple[str, str] | None = None
    frames: int | None = None

    @property
    def device(self) -> str:
        """Where networks run."""
        return self.machine.device

    def take_turns(self, contenders: Mapping[str, Contender]) -> dict[str, np.ndarray]:
        """See :func:`comparison.take_turns`."""
        return take_turns(contenders, self.rounds, self.seconds, self.device)

    def config(self, name: str) -> Config:
        """A config by its file name."""
        return Config.fromfile(self.configs / name)

    def peer(self, name: str) -> ModuleType:
        """The module ``common/NAME.py`` of the VideoPose3D checkout."""
        spec = importlib.util.spec_from_file_location(f'videopose3d_{name}', self.videopose3d / 'common' / f'{name}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def check_videopose3d(folder: Path | None) -> None:
    """Refuse a folder that is not VideoPose3D's.

    Raises:
        InputError: it lacks what is used of it.
    """
    for name in _PEER_FILES if folder else ():
        if not (path := folder / 'common' / f'{name}.py').is_file():
            raise InputError(f'no {path}: --videopose3d expects a checkout of github.com/facebookresearch/VideoPose3D')


def left_out(work: str, peer: str = 'VideoPose3D', reason: str = 'no --videopose3d was given') -> Result:
    """A row that could not be measured."""
    return Result(work, '', peer=peer, note=f'left out: {reason}')
