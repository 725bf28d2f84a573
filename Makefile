# make demo   install what is needed into .venv/, then run the whole pipeline on synthetic data
# make video VIDEO=clip.mp4 [OUT=poses]   install likewise, then write 3D poses of the people of a video to a new folder
# make test   install what is needed into .venv/, and a browser where that can be done, then run the tests
# make lint   check the code's style
#
# PYTHON=python3.12 make ...   choose the interpreter of .venv/

.PHONY: demo video test lint named env

OUT = poses

demo: env
	.venv/bin/python tools/demo.py

video: named env
	.venv/bin/python tools/infer_video.py '$(VIDEO)' --out '$(OUT)'

test: env
	@bash tools/setup_browser.sh
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile -rs --no-fold-skipped

lint: env
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .

named:
	@test -n '$(VIDEO)' || { echo 'make video: name the video, as in make video VIDEO=clip.mp4' >&2; exit 1; }

env:
	@bash tools/setup_env.sh
