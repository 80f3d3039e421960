#!/usr/bin/env python3
"""Processes that end while their threads are in all kinds of places (pe/exits.c): no crash, no order drawn at random belongs to a class that the reduction misses, none
is run twice or given up. Those with more classes than there is time for are left out.

usage: check_exits.py COMPARE_CLASSES IO.sys EXITS.exe PROGRAMS SEED"""
import random
import subprocess
import sys

compare, driver, program = sys.argv[1:4]
count, rng = int(sys.argv[4]), random.Random(int(sys.argv[5]))
# What once went wrong: a thread made after all were told to end; one told to end that ends the process; ended where it waits for a lock; before it has begun; twice at once.
cases = [('cn', 'c'), ('nq', 'c'), ('xt', 'e'), ('c', 'c'), ('n', 'c'), ('qc', 'c'), ('nx', 'c'), ('cdn', ''), ('cx', ''), ('wx', 'e'), ('ax', 'e')]
while len(cases) < count:
    cases.append((''.join(rng.choice('waqsclextmdn') for _ in range(rng.choice((1, 2, 2, 3)))), rng.choice(('', 'c', 'e'))))
wrong = large = 0
for letters, end in cases[:count]:
    command = [compare, '--cpus', '8', '--driver', driver, '--', '5', '120', program, letters] + ([end] if end else [])
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 1 and 'stopped before the end' in done.stdout:
        large += 1
    elif done.returncode:
        wrong += 1
        print(f'{letters} {end}: status {done.returncode}: {done.stdout.strip()} {done.stderr.strip()}')
print(f'{count} programs, {wrong} wrong, {large} too large')
sys.exit(wrong != 0 or large * 4 > count)
