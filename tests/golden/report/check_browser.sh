#!/bin/bash
# The page in a real browser, if there is one: it draws both diagrams and its script runs without a word.
set -eu
browser=$(command -v chromium || command -v chromium-browser || true)
[ -n "$browser" ] || { echo "no chromium: skipped"; exit 77; }
irplab=$1 case=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$irplab" explore "$case" --quiet --output "$work" >/dev/null || true
"$irplab" report "$work"/*.irplab -o "$work/page.html" >/dev/null
timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run \
  --user-data-dir="$work/profile" --enable-logging=stderr --dump-dom "file://$work/page.html" >"$work/dom" 2>"$work/log"
[ "$(grep -c '<svg id="' "$work/dom")" -eq 2 ]
! grep -E 'CONSOLE.*(Error|error)' "$work/log"
