"""A camera's intrinsic parameters, and whether they can be those of a video's frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from depth_refine.utils.errors import InputError
from depth_refine.utils.units import focal_length, require_unit

ORDERS = dict(opencv=('k1', 'k2', 'p1', 'p2', 'k3'), h36m=('k1', 'k2', 'k3', 'p1', 'p2'))  # of distortion, by name
_ORDERS_IN_WORDS = 'opencv K1 K2 P1 P2 K3, or h36m K1 K2 K3 P1 P2'

# Principal points of real cameras lie within 2 % of the frame from its middle; numbers of frames of another size, in
# the usual steps of 1.33 and more, put them 12 % away or farther.
OFF_CENTRE = 0.1
_RATHER_OFF_CENTRE = 0.04
_SAME_SHAPE = 0.01  # largest difference of log(width / height)
_SQUARE_PIXELS = np.log(1.25), 0.03  # largest |log(fx / fy)|, and after rescaling from frames of another shape
_MOST_TANGENTIAL = 0.02  # |p1| and |p2| of a lens that is centred at all
_MOST_BEYOND = 0.05  # of the frame: calibrations may fold over in its corners, where they were not measured


@dataclass(frozen=True, eq=False)
class Intrinsics:
    """Intrinsic parameters of a calibrated camera.

    Attributes:
        numbers: fx, fy, cx, cy, px, or the matrix of these, (3, 3).
        distortion: the name of an order and five coefficients: ``'opencv'``, k1, k2, p1, p2, k3, by OpenCV's formula,
            or ``'h36m'``, k1, k2, k3, p1, p2, by Human3.6M's. Empty for a lens without distortion.
        size: width and height of the frames that were calibrated, px; those of the video if it is not given.

    Raises:
        InputError: the numbers do not have this form, or cannot be a lens's.

    Example:
        >>> from depth_refine.structures.intrinsics import Intrinsics
        >>> numbers, source = Intrinsics([1500, 1500, 960, 540], size=(1920, 1080)).for_frames((960, 540))
        >>> numbers.tolist(), source
        ([750.0, 750.0, 480.0, 270.0], 'given for frames of 1920 x 1080 px, and rescaled to 960 x 540 px')
    """

    numbers: ArrayLike
    distortion: Sequence[str | float] = ()
    size: Sequence[int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, 'numbers', _four_numbers(self.numbers))
        object.__setattr__(self, 'distortion', _distortion(self.distortion))
        if self.size is not None:
            size = _array(self.size)
            if size.shape != (2,) or not (size >= 1).all():
                raise InputError(f'expected width and height as size of the intrinsics, px, got {self.size}')
            object.__setattr__(self, 'size', tuple(size.tolist()))

    def lens(self) -> dict:
        """``k`` (3, 1) and ``p`` (2, 1), and ``lens``, unless it is Human3.6M's: see :func:`make_camera`."""
        order, *values = self.distortion or ('h36m', *[0.0] * 5)
        by_name = dict(zip(ORDERS[order], values, strict=True))
        k, p = (np.array([[by_name[name]] for name in names]) for names in (('k1', 'k2', 'k3'), ('p1', 'p2')))
        return dict(k=k, p=p) if order == 'h36m' or not p.any() else dict(k=k, p=p, lens=order)

    def for_frames(self, size: tuple[int, int]) -> tuple[np.ndarray, str]:
        """fx, fy, cx, cy (4,), px, of frames of ``size``, width and height, px, and a sentence on where they come from.

        Raises:
            InputError: the numbers cannot be those of such frames, or of frames of this shape.
        """
        own = size if self.size is None else self.size
        numbers, source = self.numbers * np.tile(np.divide(size, own), 2), 'given'
        if self.size and off_centre(self.numbers[2:], own) > OFF_CENTRE >= off_centre(self.numbers[2:], own[::-1]):
            raise InputError(
                f'the intrinsics are not of frames of {own[0]:g} x {own[1]:g} px, but of {own[1]:g} x {own[0]:g} px, '
                'by their principal point: width and height of that size are exchanged'
            )
        self._require_shape(numbers, size, own)
        require_unit('the larger of fx and fy of the intrinsics', numbers[:2], focal_length(max(size)))
        off = off_centre(numbers[2:], size)
        where = f'the principal point of the intrinsics, {numbers[2]:.6g} {numbers[3]:.6g} px, '
        if off > OFF_CENTRE and (self.size is None or tuple(own) != tuple(size)):
            raise InputError(self._off_centre(own, size))
        if off >= 0.5:
            raise InputError(
                f'{where}lies outside the frames of {size[0]} x {size[1]} px. Is {own[0]:g} x {own[1]:g} px the size '
                'of the frames that were calibrated?'
            )
        if tuple(own) != tuple(size):
            source = f'given for frames of {own[0]:g} x {own[1]:g} px, and rescaled to {size[0]} x {size[1]} px'
        if off > _RATHER_OFF_CENTRE:
            source += (
                f'; {where}is {100 * off:.0f} % of the frame from its middle, as if it were cut out of a larger one'
            )
        if self.distortion and (fault := lens_fault(numbers[:2], numbers[2:], **self.lens(), size=size)):
            raise InputError(f'the distortion of the intrinsics {fault}')
        return numbers, source

    def _off_centre(self, own: Sequence[float], size: tuple[int, int]) -> str:
        """Message on a principal point far from the middle of the calibrated frames, with its likely cause."""
        (width, height), centre = own, self.numbers[2:]
        message = f'the principal point of the intrinsics, {centre[0]:.6g} {centre[1]:.6g} px, is far from the middle '
        message += f'of the frames, {width / 2:g} {height / 2:g} px'
        if np.abs(centre).max() <= 1:
            return f'{message}, and looks like shares of their size: give it in pixels'
        if off_centre(centre, (height, width)) <= OFF_CENTRE:
            return f'{message}: they are of frames of {height} x {width} px. {self._turned((height, width))}'
        if (centre >= 1).all():
            calibrated = 2 * centre
            message += f', as if they were of frames of about {calibrated[0]:.0f} x {calibrated[1]:.0f} px'
        return (
            f'{message}. Give the size of the frames that were calibrated ({_size_option("W", "H")}), and they are '
            'rescaled. If the video is cut out of larger frames, and they are right, that size is '
            f'{size[0]} {size[1]}'
        )

    def _require_shape(self, numbers: np.ndarray, size: tuple[int, int], own: tuple[float, float]) -> None:
        """Refuse rescaled numbers if their frames had another shape: pixels of upright frames are square."""
        shape, own_shape = (np.log(sides[0] / sides[1]) for sides in (size, own))
        same_shape = abs(shape - own_shape) <= _SAME_SHAPE
        if abs(np.log(numbers[0] / numbers[1])) <= _SQUARE_PIXELS[0 if same_shape else 1]:
            return
        if same_shape:
            raise InputError(
                f'fx and fy of the intrinsics, {self.numbers[0]:g} and {self.numbers[1]:g} px, are not of the square '
                'pixels of upright frames: expected fx, fy, cx and cy, in this order'
            )
        message = f'the intrinsics are of frames of {own[0]:g} x {own[1]:g} px, the video has {size[0]} x {size[1]} px'
        if abs(shape + own_shape) <= _SAME_SHAPE:
            raise InputError(f'{message}: {self._turned(own)}')
        raise InputError(
            f'{message}, which is another shape, so it shows a part of them, and which part is not known. Subtract the '
            'place of its top left corner from cx and cy, rescale all four to the video, and give its size with them: '
            f'{_size_option(*size)}'
        )

    def _turned(self, own: tuple[float, float]) -> str:
        """Message with the numbers for frames that were rotated, either way."""
        (fx, fy, cx, cy), (width, height) = self.numbers, own
        p1, p2 = self.lens()['p'].ravel()
        clockwise, other = (f'{fy:.6g} {fx:.6g} {x:.6g} {y:.6g}' for x, y in ((height - cy, cx), (cy, width - cx)))
        if p1 or p2:
            clockwise += f' with P1 {p2:.6g} and P2 {0 - p1:.6g}'  # -p1 may be printed as -0
            other += f' with P1 {0 - p2:.6g} and P2 {p1:.6g}'
        either = clockwise if clockwise == other else f'{clockwise} if they were turned clockwise, otherwise {other}'
        option = _size_option(f'{height:g}', f'{width:g}')
        return f"Give those of the video's upright frames with {option}. They are {either}"


