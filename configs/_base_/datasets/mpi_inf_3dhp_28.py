# All 28 joints of MPI-INF-3DHP's training set, under the names and in the order of its files; the root is the pelvis.
# MMPose has the 17 that are evaluated: configs/_base_/datasets/mpi_inf_3dhp.py.
import itertools

trunk, left, right = ([51, 153, 255], [0, 255, 0], [255, 128, 0])
# each joint after its parent
chains = [
    (trunk, ('pelvis', 'spine', 'spine2', 'spine3', 'spine4', 'neck', 'head', 'head_top')),
    (left, ('neck', 'left_clavicle', 'left_shoulder', 'left_elbow', 'left_wrist', 'left_hand')),
    (right, ('neck', 'right_clavicle', 'right_shoulder', 'right_elbow', 'right_wrist', 'right_hand')),
    (left, ('pelvis', 'left_hip', 'left_knee', 'left_ankle', 'left_foot', 'left_toe')),
    (right, ('pelvis', 'right_hip', 'right_knee', 'right_ankle', 'right_foot', 'right_toe')),
]
links = [(link, color) for color, chain in chains for link in itertools.pairwise(chain)]
joints = [
    *(('spine3', 'upper'), ('spine4', 'upper'), ('spine2', 'upper'), ('spine', 'upper'), ('pelvis', 'lower')),
    *(('neck', 'upper'), ('head', 'upper'), ('head_top', 'upper'), ('left_clavicle', 'upper')),
    *(('left_shoulder', 'upper'), ('left_elbow', 'upper'), ('left_wrist', 'upper'), ('left_hand', 'upper')),
    *(('right_clavicle', 'upper'), ('right_shoulder', 'upper'), ('right_elbow', 'upper'), ('right_wrist', 'upper')),
    *(('right_hand', 'upper'), ('left_hip', 'lower'), ('left_knee', 'lower'), ('left_ankle', 'lower')),
    *(('left_foot', 'lower'), ('left_toe', 'lower'), ('right_hip', 'lower'), ('right_knee', 'lower')),
    *(('right_ankle', 'lower'), ('right_foot', 'lower'), ('right_toe', 'lower')),
]
dataset_info = dict(
    dataset_name='mpi_inf_3dhp_28',
    paper_info=dict(
        author='Mehta, Rhodin, Casas, Fua, Sotnychenko, Xu, Theobalt',
        title='Monocular 3D human pose estimation in the wild using improved CNN supervision',
        container='International Conference on 3D Vision (3DV)',
        year='2017',
        homepage='https://vcai.mpi-inf.mpg.de/3dhp-dataset/',
    ),
    keypoint_info={
        index: dict(
            name=name,
            id=index,
            color=left if name.startswith('left') else right if name.startswith('right') else trunk,
            type=kind,
            swap=name.replace('left', 'right') if name.startswith('left') else name.replace('right', 'left'),
        )
        for index, (name, kind) in enumerate(joints)
    },
    skeleton_info={index: dict(link=link, id=index, color=color) for index, (link, color) in enumerate(links)},
    joint_weights=[1.0] * 28,
    sigmas=[],
)
