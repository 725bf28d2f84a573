"""The paper's tables, reproduced: rows are configs, cells are a row with a seed, results are files.

- :mod:`cell`: trains and tests one row with one seed, and records the result and what it was made from.
- :mod:`identity`: what the work in a folder was made from, so that no other work continues it.
- :mod:`stores`: the depth sequence stores that all cells read.
- :mod:`experiment`: runs the cells of a table; a cell that fails does not stop the others.
- :mod:`summary`: means, standard deviations and differences over seeds, as Markdown.
- :mod:`tables`: rows, the paper's numbers, and figures.
- :mod:`motion`: refiners trained on motion, on held-out motion and on a real person.
- :mod:`demo`: the demo's table and figures.
"""
