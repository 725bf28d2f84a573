"""Importing the package where something of the system is missing."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_without_file_locks_of_posix_systems(tmp_path):
    script = (
        "import sys; sys.modules['fcntl'] = None\n"
        'import depth_refine.export, depth_refine.inference, depth_refine.synthetic\n'
        'from depth_refine.utils.atomic import whole_folder\n'
        'with whole_folder(sys.argv[1]) as folder:\n'
        "    (folder / 'a').write_text('one')\n"
    )
    subprocess.run([sys.executable, '-c', script, tmp_path / 'folder'], check=True)
    assert sorted(path.name for path in tmp_path.rglob('*')) == ['a', 'folder']
