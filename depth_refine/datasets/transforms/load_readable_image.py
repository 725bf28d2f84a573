"""Image loading with clear errors, which puts stored crops back into their frames."""

import cv2
import numpy as np
from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS

from depth_refine.utils.errors import InputError

_SPARE = 0.01  # tolerance, of the frame's longer side


@TRANSFORMS.register_module()
class LoadReadableImage(LoadImage):
    """:class:`mmpose.datasets.transforms.LoadImage` with one clear message for a missing or damaged file.

    An image file that shows only a part of a frame is put back: resized to the part's size and pasted into a black
    frame, so that everything after stays in pixels of the full frame.

    Required keys: as in the base class; for a part of a frame also ``crop_window`` (4,) x1 y1 x2 y2 px, whole numbers,
    the columns x1 to x2 - 1 and rows y1 to y2 - 1 that the file shows, and ``frame_size`` (w, h) px.

    Added keys: as in the base class.

    Raises:
        InputError: ``img_path`` is missing, is not an image, or has another size than ``camera_param`` says.

    Example:
        >>> import tempfile
        >>> import cv2
        >>> import numpy as np
        >>> from depth_refine.datasets.transforms import LoadReadableImage
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = cv2.imwrite(f'{folder}/crop.png', np.full((20, 10, 3), 255, np.uint8))
        ...     crop = dict(img_path=f'{folder}/crop.png', crop_window=[30, 5, 40, 25], frame_size=(64, 48))
        ...     image = LoadReadableImage()(crop)['img']
        >>> image.shape, image[4:6, 30, 0].tolist()  # a frame that is black around the crop
        ((48, 64, 3), [0, 255])
    """

    def transform(self, results: dict) -> dict:
        """Load ``img``."""
        try:
            results = super().transform(results)
        except Exception as error:
            raise InputError(
                f'cannot read the image {results["img_path"]}: expected a JPEG or PNG file. Restore it, or remove '
                'its entry from the annotation.'
            ) from error
        if 'crop_window' in results:
            results['img'] = _put_back(results['img'], results['crop_window'], results['frame_size'])
            results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        else:
            _check_size(results)
        return results


def _check_size(results: dict) -> None:
    """Refuse a frame of another size than its camera's, but accept a few rows more, as some of Human3.6M's have."""
    camera, (height, width) = results.get('camera_param', {}), results['img_shape']
    if {'w', 'h'} <= camera.keys():
        expected = int(camera['w']), int(camera['h'])
        if max(abs(width - expected[0]), abs(height - expected[1])) > _SPARE * max(expected):
            raise InputError(
                f'{results["img_path"]} has {width} x {height} px, and its camera {expected[0]} x {expected[1]} px, in '
                'which the annotation is: store images of that size, or write annotation and cameras in their pixels'
            )


def _put_back(crop: np.ndarray, window: np.ndarray, frame_size: tuple[int, int]) -> np.ndarray:
    """Paste a crop (h, w, 3) into a black frame of ``frame_size``; what lies outside the frame is lost."""
    x1, y1, x2, y2 = (round(float(edge)) for edge in window)
    width, height = frame_size
    if crop.shape[:2] != (y2 - y1, x2 - x1):
        shrinks = crop.shape[0] > y2 - y1
        crop = cv2.resize(crop, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    frame = np.zeros((height, width, *crop.shape[2:]), crop.dtype)
    inside = crop[max(-y1, 0) : max(height - y1, 0), max(-x1, 0) : max(width - x1, 0)]
    left, top = max(x1, 0), max(y1, 0)
    frame[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return frame
