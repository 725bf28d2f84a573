"""Commands and figures of the documentation: what is typed exists, fits what was typed before, and a test runs it."""

import ast
import dataclasses
import functools
import importlib
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from command_check import OPTION, faults, options_of, split
from documents import DOCUMENTS, ROOT, blocks, code, relative

from depth_refine.inference import PoseTrack, VideoPoses
from depth_refine.inference.finishing import Finishing
from depth_refine.inference.stages import SecondStage
from depth_refine.structures.camera import make_camera
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError
from depth_refine.weights import shipped_refiner

CURRENT = [path for path in DOCUMENTS if path.name != 'CHANGELOG.md']  # which tells of what was
MODULES = [*sorted(ROOT.glob('tools/**/*.py')), *sorted(ROOT.glob('depth_refine/**/*.py'))]
TOOLS = sorted({path.stem for path in ROOT.glob('tools/*.py')} - {'command_line'})
TESTS = [path.read_text() for path in ROOT.glob('tests/**/*.py') if path != Path(__file__)]
OWN = [ROOT / f'docs/{name}.md' for name in ('own_data', 'own_images', 'customize')]
TESTS.append('\n'.join(page.read_text() for page in OWN))  # whose commands tests/test_customize.py runs
FOREIGN = {'--downsample', '--keypoint_scale', '--pose_flow', '--pose_track'}  # of VideoPose3D, OpenPose and AlphaPose
OTHER_PROGRAMS = re.compile(r'(?:\w+=\S+ )*(?:git|nox|pip|\S*python -m pip)\b')


@functools.cache
def options_run(tool):
    """Its options in the tests that name it."""
    tests = [test for test in TESTS if re.search(rf"""['" /]{tool}['". ]""", test)]
    return options_of(tool).intersection(*[OPTION.findall(' '.join(tests))])


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize('path', [*CURRENT, *MODULES], ids=relative)
def test_commands_are_understood(path):
    found = faults(path.read_text(), relative(path))
    assert not found, '\n'.join(found)


TRAIN, TEST = 'python tools/train.py configs/refiner_27.py', 'python tools/test.py configs/refiner_27.py'
EXTRACT = 'python tools/extract_depth_sequences.py configs/integral_h36m.py a.pth --out data/h36m/a'
READ = 'data/h36m/depth_sequences/integral_h36m/h36m_train'


@pytest.mark.parametrize(
    ('commands', 'message'),
    [
        ('python tools/trane.py configs/refiner_243.py', 'there is no tools/trane.py'),
        ('TMPDIR=a python tools/train.py configs/refiner_24.py', 'there is no configs/refiner_24.py'),
        (f'{TRAIN} b', 'unrecognized arguments: b'),
        (f'{TRAIN} --cfg-options train_cfg.epochs=3', 'configs/refiner_27.py has no train_cfg.epochs'),
        (TEST, 'required: checkpoint'),
        (f'{TRAIN}\n{TEST} work_dirs/a/epoch_160.pth', 'expected work_dirs/refiner_27/epoch_160.pth'),
        (f'{TEST} work_dirs/a/epoch_1.pth', 'expected work_dirs/a/epoch_160.pth'),
        (f'{EXTRACT}\n{TRAIN}', f"it reads {READ}, of ['data/h36m/a/h36m_test', "),
        ('python tools/infer_video.py a.mp4', '--out is required'),
        ('python tools/infer_video.py a.mp4 --out b --predictions c --joint-order cocoa', "invalid choice: 'cocoa'"),
        ('python tools/draw_figures.py docs/figures --pose a', 'draw_figures has no --pose'),
        ('`tools/make_synthetic.py --movement FILE`', 'make_synthetic has no --movement'),
        ('tools/dist_test.sh CONFIG CHECKPOINT eight', 'expected the number of GPUs, got eight'),
        ('tools/dist_train.sh CONFIG 8 --resumed', 'train has no --resumed'),
        ('torchrun --nnodes=2 \\\n  tools/train.py configs/refiner_27.py --launcher torch', "invalid choice: 'torch'"),
        ('make vidoe VIDEO=a.mp4', 'the Makefile has no vidoe'),
        ('`make video [INTO=poses]`', 'the Makefile has no INTO'),
        ('python -m pytest_ tests', 'there is no module pytest_'),
        ('pytest tests/model', 'there is no tests/model'),
    ],
)
def test_wrong_commands_are_found(commands, message):
    text = commands if commands.startswith('`') else f'```\n{commands}\n```\n'
    (fault,) = faults(f'# Title\n\n{text}', 'docs/a.md')
    assert message in fault and re.match(r'docs/a\.md:[345]: ', fault)


@pytest.mark.parametrize('path', CURRENT, ids=relative)
def test_options_are_run_by_the_tests(path):
    """Those after the name of a tool with this tool, others with some tool."""
    run = FOREIGN.union(*map(options_run, TOOLS), *(re.findall(r"addoption\('(--[\w-]+)'", test) for test in TESTS))
    for place, piece in code(path.read_text(), relative(path)):
        if OTHER_PROGRAMS.match(piece):
            continue
        tool = re.search(r'tools/(?:dist_)?(\w+)\.(?:py|sh) (.*)', piece)
        mentioned = set(OPTION.findall(tool[2] if tool else piece))
        left_out = mentioned and mentioned - (options_run(tool[1]) if tool else run)
        assert not left_out, f'{place}: {piece}: no test runs {left_out}'


