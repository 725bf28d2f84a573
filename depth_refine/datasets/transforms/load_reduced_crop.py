"""Image loading that decodes no more pixels than the crop needs."""

from pathlib import Path

import cv2
import numpy as np
from mmpose.datasets.transforms import TopdownAffine
from mmpose.registry import TRANSFORMS

from .load_readable_image import LoadReadableImage

_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}


@TRANSFORMS.register_module()
class LoadReducedCrop(TopdownAffine):
    """:class:`LoadReadableImage` and :class:`TopdownAffine` in one, for test pipelines; stands after the box is known.

    A JPEG file is decoded at 1/2, 1/4 or 1/8 of its size, which is faster, if the box then still has as many pixels as
    the network's input; anything else at full size. Coordinates stay exact, in pixels of the full frame: a pixel of
    the reduced image is the mean of a block, whose middle is what the crop is taken about. Pixel values differ, since
    blocks are averaged where :class:`TopdownAffine` alone skips pixels; a network sees crops slightly smoother than
    those of a training with full-size images.

    Required, modified and added keys: as in the two classes, but ``img_shape`` and ``ori_shape`` are the decoded
    image's.

    Args:
        input_size: of the network, (w, h) px.

    Raises:
        InputError: as :class:`LoadReadableImage`.
    """

    def __init__(self, input_size: tuple[int, int]) -> None:
        super().__init__(input_size)
        self.loaders = {1: LoadReadableImage()}
        self.loaders |= {reduction: LoadReadableImage(color_type=flag) for reduction, flag in _REDUCED.items()}

    def transform(self, results: dict) -> dict:
        """Load the image and replace it by the crop."""
        width, height = self.input_size
        results['bbox_scale'] = self._fix_aspect_ratio(results['bbox_scale'], aspect_ratio=width / height)
        reduction = self._reduction(results)
        results = self.loaders[reduction](results)
        full = {key: results[key] for key in ('bbox_center', 'bbox_scale', 'keypoints') if key in results}
        results['bbox_scale'] = full['bbox_scale'] / reduction
        results['bbox_center'] = _reduce(full['bbox_center'], reduction)
        if 'keypoints' in full:
            results['keypoints'] = np.concatenate(
                [_reduce(full['keypoints'][..., :2], reduction), full['keypoints'][..., 2:]], axis=-1
            )
        results = super().transform(results)
        results.update(full, input_center=full['bbox_center'][0], input_scale=full['bbox_scale'][0])
        return results

    def _reduction(self, results: dict) -> int:
        """By how much the image may be reduced."""
        if 'img' in results or 'crop_window' in results:
            return 1
        if Path(results['img_path']).suffix.lower() not in ('.jpg', '.jpeg'):
            return 1
        shrinks_by = np.min(results['bbox_scale'][0] / self.input_size)
        return max((reduction for reduction in _REDUCED if reduction <= shrinks_by), default=1)


def _reduce(pixels: np.ndarray, reduction: int) -> np.ndarray:
    """Pixels of the full image in the reduced one; the centre of a pixel is a whole number in both."""
    return (pixels + 0.5) / reduction - 0.5
