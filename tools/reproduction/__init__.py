"""The paper's tables, reproduced: rows are configs, cells are a row with a seed, results are files.

- :mod:`cell`: trains and tests one row with one seed, and records the result and what it was made from.
- :mod:`identity`: what the work in a folder was made from, so that no other work continues it.
- :mod:`stores`: the depth sequence stores that all cells read.
- :mod:`experiment`: runs the cells of a table; a cell that fails does not stop the others.
- :mod:`summary`: means, standard deviations and differences over seeds, as Markdown.
- :mod:`table1`, :mod:`table2`, :mod:`ablations`, :mod:`beyond`: rows, the paper's numbers, and figures.
- :mod:`mocap`: refiners trained on motion, on :mod:`scenes` of held-out motion and of a real person.
- :mod:`demo_results`: the demo's table and figures.
"""
