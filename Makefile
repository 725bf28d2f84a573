# make demo   install what is needed into .venv/, then run the whole pipeline on synthetic data
# make test   install what is needed into .venv/, and a browser where that can be done, then run the tests
# make lint   check the code's style
#
# PYTHON=python3.12 make ...   choose the interpreter of .venv/

.PHONY: demo test lint env

demo: env
	.venv/bin/python tools/demo.py

test: env
	@bash tools/setup_browser.sh
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile -rs --no-fold-skipped

lint: env
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .

env:
	@bash tools/setup_env.sh
