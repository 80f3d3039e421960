#!/usr/bin/env python3
"""!thread, !irp and !apc of a case's report, compared with a golden file.

usage: check_views.py [--rebase] IRPLAB CASE GOLDEN

Addresses are numbered in the order in which they appear, so that it stays visible which are equal; offsets in code are left out.
"""
import os
import re
import subprocess
import sys
import tempfile


def views(text):
    """Each view from its command to the next empty line."""
    return [m.group(0).rstrip('\n') for m in re.finditer(r'^!(?:thread|irp|apc)\b.*?(?=\n\n|\Z)', text, re.M | re.S)]


def plain(text):
    seen = {}

    def number(match):
        a = match.group(0).replace('-', '').replace('0x', '').lower()
        return 'A%d' % seen.setdefault(a, len(seen) + 1) if int(a, 16) else '0'

    text = re.sub(r'\b(?:0x)?[0-9A-Fa-f]{16}\b', number, text)
    return re.sub(r'\+0x[0-9a-f]+', '', text)


def main():
    rebase = '--rebase' in sys.argv
    irplab, case, golden = [a for a in sys.argv[1:] if a != '--rebase']
    with tempfile.TemporaryDirectory() as folder:
        p = subprocess.run([irplab, 'explore', '--strategy', 'dfs', case, '--output', folder], capture_output=True, text=True, timeout=120)
        assert p.returncode == 1, p.stderr
        replay = subprocess.run([irplab, 'replay', os.path.join(folder, os.listdir(folder)[0])], capture_output=True, text=True, timeout=60)
    text = plain('\n\n'.join(views(p.stdout)) + '\n')
    if text != plain('\n\n'.join(views(replay.stdout)) + '\n'):
        print('FAILED: replay shows other views')
        return 1
    if rebase:
        open(golden, 'w', encoding='utf-8').write(text)
        return 0
    expected = open(golden, encoding='utf-8').read()
    if text == expected:
        return 0
    import difflib
    sys.stdout.writelines(difflib.unified_diff(expected.splitlines(True), text.splitlines(True), golden, 'now'))
    return 1


sys.exit(main())