def _size_option(width: object, height: object) -> str:
    return f'--intrinsics-size {width} {height}, in Python size=({width}, {height})'


def off_centre(centre: ArrayLike, size: Sequence[float]) -> float:
    """How far a principal point, px, is from the middle of frames, in shares of their width or height."""
    return float(np.abs(np.ravel(centre) / size - 0.5).max())


def lens_fault(f: np.ndarray, c: np.ndarray, k: np.ndarray, p: np.ndarray, size: Sequence[float], **_) -> str | None:
    """Text on why lens distortion cannot be that of frames of ``size``; None if it can.

    Args:
        f: fx and fy, px.
        c: the principal point, px.
        k: three radial coefficients.
        p: two tangential ones.
        size: width and height, px.
    """
    if (largest := np.abs(p).max()) > _MOST_TANGENTIAL:
        return (
            f'has {largest:.3g} as P1 or P2, which are at most {_MOST_TANGENTIAL:g} of real lenses. Are the '
            f'coefficients in the order of their name ({_ORDERS_IN_WORDS}), and not those of a fisheye model?'
        )
    k1, k2, k3 = np.ravel(k)
    folds = np.roots([7 * k3, 5 * k2, 3 * k1, 1.0])  # squared radii at which the distorted radius stops growing
    folds = folds[np.isreal(folds) & (folds.real > 0)].real
    if not len(folds):
        return None
    square = folds.min()
    seen = np.sqrt(square) * (1 + square * (k1 + square * (k2 + square * k3)))
    x, y = (np.linspace(0, side, 65) for side in size)
    radius = np.hypot((x[:, None] - np.ravel(c)[0]) / np.ravel(f)[0], (y - np.ravel(c)[1]) / np.ravel(f)[1])
    if (beyond := np.mean(radius > seen)) <= _MOST_BEYOND:
        return None
    return (
        f'folds over {seen * np.mean(f):.0f} px from the principal point, so that {100 * beyond:.0f} % of the frame '
        f'show nothing. Are the coefficients in the order of their name ({_ORDERS_IN_WORDS}), and not those of a '
        'fisheye model?'
    )


