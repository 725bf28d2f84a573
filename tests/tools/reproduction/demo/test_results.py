from reproduction.demo.results import make_table


def test_table_gives_the_errors_in_mm_and_their_spread_over_seeds():
    keys = ['h36m/MPJPE_mm', 'h36m/P-MPJPE_mm', 'h36m/MPJAE_mm_per_frame2']
    values = {'first stage': [(99.96, 70, 5)], '2D': [(51.24, 40.06, 3), (53.24, 40.06, 4)]}
    metrics = {
        title: [dict(zip(keys, of_seed, strict=True), other=1.0) for of_seed in seeds]
        for title, seeds in values.items()
    }
    assert make_table(metrics).splitlines() == [
        '| input | Protocol 1, mm | Protocol 2, mm | acceleration error, mm/frame² |',
        '| --- | --- | --- | --- |',
        '| first stage | 100.0 | 70.0 | 5.0 |',
        '| 2D | 52.2 ± 1.4 | 40.1 ± 0.0 | 3.5 ± 0.7 |',
    ]
