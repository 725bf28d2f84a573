"""The joints that a temporal network of another project reads, which its weights do not show.

17 joints may be Human3.6M's or COCO's. VideoPose3D's files do not say which; MMPose's name the data set since version
1.0. Published files are known by their names.
"""

import re
from pathlib import Path

from depth_refine.utils.errors import InputError

from .joint_orders import NUM_JOINTS

# Input joints of published files, by VideoPose3D's README and INFERENCE.md, its authors' answers, and MMPose's model
# zoo.
_PUBLISHED = {
    r'pretrained_h36m_cpn\.bin': 'h36m',
    r'pretrained_h36m_detectron_coco\.bin': 'coco',
    r'cpn-pt-243\.bin': 'coco',
    r'd-pt-243\.bin': 'coco',  # with the score of each joint
    r'pretrained_humaneva15_detectron\.bin': 'coco',  # its output is HumanEva's 15 joints
    r'videopose_h36m_\d+frames?_fullconv_.*\.pth': 'h36m',
    r'videopose_mpi-inf-3dhp_.*\.pth': 'mpi_inf_3dhp',
}


def check_joints(path: Path, given: str | None, data_set: str | None = None) -> None:
    """Check that a network's joints are Human3.6M's.

    Args:
        path: its file.
        given: the order that the user states, a key of ``NUM_JOINTS``.
        data_set: the data set that the checkpoint names, in MMPose's spelling.

    Raises:
        InputError: the joints are not known or are others, or the user contradicts the file.
    """
    known = data_set or next((order for name, order in _PUBLISHED.items() if re.fullmatch(name, path.name)), None)
    by = 'as the checkpoint says' if data_set else 'as the published file of that name does'
    if known and given and known != given:
        raise InputError(
            f'--joint-order {given}: {path} takes joints of {known!r}, {by}. Leave out the option, or rename the file '
            'if it is another.'
        )
    order = known or given
    if order is None:
        raise InputError(
            f'{path} does not say which joints it takes: both Human3.6M and COCO have 17, and weights do not show '
            "which. Give --joint-order h36m if its 2D and 3D joints are Human3.6M's; the published files are known by "
            'their names, such as pretrained_h36m_cpn.bin.'
        )
    if order != 'h36m':
        options = f'--predictions FILES --joint-order {order}' if order in NUM_JOINTS else '--predictions FILES'
        raise InputError(
            f"{path} takes joints of {order!r}{f', {by}' if known else ''}: expected a network on Human3.6M's, which a "
            "refiner takes and gives. Others are other points of the body in another order, COCO's eyes and ears among "
            "them. Give pretrained_h36m_cpn.bin or another on Human3.6M's joints; poses in other joints are refined by "
            f'tools/infer_video.py {options}, or by a refiner trained on them, tools/import_predictions.py.'
        )
