"""Cuts many windows out of videos at once."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class WindowGatherer:
    """Gathers windows of consecutive frames, a batch at a time, on the CPU or on an accelerator.

    Shape key: N frames of all videos, B windows, T frames of a window, T' target frames, ... the rest of an array.

    A window that lies within a video is one copy of neighbouring rows; others are rows picked by number. On the CPU
    memory-mapped arrays are read where they lie; on another device all arrays are held there.

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
        whole = (self._firsts[videos] >= 0) & (starts >= 0) & (starts + frames <= self._lengths[videos])
        if not whole.any():
            return self._pick(array, videos, starts, frames)
        windows = array.new_empty(len(videos), frames, *array.shape[1:])
        firsts = torch.from_numpy(np.where(whole, self._firsts[videos] + starts, 0)).to(self.device)
        torch.index_select(array.unfold(0, frames, 1).movedim(-1, 1), 0, firsts, out=windows)
        if not whole.all():
            others = torch.from_numpy(np.flatnonzero(~whole)).to(self.device)
            windows[others] = self._pick(array, videos[~whole], starts[~whole], frames)
        return windows

    def _pick(self, array: Tensor, videos: np.ndarray, starts: np.ndarray, frames: int) -> Tensor:
        """Windows (B, T, ...) row by row."""
        last, offset, start = (
            torch.from_numpy(numbers.astype(np.int64)).to(self.device)[:, None]
            for numbers in (self._lengths[videos] - 1, self._offsets[videos], starts)
        )
        positions = start + torch.arange(frames, device=self.device)
        rows = self._rows[offset + torch.minimum(positions.clamp(min=0), last)]
        return array.index_select(0, rows.flatten()).unflatten(0, rows.shape)
