"""Checks of pixels against the frames' size: are they of another video, another resolution, or not upright?"""

from dataclasses import replace

import numpy as np

from depth_refine.data_tools.conversion.video_predictions import Predictions
from depth_refine.utils.errors import InputError

COVERED = 0.9  # share of a video's frames; people seen in fewer may be of another video
_OUTSIDE = 0.1, 0.5  # shares of points outside the frame from which there is a note, and an error
_SMALLER = 1 / 3, 1 / 2, 2 / 3, 3 / 4  # common factors by which videos are scaled
_EDGE = 0.1  # of a smaller frame: pixels that come so near to each of its edges may be of that frame
_SAME_SHAPE = 0.01  # tolerance of width / height, since sizes are rounded to whole pixels


def rescaled(predictions: Predictions, size: tuple[int, int], shown: tuple[int, int]) -> Predictions:
    """Predictions rescaled from the frames that they were made on to those of the video, with a note.

    Args:
        predictions: of the video, perhaps made on a scaled copy.
        size: width and height, px, of the upright frames of that copy.
        shown: width and height, px, of the upright frames of the video.

    Raises:
        InputError: the aspect ratios differ.
    """
    if tuple(size) == tuple(shown):
        return predictions
    scale, names = np.divide(shown, size), [f'{width} x {height} px' for width, height in (size, shown)]
    if abs(scale[0] / scale[1] - 1) > _SAME_SHAPE:
        raise InputError(
            f'{predictions.name}: they are said to be of frames of {names[0]} (--size), and the video has {names[1]}, '
            'another aspect ratio. Give the video that they were made on, or their pixels in its upright frames.'
        )
    note = f'The predictions are of frames of {names[0]} and were rescaled to those of the video, {names[1]}.'
    return replace(predictions, keypoints=predictions.keypoints * scale, notes=[*predictions.notes, note])


def check_places(name: str, what: str, points: np.ndarray, reach: np.ndarray, size: tuple[int, int]) -> list[str]:
    """A note if points are hardly those of frames of this size.

    Args:
        name: of the file, for messages.
        what: the points are, in the plural, for messages.
        points: (n, 2) px, which lie inside the frame if they belong to it.
        reach: (m, 2) px, all points of the people, whose extent is compared with the frame.
        size: width and height of the frames, px.

    Returns:
        No sentence, or one if something may be wrong.

    Raises:
        InputError: more than half of the points lie outside.
    """
    outside, exchanged = (
        np.mean(((points < 0) | (points > sides)).any(axis=-1)) for sides in (size, tuple(size)[::-1])
    )
    low, high = reach.min(axis=0), reach.max(axis=0)
    x1, y1, x2, y2 = np.round([*low, *high]) + 0.0  # which is never -0
    where = f'from ({x1:.0f}, {y1:.0f}) to ({x2:.0f}, {y2:.0f}) of {size[0]} x {size[1]} px'
    fit = f' They fit frames of {size[1]} x {size[0]} px: are width and height exchanged?' if exchanged == 0 else ''
    if outside > _OUTSIDE[1]:
        raise InputError(
            f'{name}: {100 * outside:.0f} % of the {what} lie outside the frame: they reach {where}. Expected '
            f'pixels of its upright frames; were they found on another video, or at another size?{fit}'
        )
    if outside > (_OUTSIDE[0] if exchanged else 0):
        return [
            f'{100 * outside:.0f} % of the {what} lie outside the frame: they reach {where}. Were they found at '
            f'another size, or on frames that were not upright?{fit}'
        ]
    for share in _SMALLER:
        smaller = share * np.array(size)
        # one edge tells nothing: people who stand in a part of the frame also end somewhere
        if (high <= smaller).all() and (np.abs([low, smaller - high]) < _EDGE * smaller).all():
            return [
                f'{what.capitalize()} fill frames of {smaller[0]:.0f} x {smaller[1]:.0f} px: they reach {where}. Were '
                'they found at that size? Then scale them; if people only were in that part, all is well.'
            ]
    return []
