"""Skeleton, frame rate and cameras of the data that a network was trained on, from its config and checkpoint."""

from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config
from mmpose.registry import DATASETS

from depth_refine.datasets.depth_dataset import DepthDataset
from depth_refine.datasets.frame_rate import rate_of_folder
from depth_refine.structures.camera import H36M_CAMERA, PHONE_CAMERA
from depth_refine.structures.skeleton import Skeleton, parse_metainfo
from depth_refine.utils.checkpoint import dataset_meta
from depth_refine.utils.config import is_dataset_type
from depth_refine.utils.errors import InputError

_H36M_RATE = 50.0


@dataclass
class TrainingData:
    """Facts on the training data that inference needs.

    Attributes:
        skeleton: the joints of the network.
        frame_rate: of the training sequences, 1 / s.
        cameras: of the training sequences, see :func:`normalised_cameras`; a phone's if a refiner that reads rays names
            none.
        notes: sentences on what is assumed because the checkpoint does not say it.
    """

    skeleton: Skeleton
    frame_rate: float
    cameras: list[dict]
    notes: list[str] = field(default_factory=list)


def training_data(cfg: Config, checkpoint: str | Path) -> TrainingData:
    """The training data of a network, from its checkpoint, where MMEngine keeps their metainfo, and from its config.

    Older checkpoints and those of other projects name neither cameras nor frame rate. Then the rate is that in the name
    of the annotation's folder (``fps10``). Human3.6M's values replace what is still missing, and notes say so.

    Args:
        cfg: the config, whose test data set is one of ours.
        checkpoint: its checkpoint.

    Raises:
        InputError: the test data set is of another kind or has no joints, or the checkpoint has others.
    """
    dataset = cfg.test_dataloader.dataset
    if not is_dataset_type(dataset, DepthDataset):
        raise InputError(
            f'{cfg.filename}: expected a test data set such as H36MDepthSequenceDataset or DepthImageDataset, which '
            f'names the joints, got {dataset.get("type")}'
        )
    cls = DATASETS.get(dataset.type) if isinstance(dataset.type, str) else dataset.type
    skeleton = cls.skeleton_of(dataset.get('metainfo'), dataset.get('root'))
    kept = dataset_meta(checkpoint)
    if 'keypoint_id2name' in kept:
        names = tuple(parse_metainfo(kept)['keypoint_id2name'].values())
        root = kept.get('root_index', skeleton.root)
        if (names, root) != (skeleton.joint_names, skeleton.root):
            raise InputError(
                f'{checkpoint} was trained with the joints {list(names)}, root {root}, but {cfg.filename} names '
                f'{list(skeleton.joint_names)}, root {skeleton.root}: give the config of this checkpoint'
            )
    rate, cameras, notes = kept.get('frame_rate'), kept.get('cameras'), []
    if not rate:
        named = rate_of_folder(Path(dataset.get('ann_file', '')))
        rate = named or _H36M_RATE
        why = (
            "Human3.6M's. If yours is another, write it into the annotation (docs/data_files.md) and train again, or "
            'name the folder of ann_file by it, such as fps25.'
        )
        if named:
            why = "by the folder of the config's ann_file."
        notes.append(
            f'The checkpoint does not say at which frame rate it was trained: {rate:g} a second is assumed, {why}'
        )
    if cameras is None:
        cameras = [H36M_CAMERA]
        notes.append(
            "The checkpoint does not say through which cameras its training data were seen: Human3.6M's are assumed, "
            f'with a focal length of {H36M_CAMERA["f"][0]:g} image widths.'
        )
    elif not cameras and kept.get('normalisation') == 'rays':  # which know no cameras
        cameras = [PHONE_CAMERA]
    elif not cameras:
        notes.append(
            'The cameras of the training have no focal length: pixels are taken as they are, which is right for such '
            "cameras alone. To use others, give 'f' and 'c' in the training's camera file, and train again."
        )
    return TrainingData(skeleton, float(rate), cameras, notes)
