#!/usr/bin/env python3
"""Kernel calls that are said to be independent of each other: random programs over the operations that drivers race in (pe/calls.c, which says what the letters do), and
random walks through each. Wherever two neighbours of a walk are said to be independent, both orders are run from where they stand, and must touch the same, leave the same
agents able to go on and the same bytes, and end in the same way (irplab explore --check-orders).

Each pair of operations is drawn once before any is drawn twice, on the same object as often as on two.

usage: check_pairs.py IRPLAB CALLS.sys IO-THREADS.exe PROGRAMS SEED [WALKS]"""
import random
import subprocess
import sys
import tempfile

irplab, driver, program = sys.argv[1:4]
count, seed, walks = int(sys.argv[4]), int(sys.argv[5]), sys.argv[6] if len(sys.argv) > 6 else '6'
rng = random.Random(seed)
LETTERS = 'arwcexPEpsgmtkTqQiAbdzoOYIBnNjJyulLfFUVhHMRGWSKXCvD'
# What once went wrong.
texts = []
pairs = [(a, b) for i, a in enumerate(LETTERS) for b in LETTERS[i:]]
rng.shuffle(pairs)


def word(letter=None):
    return (letter or rng.choice(LETTERS)) + str(rng.randrange(2))


def text(pair):
    """Two threads that meet at a pair, with whatever comes before and behind; sometimes a third."""
    threads = [[word() for _ in range(rng.randrange(3))] + [word(letter)] + [word() for _ in range(rng.randrange(2))] for letter in pair]
    if rng.random() < 0.3:
        threads.append([word() for _ in range(rng.choice((1, 2)))])
    return ','.join(str(i) + ''.join(t) for i, t in enumerate(threads))


while len(texts) < count:
    texts.append(text(pairs[len(texts) % len(pairs)]))
wrong = looked = 0
with tempfile.TemporaryDirectory() as folder:
    for number, t in enumerate(texts[:count]):
        command = [irplab, 'explore', '--check-orders', '--schedules', walks, '--time', '20', '--seed', str(seed + number), '--output', folder, '--driver', driver, '--device', 'ROOT\\CALLS',
                   program, t]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            sys.exit(f'{" ".join(command)}: status {done.returncode}: {done.stderr}')
        looked += int(done.stdout.strip().splitlines()[-1].split(' pairs')[0])
        if done.returncode:
            wrong += 1
            print(f'{t} (seed {seed + number}):\n{done.stdout}')
print(f'{count} programs, {looked} pairs run in both orders, {wrong} programs with differences')
sys.exit(wrong != 0 or looked < count * 10)
