"""What a command of the documentation says to the repository: does every name in it exist, does it fit those before?"""

import argparse
import functools
import re
import runpy
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.machinery import PathFinder
from io import StringIO
from pathlib import Path

from command_line import load_runner_config

import pytest
from documents import ROOT, code

from depth_refine.datasets import DepthImageDataset, DepthSequenceDataset
from depth_refine.utils.config import find_datasets, load_config

OURS = re.compile(r'(?<![\w./-])(?:configs|depth_refine|docs|requirements|tests|tools)/[\w./-]+')
OPTION = re.compile(r'(?<![\w-])--[a-z][\w-]*')
UNSET = {'load_from'}  # MMEngine's settings that configs leave out


class Parsed(Exception):
    """A tool has read its command line; the arguments."""


class Wrong(Exception):
    """What is wrong with a command."""


def expect(condition, message):
    if not condition:
        raise Wrong(message)


@functools.cache
def namespace(tool):
    return runpy.run_path(str(ROOT / f'tools/{tool}.py'))


def parse(tool, arguments):
    """What a tool makes of its command line, or what it prints where it ends instead."""
    parse_args, printed = argparse.ArgumentParser.parse_args, StringIO()

    def parse_and_stop(parser):
        raise Parsed(parse_args(parser))

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(printed):
        patch.setattr(sys, 'argv', [f'{tool}.py', *arguments])
        try:
            if 'parse_args' in namespace(tool):  # with checks of its own
                return namespace(tool)['parse_args']()
            patch.setattr(argparse.ArgumentParser, 'parse_args', parse_and_stop)
            namespace(tool)['main']()
        except Parsed as parsed:
            return parsed.args[0]
        except SystemExit:
            return printed.getvalue()


@functools.cache
def options_of(tool):
    return set(OPTION.findall(parse(tool, ['--help'])))


def split(command):
    """The program, and its arguments: without variables, launchers and comments."""
    words = shlex.split(command, comments=True)
    while re.match(r'\w+=', words[0]):
        del words[0]
    tools = [number for number, word in enumerate(words) if re.fullmatch(r'tools/\w+\.(py|sh)', word)]
    return (words[tools[0]], words[tools[0] + 1 :]) if tools else (words[0], words[1:])


def check(command):
    """Refuse what the repository does not understand; a tool and its arguments, if it is a whole command line."""
    if not re.match(r'(?:\w+=\S* )*(?:\S*python[\d.]*|make|pytest|bash|srun|torchrun|tools/\w+\.\w+)(?: |$)', command):
        return None, None
    program, arguments = split(command)
    for path in OURS.findall(' '.join([program, *arguments])):
        expect((ROOT / path).exists(), f'there is no {path}')
    if program == 'make':
        makefile = (ROOT / 'Makefile').read_text()
        for word in arguments:
            name, is_variable, _ = word.strip('[]').partition('=')
            pattern = rf'\$\({name}\)' if is_variable else rf'^{name}:'
            expect(re.search(pattern, makefile, re.MULTILINE), f'the Makefile has no {name}')
    elif arguments[:1] == ['-m']:
        # looking for pip by find_spec would exchange distutils
        expect(PathFinder.find_spec(arguments[1]), f'there is no module {arguments[1]}')
    if not program.startswith('tools/') or not arguments:
        return None, None
    tool = Path(program).stem
    if tool.startswith('dist_'):
        tool = tool.removeprefix('dist_')
        gpus = arguments.pop(1 if tool == 'train' else 2)
        expect(gpus.isdecimal(), f'expected the number of GPUs, got {gpus}')
    unknown = set(OPTION.findall(' '.join(arguments))) - options_of(tool)  # argparse takes a part of a name, too
    expect(not unknown, f'{tool} has no {" ".join(unknown)}')
    if arguments[-1:] == ['...'] or (program.endswith('.py') and command.startswith('tools/')):
        return None, None  # mentioned
    args = parse(tool, arguments)
    expect(not isinstance(args, str), str(args).rstrip().rpartition('\n')[2])
    return tool, args


def check_files(tool, args, trained, extracted):
    """Refuse settings that a config does not have, and checkpoints and stores under other names than they get.

    Args:
        trained: the last checkpoint, by config and work directory, of the commands before.
        extracted: folders of their stores.
    """
    pairs = [args.stage1, args.stage2] if tool == 'infer_video' else [(args.config, getattr(args, 'checkpoint', ''))]
    for config, checkpoint in filter(None, pairs):
        if Path(config).is_file() and checkpoint.startswith('work_dirs/'):
            last = Path(checkpoint).with_name(f'epoch_{load_config(config, {}).train_cfg.max_epochs}.pth')
            made = [path for (of, _), path in trained.items() if of == config] or [str(last)]
            expect(checkpoint in made, f'expected {" or ".join(made)}')
    if tool == 'infer_video' or not Path(args.config).is_file():
        return
    plain, cfg = load_config(args.config, {}), load_config(args.config, args.cfg_options)
    for key in set(args.cfg_options) - UNSET:
        *parents, name = key.split('.')
        expect(name in functools.reduce(lambda node, each: node[each], parents, plain), f'{args.config} has no {key}')
    loaders = [cfg.get('train_dataloader'), cfg.get('test_dataloader')]
    if tool == 'extract_depth_sequences':
        extracted |= {f'{args.out}/{Path(each.ann_file).stem}' for each in find_datasets(loaders, DepthImageDataset)}
    for each in find_datasets(loaders, DepthSequenceDataset):
        if each.get('depth_store') and any(store.startswith(each.data_root) for store in extracted):
            store = f'{each.data_root}{each.depth_store}'
            expect(store in extracted, f'it reads {store}, of {sorted(extracted)}')
    if tool == 'train':
        work_dir = load_runner_config(args).work_dir
        trained[args.config, work_dir] = f'{work_dir}/epoch_{cfg.train_cfg.max_epochs}.pth'


def faults(text, name):
    """Where the commands of a document do not fit the repository, or one another."""
    found, trained, extracted = [], {}, set()
    for place, command in code(text, name):
        try:
            tool, args = check(command)
            if tool == 'infer_video' or hasattr(args, 'cfg_options'):
                check_files(tool, args, trained, extracted)
        except Exception as error:  # whatever a config may raise, too
            found.append(f'{place}: {command}: {error}')
    return found
