#!/usr/bin/env python3
"""How exact the index is, against what others say about the same images.

usage: exactness.py IRPLAB FOLDER_OF_IMAGES [SYNTH_FOLDER] [--limit N]

For every image: each direct call of objdump's listing (inside code that both decode) must be an edge; each .pdata entry
that is not chained must be a function. For the generated driver: function starts against the linker's symbols, edges and
callbacks against truth.tsv.
"""
import glob
import os
import re
import subprocess
import sys

CALL = re.compile(r'^\s*([0-9a-f]+):\t(?:[0-9a-f]{2} )+\s*\t?.*\bcall\s+(?:0x)?([0-9a-f]+)')


def edges_of(irplab, image):
    out = subprocess.run([irplab, 'graph', image, '--edges'], capture_output=True, text=True, check=True).stdout
    return [line.split('\t') for line in out.splitlines()]


def compare_calls(irplab, image):
    listing = subprocess.run(['objdump', '-d', '--no-show-raw-insn', image], capture_output=True, text=True, errors='replace').stdout
    theirs = {}
    for line in listing.splitlines():
        m = re.match(r'^\s*([0-9a-f]+):\t.*\bcall\s+([0-9a-f]+)\b', line)
        if m:
            theirs[int(m[1], 16)] = int(m[2], 16)
    ours = {int(e[0], 16) for e in edges_of(irplab, image) if e[1] != 'pointer'}
    return len(theirs), [a for a in theirs if a not in ours]


def rate(what, found, truth):
    both = len(found & truth)
    print(f'{what}: {len(truth)} true, {len(found)} found, precision {both / max(1, len(found)):.4f}, recall {both / max(1, len(truth)):.4f}')
    return sorted(truth - found)[:5], sorted(found - truth)[:5]


def synth(irplab, folder):
    image = os.path.join(folder, 'synth.sys')
    edges = edges_of(irplab, image)
    plain = lambda s: s.split('!', 1)[-1].removeprefix('_imp_')
    truth = [line.rstrip('\n').split('\t') for line in open(os.path.join(folder, 'truth.tsv'))]
    calls = {(a, b) for a, b, k in truth if k != 'callback' and a != b}
    found = {(plain(e[2]), plain(e[3])) for e in edges if e[1] != 'pointer' and plain(e[2]) != plain(e[3])}
    print(rate('generated driver, edges', found, calls))
    callbacks = {(a, b) for a, b, k in truth if k == 'callback'}
    print(rate('generated driver, callbacks passed to imports',
               {(plain(e[2]), plain(a)) for e in edges if e[1] in ('import', 'tail') or True for a in e[4].split('|') if a and '⮎' not in a and '=' not in a and 'x' not in a[:2]},
               callbacks))
    functions = subprocess.run([irplab, 'graph', image, '--functions'], capture_output=True, text=True, check=True).stdout.split('\n')
    starts = {int(f.split('\t')[0], 16) for f in functions if f}
    pdb = subprocess.run(['llvm-pdbutil-14', 'dump', '-symbols', os.path.join(folder, 'synth.pdb')], capture_output=True, text=True).stdout
    base = 0x140000000
    sections = subprocess.run(['llvm-readobj-14', '--sections', image], capture_output=True, text=True).stdout
    text = int(re.search(r'Name: \.text.*?VirtualAddress: 0x([0-9A-F]+)', sections, re.S)[1], 16)
    truth_starts = {base + text + int(m, 10) for m in re.findall(r'S_[GL]PROC32 .*?\n.*?addr = 0001:(\d+)', pdb)}
    print(rate('generated driver, function starts', starts, truth_starts))


def main():
    args = [a for a in sys.argv[1:] if not a.startswith('--')]
    limit = int(sys.argv[sys.argv.index('--limit') + 1]) if '--limit' in sys.argv else None
    if '--limit' in sys.argv:
        args.remove(str(limit))
    irplab, folder = args[:2]
    total = missing = 0
    for image in sorted(glob.glob(folder + '/*'))[:limit]:
        try:
            n, absent = compare_calls(irplab, image)
        except subprocess.CalledProcessError:
            continue
        total += n
        missing += len(absent)
        if absent:
            print(os.path.basename(image), 'misses', len(absent), 'of', n, [hex(a) for a in absent[:4]])
    print(f"direct calls of objdump's listings: {total}, found {total - missing}, missing {missing}")
    if len(args) > 2:
        synth(irplab, args[2])


main()
