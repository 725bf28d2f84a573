"""Statements of the documentation on the repository: links, files, names, examples, folders."""

import doctest
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections import Counter
from pathlib import Path

import mmpose
import pytest
from mmengine.config import Config
from mmengine.registry import FUNCTIONS, Registry

from depth_refine.functional.camera import pixel_rays
from depth_refine.functional.pose_error import mpjpe, similarity_align
from depth_refine.inference.blazepose import BlazePose
from depth_refine.structures import Skeleton

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *ROOT.glob('*.md'),
    *ROOT.glob('.github/**/*.md'),
    *ROOT.glob('docs/*.md'),
    *ROOT.glob('configs/*.md'),
    *ROOT.glob('depth_refine/*/*.md'),
]
SOURCES = sorted(ROOT.glob('depth_refine/**/*.py'))
FENCED = re.compile(r'^( *)(```|~~~).*?^\1\2 *$', re.MULTILINE | re.DOTALL)
LINK = re.compile(r'\]\(<?([^\s)>]+)|(?:src|href)="([^"]+)"')
FILE = re.compile(r'(?<![\w./-])(?:configs|depth_refine|docs|requirements|tests|tools)/[\w./-]+\.(?:md|py|sh|txt)\b')
ROLE = re.compile(r':(?:attr|class|data|exc|func|meth|mod):`~?\.?([^`]+)`')


def relative(path):
    return path.relative_to(ROOT).as_posix()


def prose(document):
    """Without blocks of code, in which neither headings nor links count."""
    return FENCED.sub('', document.read_text())


def anchors(document):
    """What may follow ``#`` in links to a document: its headings, as GitHub names them."""
    names, seen = set(), Counter()
    for heading in re.findall(r'^#{1,6} +(.+?) *$', prose(document), re.MULTILINE):
        shown = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading)
        name = re.sub(r'[^\w\- ]', '', shown.lower()).replace(' ', '-')
        names.add(f'{name}-{seen[name]}' if seen[name] else name)
        seen[name] += 1
    return names


def broken_links(document):
    broken = []
    for link in map(''.join, LINK.findall(re.sub(r'`[^`\n]*`', '', prose(document)))):
        path, _, anchor = link.partition('#')
        target = document.parent / path if path else document
        if '://' not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
            broken.append(link)
    return broken


@pytest.mark.parametrize('document', DOCUMENTS, ids=relative)
def test_links_lead_somewhere(document):
    assert broken_links(document) == []


def test_broken_links_are_found(tmp_path):
    (tmp_path / 'other.md').write_text('## A `b_c`, d\n## Twice\n## Twice\n```\n## No heading\n```\n')
    good = ['other.md', 'other.md#a-b_c-d', 'other.md#twice', 'other.md#twice-1', '#here', 'https://no.where/x#y']
    bad = ['othr.md', 'other.md#twice-2', 'other.md#no-heading', '#there', 'image.png']
    document = tmp_path / 'document.md'
    links = [f'[`x`]({link})' for link in good + bad[:-1]]
    document.write_text('\n'.join(['# Here', *links, '<img src="image.png">', '`[x](y)`', '```\n[x](y)\n```\n']))
    assert broken_links(document) == bad


@pytest.mark.parametrize('document', [each for each in DOCUMENTS if each.name != 'CHANGELOG.md'], ids=relative)
def test_files_that_are_named_exist(document):
    roots = ROOT, Path(mmpose.__file__).with_name('.mim')
    named = FILE.findall(document.read_text())
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


def test_table_of_configs_says_what_they_are():
    text, expected = (ROOT / 'configs/README.md').read_text(), []
    rows = re.findall(r'^\| `([\w/]+\.py)` \| (\d+) \| (.+?) \|', text, re.MULTILINE)
    for path in sorted((ROOT / 'configs').rglob('*.py')):
        if '_base_' not in path.parts:
            data = Config.fromfile(path).train_dataloader.dataset
            frames, source = max(data.get('seq_len', 1), data.get('clip_len', 1)), data.get('input_source')
            name = path.relative_to(ROOT / 'configs').as_posix()
            expected.append((name, str(frames), f'`{source}`' if source else 'images'))
    assert sorted(rows) == expected


def test_table_of_commands_has_all():
    text = (ROOT / 'docs/commands.md').read_text()
    listed = re.findall(r'^\| `([^`]+)` \| [^|]+ \| \[[^|]+ \|$', text, re.MULTILINE)
    tools = {relative(path) for kind in ('py', 'sh') for path in ROOT.glob(f'tools/*.{kind}')} - {
        'tools/command_line.py'
    }
    targets = re.findall(r'^# (make \w+)', (ROOT / 'Makefile').read_text(), re.MULTILINE)  # its head has those to call
    assert len(targets) > 4 and sorted(listed) == sorted([*tools, *targets])


