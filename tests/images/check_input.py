#!/usr/bin/env python3
"""Bad input: one line on stderr, status 2, nothing on stdout, nothing written; and never a crash.

usage: check_input.py IRPLAB DRIVER.sys PROGRAM.exe
"""
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

IRPLAB, DRIVER, PROGRAM = map(os.path.abspath, sys.argv[1:4])
failures = 0


def run(*words):
    return subprocess.run([IRPLAB, *words], capture_output=True, timeout=60)


def fail(what, p):
    global failures
    failures += 1
    if failures <= 10:
        print(f'FAILED: {what}: status {p.returncode}\n{p.stdout[:200]}\n{p.stderr[:300]}')


def refused(*words):
    p = run(*words)
    if p.returncode != 2 or p.stdout or p.stderr.count(b'\n') != 1:
        fail(' '.join(words), p)
    return p


def commands(path):
    for json in [], ['--json']:
        yield ['run', *json, '--driver', path]
        yield ['run', *json, path]
        yield ['run', *json, '--driver', path, PROGRAM]
        yield ['explore', *json, '--driver', path]
        yield ['explore', *json, '--driver', DRIVER, path]
        yield ['replay', *json, path]
        yield ['imports', *json, DRIVER, path]
        yield ['graph', *json, path, 'DriverEntry']
        yield ['disasm', *json, path, 'DriverEntry']
        yield ['search', *json, path, 'ret']
    yield ['report', path, '-o', 'out.html']


def header(data):
    return struct.unpack_from('<I', data, 0x3C)[0]


def changed(data, offset, form, value):
    new = bytearray(data)
    struct.pack_into(form, new, offset, value)
    return bytes(new)


def foreign_files(data):
    at = header(data)
    yield 'empty', b''
    yield 'text.txt', b'hello\n'
    yield 'elf.sys', b'\x7fELF' + bytes(200)
    yield 'short.sys', data[:300]
    yield 'pe32.sys', changed(data, at + 24, '<H', 0x10B)
    yield 'arm64.sys', changed(data, at + 4, '<H', 0xAA64)
    yield 'i386.sys', changed(changed(data, at + 4, '<H', 0x14C), at + 24, '<H', 0x10B)
    yield 'sections.sys', changed(data, at + 6, '<H', 0xFFFF)
    yield 'size.sys', changed(data, at + 24 + 56, '<I', 0xFFFFF000)
    yield 'headers.sys', changed(data, at + 24 + 60, '<I', 0x7FFFFFFF)
    yield 'entry.sys', changed(data, at + 24 + 16, '<I', 0x7FFFFFFF)
    table = at + 24 + 240
    yield 'raw.sys', changed(data, table + 20, '<I', 0xFFFFFE00)
    yield 'rawsize.sys', changed(data, table + 16, '<I', 0xFFFFFE00)
    yield 'rva.sys', changed(data, table + 12, '<I', 0xFFFFF000)
    yield 'overlap.sys', changed(data, table + 40 + 12, '<I', 0x1000)
    yield 'import.sys', changed(data, at + 24 + 112 + 8, '<I', 0xFFFFFFF0)


def files(data):
    os.mkdir('folder')
    for name, content in foreign_files(data):
        with open(name, 'wb') as f:
            f.write(content)
        yield name
    yield from ('folder', 'nowhere.sys', '/dev/null')


def listed_fields(data):
    """A few bytes of every directory's table, headers and section table: where a reader can be led astray."""
    at = header(data)
    yield from range(0x3C, 0x40)
    yield from range(at, at + 24 + 240 + 40 * struct.unpack_from('<H', data, at + 6)[0])


def mutations(data, count, seed):
    chance = random.Random(seed)
    fields = list(listed_fields(data))
    for _ in range(count):
        new = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 4])):
            at = chance.choice(fields) if chance.random() < 0.5 else chance.randrange(len(new) - 4)
            if chance.random() < 0.5:
                new[at] ^= 1 << chance.randrange(8)
            else:
                struct.pack_into('<I', new, min(at, len(new) - 4), chance.choice([0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x1000, 0xFFFFF000, 0x10000000]))
        yield bytes(new)


def survives(path, *words):
    p = run(*words, path)
    if p.returncode not in (0, 1, 2) or (p.returncode == 2 and (p.stdout or p.stderr.count(b'\n') != 1)):
        kept = f'{tempfile.gettempdir()}/irplab-bad-{os.path.basename(path)}'
        shutil.copy(path, kept)
        fail(f'{" ".join(words)} {kept}', p)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    with open(DRIVER, 'rb') as f:
        driver = f.read()
    with open(PROGRAM, 'rb') as f:
        program = f.read()
    for name in files(driver):
        for words in commands(name):
            refused(*words)
    before = set(os.listdir('.'))
    for text in 'a!b', 'a!b=', 'a!=1', '!b=1', 'a!b=0x', 'a!b=0xzz', 'a!b=1x', 'a!b=-1', 'a!b= 1', 'a!b=+1', 'ab=1', '=', '', 'a!b=' + '9' * 30:
        refused('run', '--json', '--stub', text, '--driver', DRIVER)
    for words in ([], ['nosuch'], ['run'], ['explore'], ['imports'], ['graph'], ['replay'], ['report'], ['cc'], ['run', '--nosuch'], ['run', '--driver'],
                  ['run', '--driver', PROGRAM], ['run', DRIVER], ['run', '--cpus', '0', '--driver', DRIVER], ['report', DRIVER, '-o', 'out.html']):
        if words:
            refused(*words)
    for length in list(range(0, 0x400, 37)) + list(range(0x400, len(driver), 211)):
        with open('cut.sys', 'wb') as f:
            f.write(driver[:length])
        survives('cut.sys', 'run', '--json', '--driver')
    for i, data in enumerate(mutations(driver, 150, 1)):
        with open('bent.sys', 'wb') as f:
            f.write(data)
        survives('bent.sys', 'run', '--json', '--driver')
        survives('bent.sys', 'imports')
    for data in mutations(program, 60, 2):
        with open('bent.exe', 'wb') as f:
            f.write(data)
        survives('bent.exe', 'run', '--json')
    left = set(os.listdir('.')) - before - {'cut.sys', 'bent.sys', 'bent.exe'}
    if left:
        failures += 1
        print('FAILED: left behind:', left)
print(f'{failures} failures')
sys.exit(1 if failures else 0)
