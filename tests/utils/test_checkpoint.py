import pytest
import torch
from mmengine.config import Config
from torch import nn

from depth_refine.utils.checkpoint import check_checkpoint, resume_latest, start_notes
from depth_refine.utils.errors import InputError


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        (nn.Sequential(nn.Conv1d(3, 5, 1)), r'first 0.bias: the config has \(4,\), the checkpoint \(5,\)'),
        (nn.Sequential(nn.Conv1d(3, 4, 1), nn.Conv1d(4, 4, 1)), r'first 1.bias: the config has none'),
        (nn.Sequential(nn.Conv1d(3, 4, 1, bias=False)), r'1 of 2 parameters differ, first 0.bias: .* checkpoint none'),
    ],
)
def test_refuses_another_architecture(tmp_path, other, message):
    path, model = tmp_path / 'other.pth', nn.Sequential(nn.Conv1d(3, 4, 1))
    torch.save(dict(meta=dict(epoch=1), state_dict=other.state_dict()), path)
    with pytest.raises(InputError, match=rf'other.pth belongs to another model than the config: .*{message}'):
        check_checkpoint(model, path)
    check_checkpoint(other, path)
    (note,) = start_notes(model, path)
    assert note.startswith(f'The training starts from the weights of load_from that fit: {path} belongs to another')
    assert start_notes(other, path) == []


@pytest.mark.parametrize(
    ('files', 'latest'),
    [
        (['epoch_2.pth', 'epoch_10.pth', 'epoch_9.pth', 'best_h36m_MPJPE_mm_epoch_12.pth'], 'epoch_10.pth'),
        (['iter_500.pth', 'iter_1000.pth', '.epoch_2.pth.partial'], 'iter_1000.pth'),
        (['best_h36m_MPJPE_mm_epoch_12.pth', 'epoch_last.pth', 'last_checkpoint'], None),
    ],
)
def test_the_latest_is_resumed(tmp_path, files, latest):
    for name in files:
        (tmp_path / name).touch()
    cfg = Config(dict(work_dir=str(tmp_path), load_from='start.pth', resume=True))
    resume_latest(cfg)
    assert (cfg.resume, cfg.load_from) == ((True, str(tmp_path / latest)) if latest else (False, 'start.pth'))


def test_two_trainings_in_one_folder(tmp_path):
    """Whether 30 epochs or 500 iterations went further, numbers do not say."""
    for name in ('epoch_30.pth', 'iter_500.pth'):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r'such as epoch_30.pth, and of iterations, .* as --resume PATH'):
        resume_latest(Config(dict(work_dir=str(tmp_path))))
