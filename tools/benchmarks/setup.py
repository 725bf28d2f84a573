"""Shared by all sections: the machine and its peak rates, the peers, the size of the networks."""

import importlib.util
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from mmengine.config import Config
from torch.nn import functional as F

from depth_refine.utils.errors import InputError

from .turns import Contender, take_turns

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
REFINER = 'refiner_243.py'
MMPOSE = 'mmpose::body_3d_keypoint/video_pose_lift/h36m/video-pose-lift_tcn-243frm-supv_8xb128-160e_h36m.py'
JOINTS, CHANNELS_IN, FIELD = 17, 3, 243
PRECISIONS = dict(fp32=False, bf16=True)  # with --amp or without
_CPU_INFO = Path('/proc/cpuinfo')


@dataclass(frozen=True)
class Setup:
    """Folders, length of measurements, and peak rates of the machine.

    Attributes:
        folder: an existing folder for mock data.
        rounds: how often each contender has its turn.
        device: where networks run, ``'cpu'`` or ``'cuda'``.
        amx: whether the processor multiplies bfloat16 in tiles; targets differ.
        matrix: FLOP/s of a large matrix product, by precision.
        videopose3d: a checkout of VideoPose3D, or None.
    """

    folder: Path
    rounds: int
    device: str
    amx: bool
    matrix: dict[str, float]
    videopose3d: Path | None = None

    def peer(self, name: str) -> ModuleType:
        """The module ``common/NAME.py`` of the VideoPose3D checkout."""
        spec = importlib.util.spec_from_file_location(f'videopose3d_{name}', self.videopose3d / 'common' / f'{name}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def ideal(self, work: Callable[[], object], amount: float, precision: str) -> float:
        """Seconds an item that a work's matrix products and convolutions need at the rate of ``matrix``."""
        from torch.utils.flop_counter import FlopCounterMode  # brings 70 MB, which processes measured alone would have

        with FlopCounterMode(display=False) as counter:
            work()
        return counter.get_total_flops() / amount / self.matrix[precision]


def config(name: str) -> Config:
    """One of the project's configs by its file name."""
    return Config.fromfile(CONFIGS / name)


def check_videopose3d(folder: Path | None) -> None:
    """Refuse a folder that is not VideoPose3D's.

    Raises:
        InputError: a module that is needed is missing.
    """
    for name in ('model', 'generators') if folder else ():
        if not (path := folder / 'common' / f'{name}.py').is_file():
            raise InputError(f'no {path}: --videopose3d expects a checkout of github.com/facebookresearch/VideoPose3D')


def has_amx() -> bool:
    """Whether the processor has AMX, according to Linux."""
    return _CPU_INFO.exists() and ' amx_tile' in _CPU_INFO.read_text(encoding='utf-8')


def describe(setup: Setup) -> str:
    """The machine in words."""
    info = _CPU_INFO.read_text(encoding='utf-8').splitlines() if _CPU_INFO.exists() else []
    names = [line.split(':', 1)[1].strip() for line in info if line.startswith('model name')]
    name = torch.cuda.get_device_name() if setup.device == 'cuda' else (names or [platform.processor()])[0]
    rates = ' and '.join(f'{rate / 1e9:,.0f} GFLOP/s in {precision}' for precision, rate in setup.matrix.items())
    return (
        f'{name} {"with" if setup.amx else "without"} AMX, {os.cpu_count()} cores, threads: {torch.get_num_threads()}, '
        f'PyTorch {torch.__version__}; a large matrix product: {rates}'
    )


def matrix_products(device: str, rows: int, amp: bool) -> dict[str, Contender]:
    """The product of two square matrices in two ways: by a linear layer, and by a convolution of kernel 1.

    Args:
        device: ``'cpu'`` or ``'cuda'``.
        rows: of the matrices, a multiple of 64.
        amp: in bfloat16 instead of float32.
    """
    a, b = torch.randn(2, rows, rows, device=device).to(torch.bfloat16 if amp else torch.float32)
    image, kernel = a.view(1, 64, -1, rows).permute(0, 3, 1, 2), b[..., None, None]  # channels last
    flops = 2 * rows**3
    return dict(
        linear=Contender(lambda: F.linear(a, b), flops), conv2d=Contender(lambda: F.conv2d(image, kernel), flops)
    )


def matrix_rates(device: str, rows: int) -> dict[str, float]:
    """FLOP/s of the faster of the :func:`matrix_products`, by precision."""
    with torch.inference_mode():
        return {
            precision: max(rates.max() for rates in take_turns(matrix_products(device, rows, amp), rounds=3).values())
            for precision, amp in PRECISIONS.items()
        }
