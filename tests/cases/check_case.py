#!/usr/bin/env python3
"""Explores a case twice and checks what the command line promises: exit status, completeness, kind of failure, the same result both
times, a replay that gives the same bytes.

usage: check_case.py IRPLAB pass|bugcheck|verifier|deadlock|hang|crash|exit [--contains TEXT]… [--] EXPLORE-ARGUMENTS…
"""
import json
import subprocess
import sys
import tempfile


def fail(text):
    print(f'FAILED: {text}')
    sys.exit(1)


def run(args):
    return subprocess.run(args, capture_output=True, text=True, timeout=300)


def explore(irplab, arguments, folder):
    p = run([irplab, 'explore', '--json', '--output', folder] + arguments)
    if p.returncode not in (0, 1):
        fail(f'exit status {p.returncode}: {p.stderr}')
    return p.returncode, json.loads(p.stdout)


def same_twice(a, b):
    for j in (a, b):
        j.pop('seconds')
    if a != b:
        fail(f'two explorations differ:\n{a}\n{b}')


def check_pass(code, j):
    if code != 0 or j['failing'] or j['failures']:
        fail(f'a failure where none should be: {j}')
    if not j['complete']:
        fail(f'not complete: {j}')
    if j['schedules'] < 1 or j['blocked']:
        fail(f'odd numbers: {j}')
    print(f"{j['schedules']} schedules, complete; {j['bound']}")


def check_failure(irplab, expect, contains, code, j):
    if code != 1 or not j['failures']:
        fail(f'no failure was found: {j}')
    f = j['failures'][0]
    if f['kind'] != expect:
        fail(f"the failure is {f['kind']}, not {expect}: {f['message']}")
    first, second = run([irplab, 'replay', f['replay']]), run([irplab, 'replay', f['replay']])
    if first.returncode != 1 or first.stdout != second.stdout or not first.stdout or first.stderr:
        fail(f'replay: status {first.returncode}, {first.stderr}')
    replayed = json.loads(run([irplab, 'replay', '--json', f['replay']]).stdout)
    if replayed['run_hash'] != j['run_hash']:
        fail('the replay has another run hash')
    for text in contains:
        if text not in first.stdout:
            fail(f'the report does not say "{text}":\n{first.stdout}')
    print(f"found after {j['schedules']} schedules: {f['message']}")


def main():
    irplab, expect, rest, contains = sys.argv[1], sys.argv[2], sys.argv[3:], []
    while rest and rest[0] == '--contains':
        contains.append(rest[1])
        rest = rest[2:]
    if rest and rest[0] == '--':
        rest = rest[1:]
    with tempfile.TemporaryDirectory() as folder:
        code, a = explore(irplab, rest, folder)
        again, b = explore(irplab, rest, folder)
        same_twice(a, b)
        if expect == 'pass':
            check_pass(code, a)
        else:
            check_failure(irplab, expect, contains, code, a)


main()
