from depth_refine.utils.file_names import list_files, natural_order


def test_natural_order():
    names = ['a', 'a1b2', 'a1b10', 'A2', 'a9', 'a010', 'a10', 'a²', 'b', '10', '9', '9_2', '9.5']
    expected = ['9', '9.5', '9_2', '10', 'a', 'a1b2', 'a1b10', 'A2', 'a9', 'a010', 'a10', 'a²', 'b']
    assert sorted(names, key=natural_order) == expected


def test_list_files(tmp_path):
    for name in ('10.PNG', '9.png', '._9.png', '.png', '1.txt', '8.tar.gz'):
        (tmp_path / name).touch()
    (tmp_path / '7.png').mkdir()
    assert [path.name for path in list_files(tmp_path, '.png', '.tar.gz')] == ['8.tar.gz', '9.png', '10.PNG']