FOLDERS = {  # folders of the package, as docs/architecture.md has them, and the imports that their row allows
    folder: set(re.findall(r'`(\w+)`', imports))
    for folder, imports in re.findall(
        r'^\| `([\w/]+)/` \|.*\| ([^|]+) \|$', (ROOT / 'docs/architecture.md').read_text(), re.MULTILINE
    )
}


def test_architecture_names_every_folder():
    folders = {relative(source.parent).partition('/')[2] for source in SOURCES}
    assert folders - {'', 'data_tools'} == FOLDERS.keys()
    text = (ROOT / 'docs/architecture.md').read_text()
    assert [each for each in ROOT.glob('tools/*/__init__.py') if f'`{relative(each.parent)}/`' not in text] == []


@pytest.mark.parametrize('folder', FOLDERS)
def test_folders_import_what_architecture_says(folder):
    sources = ''.join(source.read_text() for source in (ROOT / 'depth_refine' / folder).glob('*.py'))
    imported = set(re.findall(r'^ *(?:from|import) depth_refine\.(\w+)', sources, re.MULTILINE))
    parent = folder.split('/')[0]
    assert imported <= {parent, *(FOLDERS[folder] or FOLDERS.get(parent, ()))}


INFERENCE = [folder for folder in FOLDERS if folder.startswith('inference/')]


@pytest.mark.parametrize('folder', INFERENCE)
def test_folders_of_inference_import_only_those_above_them(folder):
    sources = ''.join(source.read_text() for source in (ROOT / 'depth_refine' / folder).glob('*.py'))
    imported = re.findall(r'^(?:from|import) (?:\.\.|depth_refine\.inference\b\.?)(\w*)', sources, re.MULTILINE)
    above = INFERENCE[: INFERENCE.index(folder)]
    assert {f'inference/{name}' for name in imported} <= set(above)


def module_of(source):
    return importlib.import_module('.'.join(source.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__'))


def test_references_in_docstrings_name_something():
    modules = {source: module_of(source) for source in SOURCES}
    known = {part for module in modules.values() for part in [*module.__name__.split('.'), *vars(module)]}
    for module in modules.values():
        known |= {name for _, part in inspect.getmembers(module, inspect.isclass) for name in dir(part)}

    def exists(reference):
        parts = reference.split('.')
        if parts[0] not in {'depth_refine', 'mmengine', 'mmpose', 'torch'}:
            return known.issuperset(parts)
        try:
            return bool(pkgutil.resolve_name(reference))
        except (AttributeError, ImportError):
            return False

    references = {(relative(source), name) for source in SOURCES for name in ROLE.findall(source.read_text())}
    assert [(source, name) for source, name in sorted(references) if not exists(name)] == []


@pytest.mark.parametrize('source', [each for each in SOURCES if '>>> ' in each.read_text()], ids=relative)
def test_examples_print_what_they_say(source):
    result = doctest.testmod(module_of(source))
    assert result.attempted and not result.failed


PACKAGES = [module_of(source) for source in SOURCES if source.name == '__init__.py']
EXPORTED = dict.fromkeys(
    part
    for package in PACKAGES
    for part in map(vars(package).get, getattr(package, '__all__', ()))
    if (inspect.isclass(part) or inspect.isfunction(part)) and part is not BlazePose  # its files may not be there
)


@pytest.mark.parametrize(
    'part',
    [*EXPORTED, Skeleton.from_metainfo, mpjpe, pixel_rays, similarity_align],
    ids=lambda part: part.__qualname__,
)
def test_parts_for_others_have_an_example_that_is_tested(part):
    assert '>>> ' in part.__doc__ or 'In a config' in part.__doc__


CONFIGURED = [part for part in EXPORTED if 'In a config' in (part.__doc__ or '')]
REGISTRIES = [value for value in vars(mmpose.registry).values() if isinstance(value, Registry)] + [FUNCTIONS]


def configs_in(value):
    """All dicts with a type in a config, however deep."""
    if isinstance(value, dict | list):
        yield from [value] if isinstance(value, dict) and 'type' in value else []
        for each in value.values() if isinstance(value, dict) else value:
            yield from configs_in(each)


@pytest.mark.parametrize('part', CONFIGURED, ids=lambda part: part.__name__)
def test_examples_of_configs_name_what_exists(part):
    example = inspect.getdoc(part).partition('Example:\n')[2].partition(':\n')[2]
    exec(textwrap.dedent(example), namespace := {})
    cfgs = [cfg for name, value in namespace.items() if name != '__builtins__' for cfg in configs_in(value)]
    assert part.__name__ in {cfg['type'] for cfg in cfgs}
    for cfg in cfgs:
        (found,) = {registry.get(cfg['type']) for registry in REGISTRIES} - {None}
        bases = [base.__init__ for base in found.__mro__ if '__init__' in vars(base)] if inspect.isclass(found) else []
        taken = {name for method in bases for name in inspect.signature(method).parameters}
        assert cfg.keys() - {'type'} <= taken, cfg