def _array(values: ArrayLike) -> np.ndarray:
    try:
        array = np.asarray(values, float)
    except (TypeError, ValueError):  # texts, or nested lists of different lengths
        return np.array(np.nan)
    return array if np.isfinite(array).all() else np.array(np.nan)


def _four_numbers(given: ArrayLike) -> np.ndarray:
    array = _array(given)
    if array.shape == (3, 3):
        if not np.allclose(array[[0, 1, 2, 2], [1, 0, 0, 1]], 0) or not np.isclose(array[2, 2], 1):
            raise InputError(
                'expected [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] as matrix of the intrinsics, without skew and not '
                f'transposed, got {array.tolist()}'
            )
        array = array[[0, 1, 0, 1], [0, 1, 2, 2]]
    if array.shape == (4,) and (array[:2] > 0).all():
        return array
    more = f'. Distortion is apart: --distortion (in Python distortion=) {_ORDERS_IN_WORDS}' if array.size > 4 else ''
    raise InputError(
        'expected the intrinsics fx, fy, cx and cy in px, fx and fy above 0, or the matrix of these, got '
        f'{given if array.size == 1 else array.tolist()}{more}'
    )


def _distortion(given: Sequence[str | float]) -> tuple:
    if not len(given):
        return ()
    order, *values = given
    values = _array(values)
    if str(order) not in ORDERS or values.shape != (5,):
        raise InputError(
            f'expected the distortion as the name of an order and five numbers, {_ORDERS_IN_WORDS}, got '
            f'{" ".join(map(str, given))}. Calibrate without rational and fisheye models, which have others'
        )
    return str(order), *values.tolist()
