#!/usr/bin/env python3
"""Random programs of a driver (pe/io.c): requests in several threads that use events, semaphores, locks, timers, DPCs, work items and cancellation, with branches on what
they find. No order drawn at random belongs to a class that the reduction misses, none is run twice or given up. Those with more classes than there is time for are left out.

usage: check_io.py COMPARE_CLASSES IO.sys IO-THREADS.exe PROGRAMS SEED"""
import random
import subprocess
import sys

compare, driver, program = sys.argv[1:4]
count, rng = int(sys.argv[4]), random.Random(int(sys.argv[5]))
LETTERS = 'arwcexpqtkilmuvbdzsgf'
# What once went wrong: an item that is freed while it is queued; the same after other calls.
texts = ['i0f0', 'c0f0i0,a1', 'q0i0f0,a0', 'i1w0i1,t0f0', 'u0,k0,i1d0f0', 'i1p1,m1f0']
while len(texts) < count:
    threads, objects = rng.choice((2, 2, 2, 3)), rng.choice((1, 2))
    texts.append(','.join(''.join(rng.choice(LETTERS) + str(rng.randrange(objects)) for _ in range(rng.choice((1, 2, 2, 3) if threads == 2 else (1, 1, 2)))) for _ in range(threads)))
wrong = large = 0
for text in texts[:count]:
    done = subprocess.run([compare, '--cpus', '8', '--driver', driver, '--', '5', '120', program, text], capture_output=True, text=True)
    if done.returncode and 'stopped before the end' in done.stdout:
        large += 1
    elif done.returncode:
        wrong += 1
        print(f'{text}: {done.stdout.strip()} {done.stderr.strip()}')
print(f'{count} programs, {wrong} wrong, {large} too large')
sys.exit(wrong != 0 or large * 4 > count)
