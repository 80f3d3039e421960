#!/bin/bash
# Two builds in two places give the same bytes, and no path of this machine is left in them.
set -eu
cc=$(realpath "$1")
sources=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "FAIL $name"
    cat "$work/log"
  fi
}
no_paths() {
  ! grep -aqE "$work|$(cd "$sources" && pwd)|$(dirname "$(readlink -f "$cc")")" "$@"
}

mkdir -p "$work/one" "$work/two/deeper"
cat >"$work/p.c" <<'END'
#include <windows.h>
#include <stdio.h>
int main(void) { printf("%lu\n", GetLastError()); return 0; }
END
cp "$work/p.c" "$work/one"
cp "$work/p.c" "$work/two/deeper"
for place in one two/deeper; do
  cp "$sources"/*.c "$work/$place"
  (
    cd "$work/$place"
    "$cc" -g -o d.sys function_driver.c
    "$cc" -g --msvc -o m.sys function_driver.c
    "$cc" -g -o p.exe p.c
    "$cc" -g -o "$work/$place/absolute.sys" "$work/$place/function_driver.c"
    for way in race address coverage; do "$cc" --$way -o $way.sys csq_and_workers.c; done
  )
done
for f in d.sys m.sys m.pdb p.exe absolute.sys race.sys address.sys coverage.sys; do
  check "$f: same bytes" cmp "$work/one/$f" "$work/two/deeper/$f"
  check "$f: no paths" no_paths "$work/one/$f"
done
check "relative and absolute: same bytes" cmp "$work/one/d.sys" "$work/one/absolute.sys"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
