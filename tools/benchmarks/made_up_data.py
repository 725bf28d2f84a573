"""A data root of any size whose people all walk alike, with an annotation and a depth sequence store."""

import pickle
from pathlib import Path

import cv2
import numpy as np

from depth_refine.datasets import H36MAnnotation, H36MImageDataset, write_sequence_store
from depth_refine.datasets.annotation_writer import AnnotatedSequence, write_annotation
from depth_refine.functional.camera import project, world_to_camera
from depth_refine.structures.skeleton import ROOT
from depth_refine.synthetic.official_h36m import ALL_SUBJECTS, make_official_cameras, takes_of
from depth_refine.synthetic.performances import procedural_performances

_USUAL_LENGTH, _CYCLE = 2500, 500  # frames
_CAMERAS_FILE = 'annotation_body3d/cameras.pkl'
BYTES_A_FRAME = 1600  # of annotation and store


def write_data_root(root: Path, dataset: dict, frames: int) -> None:
    """Write what a training data set needs.

    Poses are shared by all videos of a camera, so that writing takes little memory at any size.

    Args:
        root: the folder.
        dataset: config of a data set with a ``depth_store``; tells where things lie.
        frames: of all videos together, which are about as long as Human3.6M's.
    """
    cameras = make_official_cameras()
    names = [
        (subject, camera, f'{subject}_{take.replace(" ", "_")}.{camera}')
        for subject in ALL_SUBJECTS
        for take in takes_of(subject)
        for who, camera in cameras
        if who == subject
    ]
    names = names[: max(frames // _USUAL_LENGTH, 1)]
    lengths = np.diff(np.linspace(0, frames, len(names) + 1).astype(int)).tolist()
    walk = procedural_performances(['S1'], ['Walking'], min(frames, _CYCLE), seed=0)[0].joints
    walk = walk[np.arange(max(lengths)) % len(walk)]
    poses: dict = {}
    for subject, camera, _ in names:
        if camera not in poses:
            joints = world_to_camera(walk, cameras[subject, camera])
            poses[camera] = (project(joints, cameras[subject, camera]), joints)
    sequences = [
        AnnotatedSequence(name, np.arange(1, length + 1), *(array[:length] for array in poses[camera]))
        for (_, camera, name), length in zip(names, lengths, strict=True)
    ]
    write_annotation(root / dataset['ann_file'], sequences)
    (root / _CAMERAS_FILE).write_bytes(pickle.dumps(cameras))

    annotation = H36MAnnotation(root / dataset['ann_file'], root / _CAMERAS_FILE)
    store = root / dataset['depth_store']
    with write_sequence_store(store, annotation, dataset['bbox_policy'], meta={}) as writer:
        for index, sequence in enumerate(annotation.sequences):
            pixels, joints = (array[: lengths[index]] for array in poses[sequence.camera])
            depth = joints[..., 2:] - joints[:, ROOT, None, 2:]
            writer.write(sequence.rows, np.concatenate([pixels, depth], axis=-1), np.ones(pixels.shape[:2]))


def write_images(dataset: H36MImageDataset) -> None:
    """Write an image for each of a data set's frames: a file for each video, under the names of all its frames."""
    annotation = dataset.annotation
    for sequence, camera in zip(annotation.sequences, annotation.cameras, strict=True):
        first, *others = (Path(dataset.image_path(row)) for row in sequence.rows)
        first.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(first), _clouds(camera['w'], camera['h']))
        for other in others:
            other.hardlink_to(first)


def _clouds(width: int, height: int) -> np.ndarray:
    """An image (H, W, 3) that is as much work to decode as a photograph: large structures, small ones and noise."""
    rng = np.random.default_rng(0)
    scales = ((8, 60), (40, 20), (200, 6), (max(width, height), 2))  # bins and their standard deviation
    layers = [cv2.resize(rng.normal(0, std, (bins, bins, 3)), (width, height)) for bins, std in scales]
    return np.clip(128 + sum(layers), 0, 255).astype(np.uint8)
