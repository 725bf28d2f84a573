import subprocess
import sys

import pytest

WITHOUT_INFERENCE = """
import pkgutil, sys
sys.modules['depth_refine.inference'] = None  # importing it fails
import depth_refine.export, depth_refine.visualization
for room in (depth_refine.export, depth_refine.visualization):
    for module in pkgutil.walk_packages(room.__path__, f'{room.__name__}.'):
        __import__(module.name)
"""


@pytest.mark.slow
def test_drawing_and_writing_poses_does_not_import_inference():
    subprocess.run([sys.executable, '-c', WITHOUT_INFERENCE], check=True)
