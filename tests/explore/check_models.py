#!/usr/bin/env python3
"""The number of orders that matter, for models with a known number (Mazurkiewicz traces under sequential consistency; Abdulla et al.,
Source Sets, J. ACM 2017, and the tables of Nidhugg and GenMC), run as a Windows program: executed equals optimal, none is blocked.

usage: check_models.py IRPLAB MODELS.exe quick|full"""
import json
import subprocess
import sys
import tempfile
from math import factorial

irplab, program, amount = sys.argv[1:4]

# model, arguments, preemption bound or None, exact number, in the quick run too
table = [(['readers', '5'], None, 2 ** 5, True), (['readers', '8'], None, 2 ** 8, False)]
table += [(['writers', str(n)], None, factorial(n), n <= 4) for n in (3, 4, 5, 6)]
table += [(['counters', str(n), '1'], None, factorial(n), n <= 4) for n in (4, 5, 6)]
table += [(['counters', str(n), str(k)], None, factorial(n) ** k, n <= 3) for n, k in ((2, 2), (3, 2), (4, 2), (2, 3), (3, 3))]
table += [(['rw', str(n)], None, factorial(n) ** 2, n <= 3) for n in (2, 3, 4)]
for lock in ('critical', 'slim', 'mutex'):
    table += [([lock, '3', '2'], None, 90, True), ([lock, '5', '1'], None, 120, False), ([lock, '6', '1'], None, 720, False)]
table += [(['lastzero', str(n)], None, (n + 3) * 2 ** (n - 2), n <= 5) for n in (3, 4, 5, 6, 8)]
table += [(['indexer', str(n)], None, 8 ** (n - 11), n <= 12) for n in (11, 12, 13, 14)]
table += [(['filesystem', str(n)], None, 2 ** (n - 13), n <= 14) for n in (13, 14, 16, 18)]
table += [(['tail', '2'], None, 6, True), (['tail', '3'], None, 90, True), (['tail', '4'], None, 2520, False)] # as many as two writes each
table += [(['dekker', '2'], None, 3, True)]
# The other sizes of the table.
table += [(['readers', '13'], None, 8192, False), (['writers', '7'], None, 5040, False), (['counters', '7', '1'], None, 5040, False), (['counters', '4', '3'], None, 13824, False),
          (['critical', '7', '1'], None, 5040, False), (['lastzero', '10'], None, 3328, False), (['indexer', '15'], None, 4096, False), (['indexer', '16'], None, 32768, False),
          (['filesystem', '19'], None, 64, False), (['filesystem', '20'], None, 128, False), (['filesystem', '22'], None, 512, False), (['filesystem', '24'], None, 2048, False)]
# Loops that wait: what a look finds in vain is no event. Szymanski's algorithm in its short form can wait for ever, in 25 ways.
table += [(['peterson', '2'], None, 4, True), (['szymanski', '2'], None, 6, True), (['lamport', '2'], None, 16, True)]
table += [([lock, str(n), str(k)], None, exact, n * k <= 4) for lock in ('tas', 'ticket') for n, k, exact in ((3, 1, 6), (2, 2, 6), (4, 1, 24), (3, 2, 90), (5, 1, 120))]
table += [(['big', '4'], None, 69112, False)] + [(['big', '4'], bound, exact, bound == 0) for bound, exact in enumerate((14, 206, 1561, 7410))]
table += [(['lamport', '2'], bound, exact, True) for bound, exact in enumerate((2, 6, 10, 16))]
# Nobody waits for the threads, so the last one ends the process: their ends have an order, too. As many as without reduction (dfs, no bound).
table += [(['apart', '1'], None, 2, True), (['apart', '2'], None, 14, True), (['apart', '3'], None, 202, False)]
livelocks = {'szymanski': 25}
for bound, binc, cinc in ((0, 6, 6), (1, 24, 42), (2, 36, 120), (3, 36, 192), (4, 36, 216)):
    table += [(['counters', '3', '2'], bound, binc, bound <= 2), (['rw', '3'], bound, binc, bound <= 2), (['counters', '3', '3'], bound, cinc, bound <= 1)]

for bound, four in ((0, 24), (1, 168), (2, 432), (3, 576)):
    table += [(['counters', '4', '2'], bound, four, bound == 0), (['rw', '4'], bound, four, False)]
for bound, exact in ((0, 24), (1, 90), (2, 130)):
    table += [(['coherence', '3'], bound, exact, True)]

wrong = 0
for arguments, bound, exact, quick in table:
    if amount == 'quick' and not quick:
        continue
    # A processor for each thread, so that they do not exclude each other.
    command = [irplab, 'explore', '--strategy', 'dpor', '--json', '--time', '120', '--keep-going', '--cpus', '16', f'--output={tempfile.gettempdir()}']
    command += ['--preemptions', str(bound)] if bound is not None else []
    done = subprocess.run(command + [program, *arguments], capture_output=True, text=True)
    try:
        r = json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f'{" ".join(command)}: {done.stderr}')
    stuck = livelocks.get(arguments[0], 0)
    right = r['schedules'] == r['traces'] == exact + stuck and r['failing'] == stuck and r['blocked'] == 0 and r['complete'] and done.returncode == (stuck > 0)
    right &= all(f['name'] == 'LIVELOCK' for f in r['failures'])
    wrong += not right
    print(f'{" ".join(arguments):16} bound {"-" if bound is None else bound}: {r["schedules"] - r["failing"]} of {exact}, {r["failing"]} livelocks, {r["blocked"]} blocked, '
          f'{"complete" if r["complete"] else "not complete"}, {r["seconds"]:.2f} s{"" if right else "   WRONG"}')
sys.exit(wrong != 0)
