"""Names of columns, keys and arrays in other programs' files, and frame numbers in image names."""

import re
from functools import lru_cache

# Plain names of frame numbers and track ids; ``idx`` is AlphaPose's, ``imageid`` COCO's
IMAGE = 'imageid'
FRAMES = 'frame', 'frameid', 'framenumber', 'frameindex', 'frameno', IMAGE
IDS = 'trackid', 'idx', 'track', 'personid', 'person', 'objectid', 'id'
_NUMBER_AT_END = re.compile(r'(\d+)\D*?(\.[A-Za-z]\w*)?$')  # ignores the 2 of .jp2


@lru_cache
def plain_name(name: str) -> str:
    """A name without case, spaces, ``_`` and ``-`` between words, and the plural, which files write differently.

    Example:
        >>> from depth_refine.data_tools.conversion.field_names import plain_name
        >>> plain_name('Track_IDs'), plain_name('track id')
        ('trackid', 'trackid')
    """
    return re.sub(r'[\s_-]+(?!$)', '', name.strip().casefold()).removesuffix('s')


def frame_of(image: object) -> tuple[str, int] | None:
    """The beginning and the frame number of an image's name or number; None if it has no number.

    Example:
        >>> from depth_refine.data_tools.conversion.field_names import frame_of
        >>> frame_of('clip_000012.jpg'), frame_of(12)
        (('clip_', 12), ('', 12))
    """
    if isinstance(image, str):
        found = _NUMBER_AT_END.search(image)
        return None if found is None else (image[: found.start(1)], int(found[1]))
    is_number = isinstance(image, int | float) and not isinstance(image, bool)
    return ('', int(image)) if is_number and image >= 0 and image % 1 == 0 else None


def is_nobodys(ids: list, frames: list) -> bool:
    """Whether ids differ in all entries of three frames or more, so that they number annotations, not people."""
    return len(set(ids)) == len(ids) and len(set(frames)) > 2
