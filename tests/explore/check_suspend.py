#!/usr/bin/env python3
"""Random programs whose threads stop each other wherever they are (pe/suspend.c): no order drawn at random, or of all orders where these are few, belongs to a class
that the reduction misses, none is run twice or given up. Those with more classes than there is time for are left out.

usage: check_suspend.py COMPARE_CLASSES SUSPEND.exe PROGRAMS SEED"""
import random
import subprocess
import sys

compare, program = sys.argv[1:3]
count, rng = int(sys.argv[3]), random.Random(int(sys.argv[4]))
# What once went wrong: stopped at an atomic instruction, before a lock that is held, in a wait, before it returns from the kernel.
texts = ['a0,s0g0', 'l0,s0l0g0', 'm0,s0g0', 'y0,s0e0g0']


def text(threads, i):
    """What a thread stops it lets go on in the end, mostly."""
    words = [rng.choice('aarwwceplm') + str(rng.randrange(2)) for _ in range(rng.choice((0, 1, 1, 2)))]
    other = rng.randrange(threads)
    if rng.random() < 0.6:
        at = rng.randrange(len(words) + 1)
        words.insert(at, f's{other}')
        if rng.random() < 0.9 or other == i:
            words.insert(rng.randrange(at + 1, len(words) + 1), f'g{other}')
    elif rng.random() < 0.3:
        words.append(f'q{other}')
    if rng.random() < 0.1:
        words.append('y0')
    return ''.join(words)


while len(texts) < count:
    threads = rng.choice((2, 2, 3))
    made = [text(threads, i) for i in range(threads)]
    if any('s' in t for t in made) and all(made):
        texts.append(','.join(made))
wrong = large = 0
for t in texts[:count]:
    done = subprocess.run([compare, '--cpus', '8', '--', '5', '150', program, t], capture_output=True, text=True)
    if done.returncode == 1 and 'stopped before the end' in done.stdout:
        large += 1
    elif done.returncode:
        wrong += 1
        print(f'{t}: status {done.returncode}: {done.stdout.strip()} {done.stderr.strip()}')
print(f'{count} programs, {wrong} wrong, {large} too large')
sys.exit(wrong != 0 or large * 4 > count)
