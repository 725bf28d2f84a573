"""The paper's tables, reproduced: rows are configs, cells are a row with a seed, results are files.

- :mod:`cell`: trains and tests one row with one seed, and keeps what came out with what it was made from.
- :mod:`identity`: what the work in a folder is made from, so that no other goes on with it.
- :mod:`stores`: the depth sequence stores that all cells read.
- :mod:`experiment`: runs the cells of a table; one that fails does not stop the others.
- :mod:`summary`: means, spreads and differences over seeds, Markdown.
- :mod:`table1`, :mod:`table2`, :mod:`ablations`, :mod:`beyond`: which rows, the paper's figures, and the pictures.
- :mod:`mocap`: refiners trained on motion, on :mod:`scenes` of held-out motion and of a real person.
- :mod:`demo_results`: the demo's table and pictures.
"""
