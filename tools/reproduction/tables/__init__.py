"""Rows, the paper's numbers and figures: Table I, Table II, ablations, and what is past the paper."""
