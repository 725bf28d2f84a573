from reproduction.demo_results import make_table


def test_table_in_markdown():
    keys = ('h36m/MPJPE_mm', 'h36m/P-MPJPE_mm', 'h36m/MPJAE_mm_per_frame2')
    rows = {'first stage': (71.25, 50.0, 12.34), '2D + depth': (60.0, 44.4, 2.0)}
    table = make_table({name: dict(zip(keys, values, strict=True), other=1.0) for name, values in rows.items()})
    lines = table.splitlines()
    assert lines[0] == '| input | Protocol 1, mm | Protocol 2, mm | acceleration error, mm/frame² |'
    assert lines[2] == '| first stage | 71.2 | 50.0 | 12.3 |'
    assert len({line.count('|') for line in lines}) == 1 and len(lines) == 4
