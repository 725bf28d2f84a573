"""Person detectors of MMDetection and torchvision as sources of boxes; the libraries are imported when used."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from depth_refine.utils.checkpoint import check_checkpoint
from depth_refine.utils.config import load_config
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import usable_device

from ..sources.video_source import Frame
from .person_boxes import Boxes

_SCORE = 0.5


class MMDetPersonDetector:
    """People found by a detector of MMDetection.

    Args:
        config: its config file.
        checkpoint: its checkpoint.
        device: where to run.

    Raises:
        InputError: MMCV's compiled operators are not installed, a file is missing, the detector has no class 'person',
            or the device does not exist.
    """

    def __init__(self, config: str, checkpoint: str, device: str) -> None:
        device = usable_device(device)
        if find_spec('mmcv._ext') is None:
            raise InputError(
                "MMDetection's detectors need a full mmcv, and mmcv-lite has no compiled operators. Replace it by an "
                'mmcv 2.1 built for this PyTorch, or find people with torchvision, or give boxes in a file.'
            )
        from mmdet.apis import inference_detector, init_detector

        self._model = init_detector(load_config(config, {}), checkpoint, device=device)
        self._infer = inference_detector
        classes = self._model.dataset_meta.get('classes', ())
        if 'person' not in classes:
            raise InputError(f"{config}: expected a detector with the class 'person', got {classes}")
        self._person = classes.index('person')

    def __call__(self, frame: Frame) -> Boxes:
        """The people in a frame."""
        found = self._infer(self._model, frame.image).pred_instances.cpu().numpy()
        return Boxes(found.bboxes[(found.labels == self._person) & (found.scores > _SCORE)].astype(np.float32))


class TorchvisionPersonDetector:
    """People found by a detector of torchvision, with COCO weights from a file.

    Args:
        weights: a file of torchvision's, under its published name, which begins with that of the detector, such as
            ``fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth``. Nothing is downloaded.
        device: where to run.

    Raises:
        InputError: the file is missing, its name does not begin with a detector's, the weights are not that detector's,
            or the device does not exist.
    """

    def __init__(self, weights: str | Path, device: str) -> None:
        from torchvision.models import detection, get_model, list_models

        self._device = usable_device(device)
        known = list_models(module=detection)
        names = [name for name in known if Path(weights).name.startswith(name)]
        if not names:
            raise InputError(
                f'{weights}: expected the name of a detector at the beginning of the file name, as torchvision '
                f'publishes weights, one of {", ".join(known)}'
            )
        self._model = get_model(max(names, key=len), weights=None, weights_backbone=None)
        check_checkpoint(self._model, weights)
        self._model.load_state_dict(torch.load(weights, map_location='cpu', weights_only=True))
        self._model.to(self._device).eval()

    def __call__(self, frame: Frame) -> Boxes:
        """The people in a frame."""
        rgb = torch.from_numpy(frame.image[..., ::-1].copy()).permute(2, 0, 1).to(self._device) / 255
        with torch.inference_mode():
            (found,) = self._model([rgb])
        is_person = (found['labels'] == 1) & (found['scores'] > _SCORE)  # as in COCO; 0 is torchvision's background
        return Boxes(found['boxes'][is_person].cpu().numpy())
