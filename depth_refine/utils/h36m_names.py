"""Image names of Human3.6M."""

import re
from typing import NamedTuple

# S1_Directions_1.54138969_000001.jpg, S5_SittingDown.54138969_000001.jpg
_IMAGE_NAME = re.compile(r'(?P<sequence>(?P<subject>[^_/]+)_[^/]+\.(?P<camera>[^._/]+))_(?P<frame>\d+)\.\w+')
_TAKE_NUMBER = re.compile(r'[ _]\d+$')
_SPELLINGS = dict(TakingPhoto='Photo', WalkingDog='WalkDog')  # Human3.6M's files use both


class ImageName(NamedTuple):
    """The parts of an image's name."""

    sequence: str  # S1_Directions_1.54138969
    subject: str  # S1
    action: str  # Directions, without the take number
    camera: str  # 54138969
    frame: int  # from 1


def action_of(sequence: str) -> str:
    """'S1_Directions_1.54138969' to 'Directions', one of Human3.6M's 15 actions whichever way it is spelt."""
    action = _TAKE_NUMBER.sub('', sequence.rsplit('.', 1)[0].split('_', 1)[1])
    return _SPELLINGS.get(action, action)


def image_name(sequence: str, frame: int) -> str:
    """Path of a frame below the image folder, from 'S1_Directions_1.54138969' and its number, from 1."""
    subject = sequence.split('_', 1)[0]
    return f'{subject}/{sequence}/{sequence}_{frame:06d}.jpg'


def parse_image_name(path: str) -> ImageName:
    """Parse the last part of an image path such as ``S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg``.

    Raises:
        ValueError: the name is not of that form.
    """
    match = _IMAGE_NAME.fullmatch(path.rsplit('/', 1)[-1])
    if match is None:
        raise ValueError(f'the image name {path!r} is not of the form S1_Directions_1.54138969_000001.jpg')
    return ImageName(
        match['sequence'], match['subject'], action_of(match['sequence']), match['camera'], int(match['frame'])
    )
