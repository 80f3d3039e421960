#!/usr/bin/env python3
"""What threads without any order can end with, found by exploring programs built with and without --race, against all orders of their accesses.

usage: check_outcomes.py IRPLAB PROGRAM=FILE.exe ...
"""
import json
import subprocess
import sys
import tempfile


def write(variable, value):
    return lambda s: s.__setitem__(variable, value)


def read(place, variable):
    return lambda s: s.__setitem__(place, s[variable])


def add(own):
    return [read(own, 'x'), lambda s: s.__setitem__('x', s[own] + 1)]


programs = {
    1: [[write('x', 1), read(0, 'y')], [write('y', 1), read(1, 'x')]],
    2: [add('a'), add('b')],
    3: [[write('x', 1), write('y', 1)], [read(0, 'y'), read(1, 'x')]],
    4: [[write('x', 1)], [write('x', 2)], [read(0, 'x')]],
    6: [[write('x', 1)]],
    5: [[write('x', 1)], [write('y', 1)], [read(0, 'x'), read(1, 'y')], [read(2, 'y'), read(3, 'x')]],
}


def ends(threads, state):
    """States that the threads (lists of steps) can end in."""
    if not any(threads):
        yield state
    for i, steps in enumerate(threads):
        if steps:
            s = dict(state)
            steps[0](s)
            yield from ends(threads[:i] + [steps[1:]] + threads[i + 1:], s)


def outcome(s):
    n = s['x']
    for i in range(4):
        n = n * 3 + s[i]
    return 1000 + n


def explored(irplab, program):
    with tempfile.TemporaryDirectory() as out:
        p = subprocess.run([irplab, 'explore', '--json', '--keep-going', '--preemptions', '4', '--output', out, program], capture_output=True, text=True)
    j = json.loads(p.stdout)
    return {f['code'] for f in j['failures'] if f['kind'] == 'exit'}, j


irplab, *given = sys.argv[1:]
bad = 0
for what in given:
    number, program = what.split('=', 1)
    expected = {outcome(s) for s in ends(programs[int(number)], {'x': 0, 'y': 0, 0: 0, 1: 0, 2: 0, 3: 0})}
    found, j = explored(irplab, program)
    right = found == expected and j['complete'] and j.get('plain_unseen', False) == (number == '6')
    print(f'{program}: {len(found)} of {len(expected)} outcomes, {j["schedules"]} schedules, {"complete" if j["complete"] else "not complete"}')
    if not right:
        print(f'  missing {sorted(expected - found)}, impossible {sorted(found - expected)}')
        bad = 1
sys.exit(bad)
