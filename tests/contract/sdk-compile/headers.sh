#!/bin/sh
# usage: headers.sh IRPLAB-CC
# Headers of driver classes compile behind each of the kernel's three headers, in C and C++, and those that programs share behind
# windows.h. Clang is asked for silence about formats that mix int and long, and for its word about others.
set -eu
cc=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail()
{
    echo "FAILED: $*"
    exit 1
}
drivers='aux_klib batclass hidclass hidpddi hidpi hidport hidusage kbdmou poclass procgrp spb storport vhf'
driver() # KERNEL HEADERS…
{
    for header in "$@"; do echo "#include <$header.h>"; done >"$folder/d.c"
    printf 'NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT d, PUNICODE_STRING r)\n{\n(void)d;\n(void)r;\nreturn 0;\n}\n' >>"$folder/d.c"
    { echo 'extern "C" {'; cat "$folder/d.c"; echo '}'; } >"$folder/d.cpp"
    for source in $sources; do
        "$cc" -o "$folder/d.sys" "$folder/$source" 2>"$folder/err" || { cat "$folder/err"; fail "$* ($source)"; }
    done
}
sources='d.c d.cpp'
for kernel in ntddk ntifs wdm; do driver $kernel $drivers; done
sources=d.c
for header in $drivers; do driver wdm $header; done
for header in hidclass hidpi hidport hidsdi hidusage poclass; do
    printf '#include <windows.h>\n#include <%s.h>\nint main(void)\n{\nreturn 0;\n}\n' $header >"$folder/p.c"
    "$cc" -o "$folder/p.exe" "$folder/p.c" 2>"$folder/err" || { cat "$folder/err"; fail "$header in a program"; }
done

formats()
{
    printf '#include <windows.h>\n#include <stdio.h>\nint main(void)\n{\nDWORD d = GetLastError();\n%s\nreturn 0;\n}\n' "$1" >"$folder/f.c"
    "$cc" -o "$folder/f.exe" "$folder/f.c" 2>"$folder/err" || fail "$1: not built"
}
formats 'printf("%d %x %u %i %ld\n", d, d, d, GetLastError(), 5);'
[ ! -s "$folder/err" ] || { cat "$folder/err"; fail 'a DWORD as an int was not passed over'; }
formats 'printf("%d\n", d); printf("%s\n", d); printf("%d\n", d);'
grep -q "specifies type 'char \*'" "$folder/err" || fail 'a DWORD as a string was passed over'
grep -qx '1 warning generated.' "$folder/err" || { cat "$folder/err"; fail 'the count of warnings'; }
[ "$(grep -c warning: "$folder/err")" = 1 ] || fail 'one warning was wanted'
formats 'printf("%d\n", 5LL);'
grep -q "argument has type 'long long'" "$folder/err" || fail 'eight bytes as an int were passed over'
echo "all headers compile"
