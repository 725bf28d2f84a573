"""Names of columns, keys and arrays, as people write them, and frame numbers in names of images."""

import re
from functools import lru_cache

# Plain names under which people and frames are numbered; ``idx`` is AlphaPose's, ``imageid`` COCO's
IMAGE = 'imageid'
FRAMES = 'frame', 'frameid', 'framenumber', 'frameindex', 'frameno', IMAGE
IDS = 'trackid', 'idx', 'track', 'personid', 'person', 'objectid', 'id'
_NUMBER_AT_END = re.compile(r'(\d+)\D*?(\.[A-Za-z]\w*)?$')  # .jp2 is no number


@lru_cache
def plain_name(name: str) -> str:
    """A name without what people write differently: case, spaces, ``_`` and ``-`` between words, and the plural."""
    return re.sub(r'[\s_-]+(?!$)', '', name.strip().casefold()).removesuffix('s')


def frame_of(image: object) -> tuple[str, int] | None:
    """What names an image before its frame number, and that: ``clip_000012.jpg``, ``12.0`` or 12; None without one."""
    if isinstance(image, str):
        found = _NUMBER_AT_END.search(image)
        return None if found is None else (image[: found.start(1)], int(found[1]))
    is_number = isinstance(image, int | float) and not isinstance(image, bool)
    return ('', int(image)) if is_number and image >= 0 and image % 1 == 0 else None


def is_nobodys(ids: list, frames: list) -> bool:
    """Whether ids are other ones in every entry, as annotations are counted, although there are several frames."""
    return len(set(ids)) == len(ids) and len(set(frames)) > 2
