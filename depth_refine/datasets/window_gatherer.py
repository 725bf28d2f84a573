"""Cuts many windows out of videos at once."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class WindowGatherer:
    """Gathers windows of consecutive frames, a batch at a time, on the CPU or on an accelerator.

    Shape key: N frames of all videos, B windows, T frames of a window, T' target frames, ... the rest of an array.

    On the CPU a window that lies within a video is one copy of neighbouring rows, others are rows picked by number, and
    memory-mapped arrays are read where they lie. On another device all arrays are held there and all rows picked by
    number, since the host would have to wait to learn which windows lie within a video.

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
        # of videos whose frames lie one behind the other in the arrays, else -1
        firsts = np.array([rows[0] if (np.diff(rows) == 1).all() else -1 for rows in videos])
        self._lengths, self._offsets, self._firsts = (
            torch.from_numpy(numbers.astype(np.int64)).to(self.device)
            for numbers in (lengths, np.cumsum(lengths) - lengths, firsts)
        )

    def gather(self, name: str, videos: Tensor, starts: Tensor, frames: int) -> Tensor:
        """Windows (B, T, ...) of an array.

        Args:
            name: the array.
            videos: (B,) int64 index of each window's video, on the device.
            starts: (B,) int64 position of its first frame in the video, on the device; may lie outside, where the ends
                are replicated.
            frames: T.
        """
        array = self.arrays[name]
        if array.device.type != 'cpu':
            return self._pick(array, videos, starts, frames)
        firsts = self._firsts[videos]
        whole = (firsts >= 0) & (starts >= 0) & (starts + frames <= self._lengths[videos])
        if not whole.any():
            return self._pick(array, videos, starts, frames)
        neighbours = array.unfold(0, frames, 1).movedim(-1, 1)
        windows = neighbours.index_select(0, torch.where(whole, firsts + starts, 0))
        others = (~whole).nonzero().flatten()
        return windows.index_copy_(0, others, self._pick(array, videos[others], starts[others], frames))

    def _pick(self, array: Tensor, videos: Tensor, starts: Tensor, frames: int) -> Tensor:
        """Windows (B, T, ...) row by row."""
        positions = starts[:, None] + torch.arange(frames, device=self.device)
        positions = torch.minimum(positions.clamp(min=0), self._lengths[videos, None] - 1)
        rows = self._rows[self._offsets[videos, None] + positions]
        return array.index_select(0, rows.flatten()).unflatten(0, rows.shape)
