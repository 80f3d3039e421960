#!/usr/bin/env python3
"""Loops that wait by looking again: the reduction sees each class of orders once (the search without reduction says how many there are),
a loop that gives up is seen giving up, one that waits for what never comes is a hang.

usage: check_loops.py IRPLAB LOOPS.exe"""
import json
import subprocess
import sys
import tempfile

irplab, program = sys.argv[1:3]


def explore(strategy, arguments):
    command = [irplab, 'explore', '--json', '--time', '60', f'--output={tempfile.gettempdir()}', '--strategy', strategy]
    command += ['--preemptions', '99'] if strategy == 'dfs' else []
    done = subprocess.run(command + [program, *arguments], capture_output=True, text=True)
    try:
        return json.loads(done.stdout), done.returncode
    except json.JSONDecodeError:
        sys.exit(f'{" ".join(command)}: {done.stderr}')


# Looks of each waiter before the event is set: 0 to 8, after that it waits; those that give up: 0 to 5.
table = [('e', 9, True), ('b', 9, True), ('f', 6, True), ('y', 2, True), ('i', 1, True), ('s', 2, True), ('s 2', 4, True), ('e 2', 81, False), ('f 2', 36, False)]
wrong = 0
for arguments, exact, compare in table:
    r, status = explore('dpor', arguments.split())
    right = r['schedules'] == r['traces'] == exact and r['blocked'] == 0 and r['complete'] and status == 0
    if compare:
        full, _ = explore('dfs', arguments.split())
        right &= full['complete'] and full['traces'] == exact
    wrong += not right
    print(f'{arguments:4} {r["schedules"]} of {exact}, {"complete" if r["complete"] else "not complete"}{"" if right else "   WRONG"}')
r, status = explore('auto', ['n'])
hangs = status == 1 and r['failures'][0]['kind'] == 'hang'
print('n    ', 'a hang' if hangs else 'WRONG', f'{r["seconds"]:.2f} s')
sys.exit(wrong != 0 or not hangs)
