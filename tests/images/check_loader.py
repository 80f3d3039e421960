#!/usr/bin/env python3
"""Images made in many ways are loaded and run, and say what they should.

usage: check_loader.py IRPLAB SOURCES
"""
import json
import os
import subprocess
import sys
import tempfile

IRPLAB, SOURCES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
GCC = ['x86_64-w64-mingw32-gcc', '-O2', '-I/usr/share/mingw-w64/include/ddk', '-nostdlib', '-Wl,--subsystem,native', '-Wl,-e,DriverEntry']
failures = 0


def check(what, ok, detail=''):
    global failures
    if not ok:
        failures += 1
        print(f'FAILED: {what}\n{detail[:700]}')


def sh(*command):
    return subprocess.run(command, capture_output=True, text=True, errors='replace', timeout=60)


def build(out, *words):
    p = sh(IRPLAB, 'cc', '-o', out, *[w if w[0] == '-' or os.path.exists(w) else f'{SOURCES}/{w}' for w in words])
    check(f'{out} is built', p.returncode == 0, p.stderr)


def prints(what, args, wanted, status=0):
    p = sh(IRPLAB, 'run', *args)
    lines = (p.stderr if '--verbose' in args else p.stdout).splitlines()  # DbgPrint is a note, the program's output is not
    lines = [line for line in lines if not line.startswith('irplab:')] if status == 0 else None
    wanted = wanted if status == 0 else None
    check(what, p.returncode == status and (wanted is None or lines == wanted), f'status {p.returncode}\n{p.stdout}{p.stderr}')
    return p


def drivers_import_from_each_other():
    build('exporter.sys', 'exporter.c', 'exporter.def')
    sh('llvm-dlltool-14', '-m', 'i386:x86-64', '-d', f'{SOURCES}/exporter.def', '-l', 'exporter.a')
    build('importer.sys', 'importer.c', 'exporter.a')
    build('loop.sys', '-DLOOP', 'importer.c', 'exporter.a')
    said = ['importer: 42 2 42 6 12']
    prints('the exporter first', ['--verbose', '--driver', 'exporter.sys', '--driver', 'importer.sys'],
           ['exporter: entry 41'] + said + ['importer: unload', 'exporter: unload'])
    key = r'\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\exporter'
    prints('the importer first', ['--verbose', '--driver', 'importer.sys', '--driver', 'exporter.sys'],
           [f'exporter: DllInitialize {key}'] + said + ['exporter: entry 42', 'exporter: unload', 'importer: unload', 'exporter: DllUnload'])
    p = prints('the importer alone', ['--driver', 'importer.sys'], None, 1)
    check('names the data that is missing', 'exporter.sys!Shared is not supported (written by importer!DriverEntry' in p.stderr, p.stderr)
    p = prints('forwarders in a circle', ['--driver', 'exporter.sys', '--driver', 'loop.sys'], None, 1)
    check('names the function that is missing', 'exporter.sys!Loop1' in p.stderr, p.stderr)
    for images, missing in (['importer.sys'], 7), (['importer.sys', 'exporter.sys'], 0), (['loop.sys', 'exporter.sys'], 2):
        p = sh(IRPLAB, 'imports', '--json', *images)
        got = sum(i['state'] == 'missing' for image in json.loads(p.stdout)['images'] for i in image['imports'])
        check(f'imports of {images}', got == missing and p.returncode == (missing > 0), p.stdout)
    p = sh(IRPLAB, 'explore', '--json', '--driver', 'importer.sys', '--driver', 'exporter.sys')
    check('explored', p.returncode == 0 and json.loads(p.stdout)['complete'], p.stdout + p.stderr)


