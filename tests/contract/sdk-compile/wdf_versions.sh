#!/bin/sh
# usage: wdf_versions.sh IRPLAB-CC IRPLAB SOURCE
# A KMDF driver is built for every version of the framework and both ABIs without saying more than --kmdf, and is bound to the framework.
set -eu
cc=$1 irplab=$2 source=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail()
{
    echo "FAILED: $*"
    exit 1
}
bound()
{
    "$irplab" run --driver "$folder/v.sys" >"$folder/out" 2>&1 || { cat "$folder/out"; fail "$1: the run"; }
}
for minor in 9 11 13 15 17 19 21 23 25 27 29 31 33; do
    "$cc" -Wall -Werror --kmdf 1.$minor -o "$folder/v.sys" "$source" || fail "1.$minor: not built"
    bound "1.$minor"
done
for minor in 9 33; do
    "$cc" --msvc -Wall -Werror --kmdf 1.$minor -o "$folder/v.sys" "$source" || fail "1.$minor, Microsoft ABI: not built"
    bound "1.$minor, Microsoft ABI"
done
for wrong in 1.8 1.10 1.34 2.33 x; do
    if "$cc" --kmdf $wrong -o "$folder/w.sys" "$source" 2>"$folder/err"; then fail "--kmdf $wrong was taken"; fi
    [ "$(wc -l <"$folder/err")" = 1 ] || fail "--kmdf $wrong: not one line"
    [ ! -e "$folder/w.sys" ] || fail "--kmdf $wrong left something behind"
done
"$cc" -Wl,--entry,DriverEntry --kmdf none -o "$folder/n.sys" "$source" 2>/dev/null && fail "none: linked without an entry"
echo "all versions bound"
