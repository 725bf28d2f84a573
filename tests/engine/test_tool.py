import argparse

import pytest
import torch

from depth_refine.engine import tool
from depth_refine.errors import InputError


class FailsInItsWorker(torch.utils.data.Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise InputError('cannot read the image a.jpg: expected a JPEG')


def wrapped():
    try:
        raise InputError('no annotation file a.npz')
    except InputError as error:  # as mmengine's registry does
        raise InputError(f'class `X` in y.py: {error}')  # noqa: B904


@pytest.mark.parametrize(
    ('main', 'message'),
    [
        (wrapped, 'error: no annotation file a.npz'),
        (
            lambda: list(torch.utils.data.DataLoader(FailsInItsWorker(), num_workers=1)),
            'error: cannot read the image a.jpg: expected a JPEG',
        ),
    ],
)
def test_bad_input_is_one_message(main, message):
    with pytest.raises(SystemExit) as exit_info:
        tool.run_tool(main)
    assert exit_info.value.code == message


def test_bugs_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        tool.run_tool(lambda: 1 / 0)


@pytest.mark.parametrize(
    ('content', 'message'), [(None, 'no config file .*absent.py'), ('a = (', 'not a usable config')]
)
def test_config_that_cannot_be_used(tmp_path, content, message):
    path = tmp_path / ('absent.py' if content is None else 'config.py')
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        tool.load_config(str(path), {})


def test_work_dir_and_pictures(tmp_path):
    (tmp_path / 'config.py').write_text(
        "default_hooks = dict(visualization=dict(type='X', enable=False))\na = dict(b=1)\n"
    )
    parser = argparse.ArgumentParser()
    tool.add_runner_arguments(parser)
    path = str(tmp_path / 'config.py')
    cfg = tool.load_runner_config(parser.parse_args([path, '--cfg-options', 'a.b=2']))
    assert cfg.work_dir == 'work_dirs/config' and cfg.a.b == 2 and not cfg.default_hooks.visualization.enable
    cfg = tool.load_runner_config(
        parser.parse_args([path, '--show-dir', 'pictures', '--work-dir', 'w', '--interval', '5'])
    )
    hook = cfg.default_hooks.visualization
    assert (cfg.work_dir, hook.enable, hook.out_dir, hook.interval) == ('w', True, 'pictures', 5)
