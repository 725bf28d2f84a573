"""The checkpoint to resume from, and checks of a checkpoint against the model that is to load it."""

from pathlib import Path

from mmengine.config import Config
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_state_dict
from torch import nn

from depth_refine.utils.errors import InputError

_MEANING = ('causal', 'normalisation', 'depth_range', 'root_index')  # metainfo that defines inputs and outputs


def dataset_meta(path: str | Path) -> dict:
    """The training data set's metainfo in a checkpoint; empty if there is none."""
    checkpoint = CheckpointLoader.load_checkpoint(str(path), map_location='cpu', logger='silent')
    meta = checkpoint.get('meta')
    kept = meta.get('dataset_meta') if isinstance(meta, dict) else None
    return kept if isinstance(kept, dict) else {}


def check_checkpoint(model: nn.Module, path: str | Path) -> None:
    """Refuse a checkpoint of another architecture.

    mmengine loads what fits and only warns of the rest, so a wrong checkpoint would give meaningless numbers.

    Args:
        model: the model built from the config, in its distributed wrapper or not.
        path: the checkpoint.

    Raises:
        InputError: the file is not a checkpoint, its parameters do not fit the model's, or it was trained on other
            inputs than the model's codec makes.
    """
    checkpoint = CheckpointLoader.load_checkpoint(str(path), map_location='cpu', logger='silent')
    state = checkpoint.get('state_dict', checkpoint)
    found = {name: tuple(value.shape) for name, value in state.items() if hasattr(value, 'shape')}
    expected = {name: tuple(value.shape) for name, value in get_state_dict(model).items()}
    if found == expected:
        _check_training(model, path)
        return
    names = found.keys() | expected.keys()
    differing = sorted(name for name in names if found.get(name) != expected.get(name))
    name = differing[0]
    raise InputError(
        f'{path} belongs to another model than the config: {len(differing)} of {len(names)} parameters differ, '
        f'first {name}: the config has {expected.get(name, "none")}, the checkpoint {found.get(name, "none")}. Give '
        'the checkpoint of this config, or the config of this checkpoint.'
    )


def _check_training(model: nn.Module, path: str | Path) -> None:
    """Refuse a checkpoint for other inputs or outputs than the model's, though shapes are the same."""
    parts = [getattr(model, 'module', model)]
    parts += [getattr(parts[0], 'backbone', None), getattr(getattr(parts[0], 'head', None), 'decoder', None)]
    for key, trained in dataset_meta(path).items():
        if key in _MEANING:
            built = next((getattr(part, key) for part in parts if hasattr(part, key)), trained)
            if built not in (trained, [trained]):
                raise InputError(
                    f'{path} was trained with {key}={trained!r}, but the config has {key}={built!r}. Give the '
                    'checkpoint of this config, or the config of this checkpoint.'
                )


def start_notes(model: nn.Module, path: str | Path) -> list[str]:
    """Warnings for a training that starts from weights, which may be of another architecture or for other inputs.

    Raises:
        InputError: the file is not a checkpoint.
    """
    CheckpointLoader.load_checkpoint(str(path), map_location='cpu', logger='silent')
    try:
        check_checkpoint(model, path)
    except InputError as error:
        return [f'The training starts from the weights of load_from that fit: {error}']
    return []


def check_data(metainfo: dict, path: str | Path) -> list[str]:
    """Compare the data set of a test with that of a checkpoint's training.

    Args:
        metainfo: of the test's data set.
        path: the checkpoint.

    Returns:
        Sentences on differences that are allowed.

    Raises:
        InputError: the joints differ.
    """
    trained = dataset_meta(path)
    names, expected = (list(meta.get('keypoint_id2name', {}).values()) for meta in (metainfo, trained))
    if names and expected and names != expected:
        raise InputError(f'{path} was trained with the joints {expected}, but the test data have {names}')
    notes, rates = [], (trained.get('frame_rate'), metainfo.get('frame_rate'))
    if all(rates) and abs(rates[0] / rates[1] - 1) > 0.01:
        notes.append(
            f'The checkpoint was trained at {rates[0]:g} frames a second, and the test data have {rates[1]:g}: a test '
            'does not resample, tools/infer_video.py does.'
        )
    new = [camera for camera in metainfo.get('cameras', ()) if camera not in trained.get('cameras', [camera])]
    if new and trained.get('normalisation') == 'image_width':
        notes.append(
            f'{len(new)} of {len(metainfo["cameras"])} cameras of the test data are not among those of the training: a '
            "test uses their pixels unchanged, tools/infer_video.py projects them into the training's nearest camera. "
            "normalisation='rays' serves any camera."
        )
    return notes


def latest_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint of a training in a folder; None if there is none.

    MMEngine reads its name from a file that an interruption can leave empty.

    Raises:
        InputError: some checkpoints count epochs and some iterations.
    """
    kinds = [list(folder.glob(f'{kind}_[0-9]*.pth')) for kind in ('epoch', 'iter')]
    if all(kinds):
        raise InputError(
            f'{folder} has checkpoints of epochs, such as {kinds[0][0].name}, and of iterations, such as '
            f'{kinds[1][0].name}, of two trainings: give the one to go on from, as --resume PATH'
        )
    checkpoints = kinds[0] + kinds[1]
    return max(checkpoints, key=lambda path: int(path.stem.rpartition('_')[2]), default=None)


def resume_latest(cfg: Config) -> None:
    """Make a config resume from the latest checkpoint in its work directory; without one, it starts as configured.

    MMEngine, if told to resume where there is no checkpoint, starts without the weights of ``load_from``.

    Args:
        cfg: the config, whose ``resume`` and ``load_from`` are set.
    """
    latest = latest_checkpoint(Path(cfg.work_dir))
    cfg.resume = latest is not None
    if cfg.resume:
        cfg.load_from = str(latest)