def odd_images():
    said = ['small: lollipop food loll 6 1', 'small: bye lollipop food loll 6']
    seh = ['small: lollipop food loll 16 1', 'small: bye lollipop food loll 16']
    for base in '0x10000', '0x180000000', '0x7ff600000000', '0xfffff80000000000', '0xffffffff80000000':
        build('based.sys', '-DSEH', '-Wl,--image-base,' + base, 'small.c')
        prints(f'base {base}', ['--verbose', '--driver', 'based.sys'], seh)
    for base in '0x140000000', '0x180000000', '0x10000000', '0x1ff600000000':
        build('fixed.sys', '-DSEH', '-Wl,--image-base,' + base, '-Wl,--disable-dynamicbase', '-Wl,--disable-reloc-section', 'small.c')
        prints(f'no relocations, base {base}', ['--verbose', '--driver', 'fixed.sys'], seh)
        p = sh(IRPLAB, 'explore', '--driver', 'fixed.sys')
        check(f'no relocations, base {base}, explored', p.returncode == 0 and 'complete' in p.stdout, p.stdout + p.stderr)
    build('fails.sys', '-DFAIL', '-Wl,--image-base,0x180000000', '-Wl,--disable-dynamicbase', '-Wl,--disable-reloc-section', 'small.c')
    p = sh(IRPLAB, 'explore', '--output', 'out', '--driver', 'fails.sys')
    check('a failure of an image at its own base comes back', p.returncode == 1 and 'ATTEMPTED_WRITE_TO_READONLY_MEMORY' in p.stdout, p.stdout + p.stderr)
    build('taken.sys', '-Wl,--image-base,0x200100000000', '-Wl,--disable-dynamicbase', '-Wl,--disable-reloc-section', 'small.c')
    p = prints('a base that is taken', ['--driver', 'taken.sys'], [], 2)
    check('says so in one line', p.stderr == 'irplab: taken.sys: has no relocations and its base 0x200100000000 is taken\n', p.stderr)
    for align in '0x10', '0x20', '0x200':
        p = sh(*GCC, f'-Wl,--section-alignment,{align}', f'-Wl,--file-alignment,{align}', f'{SOURCES}/small.c', '-o', 'packed.sys', '-lntoskrnl')
        check('gcc', p.returncode == 0, p.stderr)
        prints(f'sections {align} apart', ['--verbose', '--driver', 'packed.sys'], said)
    sh(*GCC, '-s', '-Wl,--section-alignment,0x2000', '-Wl,--file-alignment,0x1000', f'{SOURCES}/small.c', '-o', 'wide.sys', '-lntoskrnl')
    prints('sections 0x2000 apart', ['--verbose', '--driver', 'wide.sys'], said)
    for words in ['--msvc'], ['--msvc', '-Wl,/merge:.rdata=.text'], ['--msvc', '-O0'], ['--msvc', '-g']:
        build('micro.sys', '-DSEH', *words, 'small.c')
        prints(' '.join(words), ['--verbose', '--driver', 'micro.sys'], [seh[0].replace('16 1', '16 0'), seh[1]])  # entered by way of the cookie


def init_is_discarded():
    for abi in [], ['--msvc']:
        build('init.sys', *abi, 'init.c')
        prints('INIT is not needed any more', ['--verbose', '--driver', 'init.sys'], ['init: start', 'init: bye'])
        build('late.sys', *abi, '-DLATE', 'init.c')
        p = prints('INIT is called too late', ['--verbose', '--driver', 'late.sys'], ['init: start'], 1)
        check('a page fault in the discarded section', '0x50 PAGE_FAULT_IN_NONPAGED_AREA' in p.stderr and 'late!OnlyAtStart' in p.stderr, p.stderr)
        p = sh(IRPLAB, 'explore', '--driver', 'init.sys')
        check('explored with INIT', p.returncode == 0, p.stdout + p.stderr)


def thread_local_storage():
    build('first.dll', '-DDLL', '-DNAME="first"', 'storage.c', '-Wl,--out-implib,first.a')
    build('late.dll', '-DDLL', '-DQUIET', '-DNAME="late"', 'storage.c')
    build('storage.exe', 'storage.c', 'first.a')
    wanted = ['first 1 (process)', 'program 1 (process)', 'main 7 17 5', 'first 2', 'program 2', 'thread 10 0 8', 'first 3', 'program 3',
              'main 100 17', 'late 1', 'late 9', 'late 0', 'first 0 (process)', 'program 0 (process)']
    prints('a program with DLLs', ['storage.exe'], wanted)
    p = sh(IRPLAB, 'explore', '--json', 'storage.exe')
    check('explored with DLLs', p.returncode == 0 and json.loads(p.stdout)['failing'] == 0, p.stdout + p.stderr)
    build('first.dll', '-DDLL', '-DREFUSE', '-DNAME="first"', 'storage.c')
    p = sh(IRPLAB, 'run', '--json', 'storage.exe')
    check('a DllMain that refuses', p.returncode == 1 and json.loads(p.stdout)['program_exit'] == 0xC0000142, p.stdout + p.stderr)
    p = sh(IRPLAB, 'explore', '--output', 'out', '--json', 'storage.exe')
    replay = json.loads(p.stdout)['failures'][0]['replay']
    os.remove('first.dll')
    q = sh(IRPLAB, 'replay', '--json', replay)
    check('a replay file brings the DLLs', q.returncode == 1 and json.loads(q.stdout)['failures'][0]['code'] == 0xC0000142, q.stdout + q.stderr)
    p = sh(IRPLAB, 'run', 'storage.exe')
    check('a DLL that is not there', p.returncode == 1 and 'first.dll!Count is not supported' in p.stderr, p.stderr)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    drivers_import_from_each_other()
    odd_images()
    init_is_discarded()
    thread_local_storage()
sys.exit(1 if failures else 0)
