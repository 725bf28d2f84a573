"""Package definition of depth_refine; the tested set of dependencies is in requirements/."""

import shutil
from pathlib import Path
from runpy import run_path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithConfigs(build_py):
    """Copies configs/ into the package, to the folder where OpenMMLab's packages have theirs."""

    def run(self):
        """Build the modules, then add the configs, which an editable install finds where they are."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, 'depth_refine', '.mim', 'configs')
            shutil.copytree(ROOT / 'configs', target, ignore=shutil.ignore_patterns('__pycache__'), dirs_exist_ok=True)


setup(
    name='depth_refine',
    version=run_path(str(ROOT / 'depth_refine' / 'version.py'))['__version__'],
    description='3D human pose from video: integral pose regression refined by a temporal network, for MMPose',
    license='Apache-2.0',
    packages=find_packages(include=['depth_refine', 'depth_refine.*']),
    package_data={
        'depth_refine.visualization.report': ['*.css', '*.html', '*.js'],
        'depth_refine.weights': ['*.pth', '*.md'],
    },
    python_requires='>=3.11',
    # OpenMMLab's packages are imported but not listed. Each exists under several names (mmcv, mmcv-lite, forks), and
    # pip would install a second one over the user's; mmpose declares a dependency that does not build, so that no
    # package that lists mmpose can be installed. requirements/ and docs/get_started.md say how to install them.
    install_requires=[
        'ai-edge-litert',
        'av',
        'cdflib',
        'filelock',
        'h5py',
        'jinja2',
        'matplotlib',
        'numpy',
        'opencv-python',
        'plotly',
        'scipy>=1.15',
        'torch>=2.7',
        'tqdm',
    ],
    extras_require={'onnx': ['onnx', 'onnxruntime', 'onnxscript']},  # tools/export_onnx.py
    cmdclass={'build_py': BuildWithConfigs},
)
