"""Image loading that says which file is at fault."""

from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS

from depth_refine.errors import InputError


@TRANSFORMS.register_module()
class LoadReadableImage(LoadImage):
    """:class:`mmpose.datasets.transforms.LoadImage` with one clear message for a missing or damaged file.

    Required and added keys: as in the base class.

    Raises:
        InputError: ``img_path`` is missing or is not an image.
    """

    def transform(self, results: dict) -> dict:
        """Load ``img``."""
        try:
            return super().transform(results)
        except Exception as error:
            raise InputError(
                f'cannot read the image {results["img_path"]}: expected a JPEG or PNG file. Restore it, or remove its '
                'row from the annotation.'
            ) from error
