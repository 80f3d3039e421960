"""Prints a module definition file with the names that an import library of the toolchain knows.

lld-link wants import libraries of Microsoft's form; llvm-dlltool makes them from this. A name that only exists as
__imp_NAME is data.
"""
import subprocess
import sys

nm, library, module = sys.argv[1:]
listing = subprocess.run([nm, library], capture_output=True, text=True, check=True).stdout
code, slots = set(), set()
for line in listing.splitlines():
    words = line.split()
    if len(words) == 3 and words[1] == 'T':
        code.add(words[2])
    elif len(words) >= 2 and words[-1].startswith('__imp_'):
        slots.add(words[-1][len('__imp_'):])
print(f'LIBRARY {module}\nEXPORTS')
for name in sorted(code | slots):
    print(f'    {name}' + ('' if name in code else ' DATA'))
