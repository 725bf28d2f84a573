# make demo   install what is needed into .venv/, then run the whole pipeline on synthetic data
# make video VIDEO=clip.mp4 [OUT=poses]   install likewise, then write 3D poses of the people of a video to a new folder
# make test   install what is needed into .venv/, and a browser where that can be done, then run the tests
# make lint   check the code's style
# make docs   write the reference of the Python parts, from their docstrings, to build/api/index.html
#
# PYTHON=python3.12 make ...   choose the interpreter of .venv/

.PHONY: demo video test lint docs named env

OUT = poses
quoted = '$(subst ','\'',$(1))' # for the shell: a file name may have an apostrophe

# What the packages export; of those that export little, their modules too.
ROOMS = sources people predictions
FOLDERS = data_tools export functional inference $(ROOMS:%=inference.%) structures synthetic utils weights
FILES = depth_refine/structures/camera.py \
    $(filter-out %/__init__.py,$(wildcard depth_refine/export/*.py depth_refine/functional/*.py depth_refine/inference/*.py))
API = depth_refine $(FOLDERS:%=depth_refine.%) $(subst /,.,$(FILES:.py=))

demo: env
	.venv/bin/python tools/demo.py

video: named env
	.venv/bin/python tools/infer_video.py $(call quoted,$(VIDEO)) --out $(call quoted,$(OUT))

test: env
	@bash tools/setup_browser.sh
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile -rs --no-fold-skipped

lint: env
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .

docs: env # a module that cannot be imported, or a link to nothing, is an error
	@rm -rf build/api
	@PDOC_ALLOW_EXEC=1 .venv/bin/python -W error:::pdoc -W error:::pdoc.extract -m pdoc --docformat google --no-show-source \
	    --template-directory docs/api --output-directory build/api $(API)
	@.venv/bin/python tools/check_links.py build/api
	@echo 'wrote build/api/index.html'

named:
	@test -n $(call quoted,$(VIDEO)) || { echo 'make video: name the video, as in make video VIDEO=clip.mp4' >&2; exit 1; }

env:
	@bash tools/setup_env.sh
