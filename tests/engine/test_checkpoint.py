import pytest
import torch
from torch import nn

from depth_refine.engine import check_checkpoint
from depth_refine.errors import InputError


def save(model, path):
    torch.save(dict(meta=dict(epoch=1), state_dict=model.state_dict()), path)
    return path


def test_accepts_its_own(tmp_path):
    model = nn.Sequential(nn.Conv1d(3, 4, 1), nn.BatchNorm1d(4))
    check_checkpoint(model, save(model, tmp_path / 'a.pth'))


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        (nn.Sequential(nn.Conv1d(3, 5, 1)), r'first 0.bias: the config has \(4,\), the checkpoint \(5,\)'),
        (nn.Sequential(nn.Conv1d(3, 4, 1), nn.Conv1d(4, 4, 1)), r'first 1.bias: the config has none'),
        (nn.Sequential(nn.Conv1d(3, 4, 1, bias=False)), r'1 of 2 parameters differ, first 0.bias: .* checkpoint none'),
    ],
)
def test_refuses_another_architecture(tmp_path, other, message):
    path = save(other, tmp_path / 'other.pth')
    with pytest.raises(InputError, match=rf'other.pth belongs to another model than the config: .*{message}'):
        check_checkpoint(nn.Sequential(nn.Conv1d(3, 4, 1)), path)
