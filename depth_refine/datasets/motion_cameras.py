"""Random cameras around moving people, for many windows at once."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

_FRAME = 1000.0  # px, width and height of all frames; rays do not depend on it
_NEAREST = 0.5  # metres from the camera along its axis to the nearest joint


class RandomCameras:
    """Static random cameras, one for each window, that see every joint in all of its frames.

    The place of the person in the frame is drawn for the window's middle. Where the person would leave the frame, or
    come nearer than half a metre, the camera is moved back as far as needed.

    Angles are in degrees. All numbers are drawn independently; normal distributions are given by mean and standard
    deviation.

    Args:
        yaw: directions of the optical axis in the horizontal plane, of which one is drawn; any if None.
        pitch: how far it points below the horizon, normal, at most 80 either way.
        roll: standard deviation of the rotation about the optical axis.
        tilted: share of cameras that are held askew, and the standard deviation of their roll.
        distance: range of the person's distance along the optical axis, metres, uniform in its logarithm.
        off_axis: the person's largest distance from the frame's middle, in each direction, as a share of half the
            frame; uniform.
        focal: range of the focal length, in sides of the square frame, uniform in its logarithm.

    Raises:
        InputError: a number is out of its range.

    Example:
        >>> import torch
        >>> from depth_refine.datasets.motion_cameras import RandomCameras
        >>> windows = torch.rand(4, 27, 17, 3)  # B windows of T frames, world metres
        >>> joints, camera = RandomCameras(distance=(3.0, 6.0))(windows, root=0)
        >>> joints.shape, camera['f'].shape, bool((joints[..., 2] > 0).all())
        (torch.Size([4, 27, 17, 3]), torch.Size([4, 2]), True)
    """

    def __init__(
        self,
        yaw: Sequence[float] | None = None,
        pitch: tuple[float, float] = (8.0, 12.0),
        roll: float = 4.0,
        tilted: tuple[float, float] = (0.2, 30.0),
        distance: tuple[float, float] = (2.0, 8.0),
        off_axis: float = 0.5,
        focal: tuple[float, float] = (0.7, 2.0),
    ) -> None:
        for name, values, low, high in (
            ('yaw', yaw or (), -360, 360),
            ('pitch', pitch, -90, 90),
            ('roll', (roll, tilted[1]), 0, 180),
            ('tilted', tilted[:1], 0, 1),
            ('distance', distance, _NEAREST, 100),
            ('off_axis', (off_axis,), 0, 0.9),
            ('focal', focal, 0.3, 10),
        ):
            for value in values:
                require_number(f'{name} of RandomCameras', value, low, high)
        for name, (low, high) in (('distance', distance), ('focal', focal)):
            if low > high:
                raise InputError(f'{name} of RandomCameras: expected a range, low before high, got {(low, high)}')
        self.yaw, self.pitch, self.roll, self.tilted = yaw, pitch, roll, tilted
        self.distance, self.off_axis, self.focal = distance, off_axis, focal

    def __call__(self, joints: Tensor, root: int, generator: Generator | None = None) -> tuple[Tensor, dict]:
        """Draw a camera for each of B windows.

        Args:
            joints: (B, T, K, 3) world metres, z up.
            root: the joint whose place in the frame, at the window's middle, is drawn.
            generator: source of random numbers; PyTorch's own if None.

        Returns:
            (B, T, K, 3) camera-frame metres, and the cameras: ``f`` and ``c`` (B, 2), ``w`` and ``h`` (B,), px.
        """
        count, like = len(joints), dict(dtype=joints.dtype, device=joints.device)

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(count, *shape, generator=generator, **like)

        middle = joints[:, joints.shape[1] // 2, None, None, root]
        relative = (joints - middle) @ self._rotations(count, like, generator)[:, None]
        focal = uniform(*map(math.log, self.focal)).exp()
        edge = (0.5 / focal)[:, None]  # of the frame, x / z
        aim = edge * uniform(-self.off_axis, self.off_axis, 2)
        distance = uniform(*map(math.log, self.distance)).exp()
        # |x + aim d| <= edge (z + d) for each joint at (x, z) from the person's place
        x, z = relative[..., :2].flatten(1, 2), relative[..., 2:].flatten(1, 2)
        sides = [((sign * x - edge[:, None] * z).amax(1) / (edge - sign * aim)).amax(-1) for sign in (1, -1)]
        nearest = _NEAREST - z.amin((1, 2))
        distance = torch.stack([distance, nearest, *sides]).amax(0)
        place = torch.cat([aim, torch.ones_like(edge)], dim=-1) * distance[:, None]
        size = torch.full((count,), _FRAME, **like)
        camera = dict(w=size, h=size, f=(focal * _FRAME)[:, None].expand(-1, 2), c=(size / 2)[:, None].expand(-1, 2))
        return relative + place[:, None, None], camera

    def _rotations(self, count: int, like: dict, generator: Generator | None) -> Tensor:
        """(B, 3, 3): columns are the cameras' right, down and forward in the world."""
        draw, normal = (lambda f: lambda: f(count, generator=generator, **like)), torch.randn
        rand, randn = draw(torch.rand), draw(normal)
        if self.yaw is None:
            yaw = 360 * rand()
        else:
            yaw = torch.tensor(self.yaw, **like)[(rand() * len(self.yaw)).long().clamp(max=len(self.yaw) - 1)]
        pitch = (self.pitch[0] + self.pitch[1] * randn()).clamp(-80, 80)
        part, spread = self.tilted
        roll = randn() * torch.where(rand() < part, spread, self.roll)
        (sy, cy), (sp, cp), (sr, cr) = ((a.deg2rad().sin(), a.deg2rad().cos()) for a in (yaw, pitch, roll))
        forward = torch.stack([cp * cy, cp * sy, -sp], dim=-1)
        right = torch.stack([sy, -cy, torch.zeros_like(sy)], dim=-1)
        down = torch.linalg.cross(forward, right)
        turned = cr[:, None] * right + sr[:, None] * down, cr[:, None] * down - sr[:, None] * right
        return torch.stack([*turned, forward], dim=-1)
