"""Cuts many windows out of videos at once."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class WindowGatherer:
    """Gathers windows of consecutive frames, a batch at a time, on the CPU or on an accelerator.

    Shape key: N frames of all videos, B windows, T frames of a window, T' target frames, ... the rest of an array.

    On the CPU a window is one copy of neighbouring rows, and memory-mapped arrays are read where they lie; on another
    device all arrays are held there and a window is rows picked by number.

    Args:
        arrays: tensors (N, ...), by name.
        videos: rows of each video's frames, in order.
        device: where the arrays are to be.
    """

    def __init__(self, arrays: dict[str, Tensor], videos: Sequence[np.ndarray], device: str = 'cpu') -> None:
        self.device = torch.device(device)
        self.arrays = {name: array.to(self.device) for name, array in arrays.items()}
        self._rows = torch.from_numpy(np.concatenate(videos).astype(np.int64)).to(self.device)
        lengths = np.array([len(rows) for rows in videos])
        self._lengths, self._offsets = lengths, np.cumsum(lengths) - lengths
        # of videos whose frames lie one behind the other in the arrays, else -1
        self._firsts = np.array([rows[0] if (np.diff(rows) == 1).all() else -1 for rows in videos])

    def gather(self, name: str, videos: np.ndarray, starts: np.ndarray, frames: int) -> Tensor:
        """Windows (B, T, ...) of an array.

        Args:
            name: the array.
            videos: (B,) index of each window's video.
            starts: (B,) position of its first frame in the video; may lie outside, where the ends are replicated.
            frames: T.
        """
        array = self.arrays[name]
        if self.device.type != 'cpu':
            return array[self._numbers(videos, starts, frames)]
        is_slice = (self._firsts[videos] >= 0) & (starts >= 0) & (starts + frames <= self._lengths[videos])
        firsts = (self._firsts[videos] + starts).tolist()
        others = iter(self._numbers(videos[~is_slice], starts[~is_slice], frames))
        return torch.stack(
            [
                array[first : first + frames] if whole else array[next(others)]
                for first, whole in zip(firsts, is_slice.tolist(), strict=True)
            ]
        )

    def _numbers(self, videos: np.ndarray, starts: np.ndarray, frames: int) -> Tensor:
        """(B, T) row of every frame."""
        last, offset, start = (
            torch.from_numpy(numbers.astype(np.int64)).to(self.device)[:, None]
            for numbers in (self._lengths[videos] - 1, self._offsets[videos], starts)
        )
        positions = start + torch.arange(frames, device=self.device)
        return self._rows[offset + torch.minimum(positions.clamp(min=0), last)]
