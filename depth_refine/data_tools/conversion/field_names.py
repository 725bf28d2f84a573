"""Names of columns, keys and arrays, as people write them, and frame numbers in names of images."""

import re

_NUMBER_AT_END = re.compile(r'(\d+)\D*?(\.[A-Za-z]\w*)?$')  # .jp2 is no number


def plain_name(name: str) -> str:
    """A name without what people write differently: case, spaces, ``_``, ``-`` and the plural."""
    return re.sub(r'[\W_]', '', name.casefold()).removesuffix('s')


def frame_number(image: object) -> int | None:
    """The frame number that names an image, or is in the end of its name, such as ``clip_000012.jpg``; None without."""
    if isinstance(image, str):
        found = _NUMBER_AT_END.search(image)
        return None if found is None else int(found[1])
    is_number = isinstance(image, int | float) and not isinstance(image, bool)
    return int(image) if is_number and image >= 0 and image == image // 1 else None
