#!/bin/sh
# Writes requirements/{lab,test}.lock anew: every pin, for all supported Pythons. Needs PyPI's `uv`.
set -eu
cd "$(dirname "$0")"
printf -- '-r runtime.in\n-r lab.in\n' > demo.in
for set in demo test; do
  uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header "$set.in" --output-file "$set.lock"
done
rm demo.in
