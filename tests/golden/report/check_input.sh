#!/bin/bash
# Wrong input to irplab report: one line on stderr, exit status 2, nothing written.
set -u
irplab=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

refused() { # NAME ARGUMENTS...
  local name=$1
  shift
  "$irplab" report "$@" >"$work/out" 2>"$work/err"
  local status=$?
  if [ $status -ne 2 ] || [ -s "$work/out" ] || [ "$(wc -l <"$work/err")" -ne 1 ] || ls "$work"/page.html* >/dev/null 2>&1; then
    failed=1
    echo "FAIL $name: exit status $status"
    cat "$work/err"
  fi
}

printf 'no replay file\n' >"$work/text.irplab"
printf 'irplab-replay 1\n{"config":' >"$work/short.irplab"
: >"$work/empty.irplab"
refused "nothing given"
refused "no place to write" "$work/text.irplab"
refused "-o without a name" "$work/text.irplab" -o
refused "two files" "$work/text.irplab" "$work/short.irplab" -o "$work/page.html"
refused "a file that is not there" "$work/missing.irplab" -o "$work/page.html"
refused "a folder" "$work" -o "$work/page.html"
refused "another file" "$work/text.irplab" -o "$work/page.html"
refused "an empty file" "$work/empty.irplab" -o "$work/page.html"
refused "a truncated file" "$work/short.irplab" -o "$work/page.html"
refused "the same with --json" --json "$work/short.irplab"

"$irplab" explore "$2" --quiet --output "$work/found" >/dev/null
replay=$(echo "$work"/found/*.irplab)
refused "a folder as page" "$replay" -o "$work"
refused "a folder that is not there" "$replay" -o "$work/no/page.html"
exit $failed
