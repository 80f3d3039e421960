#!/bin/sh
# usage: event_log.sh IRPLAB-CC FOLDER
# A driver with a message file is built from another folder; the messages are in its resources, and a file that is wrong is refused.
set -eu
cc=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail()
{
    echo "FAILED: $*"
    exit 1
}
"$cc" -Wall -Werror -o "$folder/e.sys" "$source/event_log.c" "$source/event_log.rc" || fail 'not built'
strings -el "$folder/e.sys" | grep -qx 'The driver %2 failed.' || fail 'the messages are not in the image'
"$cc" --msvc -Wall -Werror -o "$folder/m.sys" "$source/event_log.c" "$source/event_log.rc" || fail 'Microsoft ABI: not built'
sed 's/Severity=Error/Severity=None/' "$source/messages.mc" >"$folder/messages.mc"
cp "$source/event_log.c" "$folder/"
if "$cc" -o "$folder/w.sys" "$folder/event_log.c" 2>"$folder/err"; then fail 'a wrong message file was taken'; fi
"$cc" -o "$folder/g.sys" "$folder/event_log.c" "$source/messages.mc" || fail 'a message file of the command line'
echo "messages are there"
