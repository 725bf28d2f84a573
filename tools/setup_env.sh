#!/usr/bin/env bash
# Make .venv/ with the versions pinned in requirements/. Does nothing where that is already done.
#
#   [PYTHON=python3.12] tools/setup_env.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
stamp=$venv/.complete # written last: a folder without it is the rest of an interrupted installation
needed_mib=10240      # 6 GiB stay; up to 3 GiB of downloads lie beside them meanwhile

die() {
    echo "setup: $1" >&2
    exit 1
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

# Newer versions cannot build xtcocotools.
is_supported() {
    "$1" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null
}

contents() {
    pwd # the environment refers to this folder by its full path
    cat requirements/*.txt
}

is_complete() {
    [ -f $stamp ] && contents | cmp -s - $stamp && $venv/bin/python -c '' 2>/dev/null &&
        { [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of $venv/bin/python)" ]; }
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_supported "$PYTHON" ||
            die "PYTHON=$PYTHON is Python $(version_of "$PYTHON" || echo '(not found)'); 3.11 or 3.12 with its venv module is needed."
        return
    fi
    for PYTHON in python3.12 python3.11 python3; do # run each: a launcher may exist without its Python
        is_supported "$PYTHON" && return
    done
    die 'found no Python 3.11 or 3.12 with its venv module; install one, or name it: PYTHON=/path/to/python3.12 make ...'
}

check_compiler() {
    local compiler include
    compiler=${CC:-$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_config_var("CC") or "cc")')}
    include=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    # shellcheck disable=SC2086 # the compiler may come with options
    echo '#include <Python.h>' | $compiler -I"$include" -x c -fsyntax-only - 2>/dev/null ||
        die "the C compiler '$compiler' does not work with Python's headers; install both (on Debian: build-essential python3-dev)."
}

check_disk() {
    local free_mib
    free_mib=$({ # an environment to be replaced counts as free
        df -Pk . | awk 'NR == 2 { print $4 }'
        du -sk $venv 2>/dev/null || true
    } | awk '{ kib += $1 } END { print int(kib / 1024) }')
    [ "$free_mib" -ge $needed_mib ] ||
        die "not enough disk space in $PWD: $needed_mib MiB are needed, mostly for PyTorch with CUDA, and $free_mib MiB are free."
}

install() {
    local pip="$venv/bin/python -m pip --disable-pip-version-check"
    $pip install -r requirements/build.txt &&
        $pip install --no-build-isolation -r requirements/runtime.txt -r requirements/dev.txt &&
        $pip install --no-deps -r requirements/mmpose.txt &&
        $pip install --no-deps --no-build-isolation --editable .
}

is_complete && exit
choose_python
check_compiler
check_disk
echo "setup: installing into $venv with $("$PYTHON" --version); this is done once and takes some minutes."
"$PYTHON" -m venv --clear $venv || die "could not create $venv with $PYTHON; see the message above."
mkdir $venv/tmp # packages are unpacked on the disk that was checked
TMPDIR=$PWD/$venv/tmp install || die 'the installation failed, see the message above; the next run starts it afresh.'
rm -r $venv/tmp
contents >$stamp
