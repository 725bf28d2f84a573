"""Run the tests on other versions than the pinned ones: `nox`, which is not part of `make test`.

    nox --list                                        the sets of versions
    nox -- -n 2 --dist loadfile                       every one, in two processes: an hour or more on two cores
    nox -s 'tests-3.12(forks, torch=oldest)' -- tests/models   some tests on one of them

Needs the packages of requirements/nox.txt. uv links the files that environments share, of 6 GB each with PyTorch for
CUDA.
"""

from pathlib import Path

import nox

nox.options.default_venv_backend = 'uv'
nox.options.reuse_venv = 'yes'
nox.options.stop_on_first_error = False

RUNTIME = Path('requirements', 'runtime.txt')

# What takes the place of a pinned package; nothing, where the pins are what is to be tested.
OPENMMLAB = {}
FORKS = {  # they keep the import names
    'mmcv-lite': 'onedl-mmcv==2.3.6',
    'mmdet': 'onedl-mmdetection==3.5.1',
    'mmengine': 'onedl-mmengine==0.10.12',
}
NEWEST_TORCH = {}
OLDEST_TORCH = {'torch': 'torch==2.7.1', 'torchvision': 'torchvision==0.22.1'}


@nox.session(python=['3.11', '3.12'])
@nox.parametrize('torch', [nox.param(OLDEST_TORCH, id='torch=oldest'), nox.param(NEWEST_TORCH, id='torch=newest')])
@nox.parametrize('openmmlab', [nox.param(OPENMMLAB, id='openmmlab'), nox.param(FORKS, id='forks')])
def tests(session: nox.Session, torch: dict, openmmlab: dict) -> None:
    """Install as tools/setup_env.sh does, with other versions of some packages; then run the tests."""
    replacements = torch | openmmlab
    pins = RUNTIME.read_text().splitlines()
    replaced = Path(session.create_tmp(), RUNTIME.name)
    replaced.write_text('\n'.join(replacements.get(pin.split('==')[0], pin) for pin in pins))
    session.install('-r', 'requirements/build.txt')
    # The forks' MMCV must be built where there is no PyTorch: then it does not compile its operators, as mmcv-lite.
    isolated = ('--no-build-isolation-package', 'xtcocotools')
    session.install(*isolated, '-r', str(replaced), '-r', 'requirements/dev.txt')
    session.install('--no-deps', '-r', 'requirements/mmpose.txt')
    session.install('--no-deps', '--no-build-isolation', '--editable', '.')
    session.run('python', '-m', 'pytest', *session.posargs)
