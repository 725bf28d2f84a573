import cv2


def test_list_figure_and_status(run_tool, data_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run_tool('check_data', data_root, '--seed', 3)
    *lines, last = out.splitlines()
    assert status == 0
    assert 'ok      annotation_body3d/cameras.pkl: 8 cameras of 2 subjects' in lines
    assert 'ok      check_data.png: 12 random frames: check that rings and crosses coincide on the joints' in lines
    notes = sum(line.startswith('note    ') for line in lines)
    assert notes >= 2 and last == f'problems: 0, notes: {notes}'
    assert cv2.imread(str(tmp_path / 'check_data.png')) is not None


def test_problems_give_a_status(run_tool, tmp_path):
    status, out, _ = run_tool('check_data', tmp_path, '--figure', tmp_path / 'a.png', '--coco', tmp_path)
    lines = out.splitlines()
    assert status == 1
    assert lines[0].startswith('problem annotation_body3d: no annotation of Human3.6M')
    assert lines[-1] == 'problems: 2, notes: 0'
    assert list(tmp_path.iterdir()) == []


def test_coco_and_mpii(run_tool, data_root, body_2d_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    coco, mpii = body_2d_root / 'coco', body_2d_root / 'mpii'
    status, out, _ = run_tool('check_data', data_root, '--coco', coco, '--mpii', mpii)
    assert status == 0 and 'person_keypoints_train2017.json' in out and 'mpii_train.json' in out


def test_the_name_of_the_figure_is_checked_first(run_tool, data_root, tmp_path):
    ended = run_tool('check_data', data_root, '--figure', tmp_path / 'a.xyz')
    assert 'a.xyz: expected the name of a figure that ends in one of' in ended.status
    assert not ended.out and list(tmp_path.iterdir()) == []