def test_targets_are_run():
    """By .ci/run or by a test."""
    run = re.findall(r'\bmake (\w+)', ' '.join([(ROOT / '.ci/run').read_text(), *TESTS[:-1]]))
    pieces = [piece for path in CURRENT for _, piece in code(path.read_text(), relative(path))]
    documented = {split(piece)[1][0] for piece in pieces if re.match(r'(?:\w+=\S* )*make \w', piece)}
    assert documented >= {'demo', 'test'} and documented - set(run) == set()


def figure_faults(root, documents):
    """What is wrong with the figures of docs/figures, which a document shows that has the command behind them.

    The command's tool knows the name of the figure.
    """
    found, figures = [], {path: path.stat().st_size for path in root.glob('docs/figures/*')}
    left = set(figures)
    for path in documents:
        text = path.read_text()
        links = re.findall(r'!\[[^]]*\]\(([^)]+)\)|<img [^>]*src="([^"]+)"', text)
        shown = {(path.parent / ''.join(link)).resolve() for link in links}
        commands = [piece for _, piece in code(text, path.name) if re.match(r'\S*python tools/', piece)]
        tools = [(ROOT / split(command)[0]).read_text() for command in commands]
        for figure in sorted(shown & set(figures)):
            if not any(re.search(rf'\b{figure.stem}\b', tool) for tool in tools):
                found.append(f'{path.name}: {figure.name}: no command makes it')
        left -= shown
    found += [f'{figure.name}: in no document' for figure in sorted(left)]
    found += [f'{figure.name}: {size} bytes' for figure, size in figures.items() if size > 300_000]
    return found + ['more than 2 MB in all'] * (sum(figures.values()) > 2_000_000)


def test_figures_have_a_command():
    assert figure_faults(ROOT, CURRENT) == []


def test_figures_without_a_command_are_found(tmp_path):
    (tmp_path / 'docs/figures').mkdir(parents=True)
    for name, size in (('method.png', 9), ('motion.gif', 300_001), ('scene.png', 9)):
        (tmp_path / 'docs/figures' / name).write_bytes(bytes(size))
    document = tmp_path / 'a.md'
    document.write_text('![a](docs/figures/method.png)\n<img width="9" src="docs/figures/motion.gif">\n')
    unnamed = [f'a.md: {name}: no command makes it' for name in ('method.png', 'motion.gif')]
    others = ['scene.png: in no document', 'motion.gif: 300001 bytes']
    assert figure_faults(tmp_path, [document]) == [*unnamed, *others]
    document.write_text(f'{document.read_text()}`python tools/draw_figures.py docs/figures --data-root data`\n')
    assert figure_faults(tmp_path, [document]) == others


@pytest.mark.parametrize('path', CURRENT, ids=relative)
def test_examples_in_python_import_and_call_what_exists(path):
    for _, text in blocks(path.read_text(), 'python'):
        nodes, imported = list(ast.walk(ast.parse(text))), {}
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('depth_refine'):
                module = importlib.import_module(node.module)
                assert [name.name for name in node.names if not hasattr(module, name.name)] == [], text
                imported |= {name.asname or name.name: getattr(module, name.name) for name in node.names}
        for call in nodes:
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in imported:
                keywords = {keyword.arg: None for keyword in call.keywords}
                inspect.signature(imported[call.func.id]).bind(*call.args, **keywords)


def printed(document, start):
    """The lines of a document's blocks from a first one that starts so."""
    texts = [text for _, text in blocks((ROOT / document).read_text(), '', 'text')]
    return [text.splitlines() for text in texts if text.startswith(start)]


@pytest.fixture
def described():
    """Poses of one person in 100 frames of 1920 x 1080 px, who are described as the shipped refiner's are."""
    cameras = SecondStage(*shipped_refiner('2d+depth'), 'cpu').cameras
    camera, source = make_camera((1920, 1080), cameras=cameras)
    track = dict.fromkeys(field.name for field in dataclasses.fields(PoseTrack))
    track |= dict(track_id=0, frames=np.arange(100), is_interpolated=np.zeros(100, bool))
    notes = [Finishing().note(50)]
    return VideoPoses('clip.mp4', H36M, (1920, 1080), np.arange(100) / 50, camera, source, [PoseTrack(**track)], notes)


def test_what_a_video_prints(described, run_tool, tmp_path, monkeypatch):
    class Inferencer:
        second_stage = SimpleNamespace(rate=50.0)

        def __init__(self, *_):
            pass

        def __call__(self, *_, **__):
            return described

    monkeypatch.setattr('depth_refine.inference.VideoPoseInferencer', Inferencer)
    monkeypatch.setattr('depth_refine.inference.sources.video_source.open_source', lambda *_: None)
    monkeypatch.setattr('video.output.write_video_poses', lambda *_: None)
    monkeypatch.chdir(tmp_path)
    Path('clip.mp4').touch()
    lines = run_tool('infer_video', 'clip.mp4', '--out', 'poses').out.splitlines()
    assert printed('docs/your_video.md', 'note: ') == [lines]
    assert printed('docs/get_started.md', 'camera: ') == [lines[1:]]


def test_what_the_demo_prints_first(run_tool, monkeypatch, tmp_path):
    def first(*_, **__):
        raise InputError('enough')

    for folder in ('configs', 'tools'):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('subprocess.Popen', first)
    ended = run_tool('demo')
    assert ended.status == 'error: enough'
    assert printed('docs/get_started.md', '[1/') == [ended.out.splitlines()]


def test_what_the_set_up_prints_first():
    ((line,),) = printed('docs/get_started.md', 'setup: ')
    script = re.sub(r'Python [\d.]+\d', '$("$PYTHON" --version)', line.replace('into .venv', 'into $venv'))
    assert f'echo "{script}"\n' in (ROOT / 'tools/setup_env.sh').read_text()
