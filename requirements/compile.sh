#!/bin/sh
# Writes requirements/{demo,test}.lock anew: every pin, for all supported Pythons. Needs PyPI's `uv`.
# What is locked stays; to have newer versions: requirements/compile.sh --upgrade
set -eu
cd "$(dirname "$0")"
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header "$@"
}

compile test.in --output-file test.lock "$@"
# The same versions, so that one virtual environment serves both.
compile runtime.in lab.in --constraint test.lock --output-file demo.lock
