"""COCO and MPII with Human3.6M's joints: the 2D sources of the first stage.

A joint without a counterpart is not guessed but gets no weight, see ``MAPPING`` of each class. COCO's nose, eyes and
ears are points on the face's surface, and no joint of Human3.6M lies midway between COCO's shoulders.
"""

from collections import Counter
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from mmpose.datasets.datasets import CocoDataset, MpiiDataset
from mmpose.datasets.transforms import KeypointConverter
from mmpose.registry import DATASETS

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError
from depth_refine.utils.units import PIXELS, require_unit


class Body2DDataset:
    """Mixin for MMPose's 2D data sets that gives their persons Human3.6M's joints; it precedes them among the bases.

    A sample holds ``id``, ``img_id``, ``img_path``, ``bbox`` (1, 4) x1 y1 x2 y2 px, ``bbox_score`` (1,), ``keypoints``
    (1, 17, 2) px and ``keypoints_visible`` (1, 17), which is 1 where a joint is annotated and Human3.6M has it. The box
    is the source's own, without a margin.

    Persons that cannot be used are left out, and the log says how many: crowds, empty boxes and boxes outside the
    image, and persons without a usable joint inside their box.

    Raises:
        InputError: the annotation file is missing, has another format or numbers that are not finite, or has no usable
            person.
    """

    METAINFO = dict(from_file='configs/_base_/datasets/h36m.py')
    MAPPING: tuple  # (source joint, Human3.6M joint); two source joints stand for their midpoint
    CONTENT: str  # what the annotation file must be

    def load_data_list(self) -> list[dict]:
        """Read the annotation file; one sample for each usable person."""
        if not Path(self.ann_file).is_file():
            raise InputError(
                f'no annotation file {Path(self.ann_file).absolute()}: expected {self.CONTENT}. docs/human36m.md tells '
                'where it belongs; configs/integral_h36m_only.py trains without it.'
            )
        self.dropped = Counter()
        try:
            samples = super().load_data_list()
        except InputError:
            raise
        except Exception as error:  # a file of another format can raise anything
            raise InputError(
                f'{self.ann_file} is not {self.CONTENT} ({error!r}). Check which file it is, or copy it again.'
            ) from error
        dropped = ', '.join(f'{reason} ({count})' for reason, count in self.dropped.items() if count) or 'none'
        if not samples:
            raise InputError(f'{self.ann_file} has no usable person: expected {self.CONTENT}. Left out: {dropped}.')
        print_log(f'{self.ann_file}: {len(samples)} persons; left out: {dropped}', logger='current')
        return samples

    def _get_topdown_data_infos(self, instance_list: list[dict]) -> list[dict]:
        """Convert persons with the source's joints to Human3.6M's, and leave out those that cannot be used."""
        if not instance_list:
            return []
        boxes = np.concatenate([instance['bbox'] for instance in instance_list])
        joints = {
            key: np.concatenate([instance[key] for instance in instance_list])
            for key in ('keypoints', 'keypoints_visible')
        }
        finite = np.isfinite(boxes).all(axis=1) & np.isfinite(joints['keypoints']).all(axis=(1, 2))
        if not finite.all():
            raise InputError(
                f'{self.ann_file}: the box or a joint is not finite in {np.sum(~finite)} of {len(finite)} persons, '
                f'first in person {np.argmin(finite)}, counted from 0. Remove them or copy the file again.'
            )
        require_unit(f'{self.ann_file}: a box', boxes, PIXELS)
        joints = KeypointConverter(H36M.num_joints, self.MAPPING)(joints)
        keypoints = joints['keypoints'].astype(np.float32)
        visible = joints['keypoints_visible'][..., 0] > 0  # the converter appends a weight to it
        inside = ((keypoints >= boxes[:, None, :2]) & (keypoints <= boxes[:, None, 2:])).all(axis=-1)
        unusable = {
            'crowd': np.array([bool(instance.get('iscrowd')) for instance in instance_list]),
            'box empty or outside the image': (boxes[:, 2:] <= boxes[:, :2]).any(axis=1),
            'no usable joint in the box': ~(visible & inside).any(axis=1),
        }
        usable = np.ones(len(boxes), bool)
        for reason, mask in unusable.items():
            self.dropped[reason] += int(np.sum(mask & usable))
            usable &= ~mask
        return [
            dict(
                {key: instance_list[i][key] for key in ('id', 'img_id', 'img_path', 'bbox', 'bbox_score')},
                keypoints=keypoints[i, None],
                keypoints_visible=visible[i, None].astype(np.float32),
            )
            for i in np.flatnonzero(usable)
        ]


@DATASETS.register_module()
class CocoBodyDataset(Body2DDataset, CocoDataset):
    """Persons of COCO keypoints as samples of Human3.6M's 17 joints, see :class:`Body2DDataset`.

    COCO has the limbs; the root is the middle of the hips, as Human3.6M defines it.

    Example:
        In a config:

            train_dataloader = dict(
                dataset=dict(
                    type='CocoBodyDataset',
                    data_root='data/coco/',
                    ann_file='annotations/person_keypoints_train2017.json',
                    data_prefix=dict(img='train2017/'),
                )
            )
    """

    MAPPING = (
        *(((11, 12), 0), (12, 1), (14, 2), (16, 3), (11, 4), (13, 5), (15, 6)),
        *((5, 11), (7, 12), (9, 13), (6, 14), (8, 15), (10, 16)),
    )
    CONTENT = "COCO's person_keypoints_*.json"
    _ANNOTATION_KEYS = ('id', 'image_id', 'category_id', 'bbox', 'keypoints', 'iscrowd')

    def _load_annotations(self) -> tuple[list[dict], list[dict]]:
        """Load as the base class does, and count what that leaves out."""
        instances, images = super()._load_annotations()
        self.dropped['image not listed'] = len(self.coco.dataset['annotations']) - len(instances)
        return instances, images

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Parse as the base class does, without the segmentation, which it would copy."""
        annotation = raw_data_info['raw_ann_info']
        return super().parse_data_info(
            dict(raw_data_info, raw_ann_info={key: annotation[key] for key in self._ANNOTATION_KEYS})
        )


@DATASETS.register_module()
class MpiiBodyDataset(Body2DDataset, MpiiDataset):
    """Persons of MPII as samples of Human3.6M's 17 joints, see :class:`Body2DDataset`.

    MPII has the limbs and the pelvis. Its upper neck and head top lie where Human3.6M has thorax and head (the same
    choice as in Sun et al.'s code). Its thorax has no counterpart.

    Example:
        In a config:

            train_dataloader = dict(
                dataset=dict(
                    type='MpiiBodyDataset',
                    data_root='data/mpii/',
                    ann_file='annotations/mpii_train.json',
                    data_prefix=dict(img='images/'),
                )
            )
    """

    MAPPING = (
        *((6, 0), (2, 1), (1, 2), (0, 3), (3, 4), (4, 5), (5, 6), (8, 8), (9, 10)),
        *((13, 11), (14, 12), (15, 13), (12, 14), (11, 15), (10, 16)),
    )
    CONTENT = 'an mpii_*.json, a list of persons with joints, joints_vis, image, scale and center'

    def _load_annotations(self) -> tuple[list[dict], list[dict]]:
        """Load as the base class does, with joints whose pixels count from 0, as in boxes; the file counts from 1."""
        instances, images = super()._load_annotations()
        for instance in instances:
            instance['keypoints'] -= 1
        return instances, images
