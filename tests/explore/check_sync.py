#!/usr/bin/env python3
"""Threads that wait for each other by each means that programs have: as many orders are run as there are classes, whose number follows from what the
models do, none is given up, and no order drawn at random belongs to another class.

usage: check_sync.py IRPLAB SYNC.exe COMPARE_CLASSES quick|full"""
import json
import subprocess
import sys
import tempfile
from math import comb, factorial

irplab, program, compare, amount = sys.argv[1:5]


def left_waiting(n, otherwise=1):
    """Who of n waits before it is let go, in which order; each other has so many ways."""
    return sum(comb(n, k) * factorial(k) * otherwise ** (n - k) for k in range(n + 1))


table = [(['alone', '3'], 1), (['alone', '6'], 1)]
for lock in ('exclusive', 'critical', 'mutex'):
    table += [([lock, '2'], 2), ([lock, '3'], 6), ([lock, '2', '2'], 6), ([lock, '3', '2'], 90)]
# Writers one after another, each reader in one of the gaps.
table += [(['shared', str(n), str(k)], factorial(k) * (k + 1) ** (n - k)) for n, k in ((3, 1), (4, 1), (4, 2), (5, 2), (5, 0))]
# Those who come before the first wait, in any order; then the lock has any order.
table += [([how, str(n + 1)], factorial(n) * left_waiting(n)) for how in ('condition', 'condition-inside') for n in (1, 2, 3)]
# Who finds the old value either waits or learns at once that it is old.
table += [(['address', str(n + 1)], left_waiting(n, 2)) for n in (1, 2, 3)]
table += [(['notification', str(n + 1)], left_waiting(n)) for n in (1, 2, 3)]
# Whoever is first does it.
table += [(['once', str(n)], n) for n in (2, 3, 5)]

# Each has handles of its own; who comes first to a barrier, and who last, each time.
table += [(['handles', '2'], 1), (['handles', '3'], 1), (['barrier', '2'], 2), (['barrier', '3'], 6), (['barrier', '2', '2'], 4)]

wrong = 0
for arguments, exact in table:
    if amount == 'quick' and exact > 40:
        continue
    command = [irplab, 'explore', '--strategy', 'dpor', '--json', '--time', '60', '--cpus', '16', '--output', tempfile.gettempdir(), program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        r = json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f'{" ".join(command)}: {done.stderr}')
    right = done.returncode == 0 and r['schedules'] == r['traces'] == exact and r['blocked'] == 0 and r['complete']
    drawn = subprocess.run([compare, '--cpus', '16', '--', '60', '300' if amount == 'quick' else '3000', program, *arguments], capture_output=True, text=True)
    right &= drawn.returncode == 0
    wrong += not right
    print(f'{" ".join(arguments):20} {r["schedules"]} of {exact}, {r["blocked"]} blocked; {drawn.stdout.strip()}{"" if right else "   WRONG"}')
sys.exit(wrong != 0)
