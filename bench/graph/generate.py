#!/usr/bin/env python3
"""Writes C sources of a driver with a given number of functions, and what is known about them by construction.

usage: generate.py FOLDER [FUNCTIONS] [FILES]

FOLDER/part_N.c, imp.def, and truth.tsv: caller, callee, kind (call, import, callback). Everything follows from the
function's number, so that every run writes the same bytes.
"""
import os
import sys

IMPORTS = ['ExAllocatePool2', 'ExFreePoolWithTag', 'IoQueueWorkItem', 'IoAllocateWorkItem', 'KeBugCheckEx', 'KeInitializeDpc',
           'KeSetEvent', 'IofCompleteRequest', 'KeWaitForSingleObject', 'PoRequestPowerIrp', 'KeAcquireSpinLockRaiseToDpc',
           'KeReleaseSpinLock', 'RtlInitUnicodeString', 'ZwClose', 'ObfDereferenceObject', 'IoCsqInitialize']

HEADER = '''typedef unsigned long long u64;
typedef unsigned int u32;
__declspec(dllimport) u64 ExAllocatePool2(u64, u64, u32);
__declspec(dllimport) void ExFreePoolWithTag(void *, u32);
__declspec(dllimport) void IoQueueWorkItem(void *, void *, int, void *);
__declspec(dllimport) void *IoAllocateWorkItem(void *);
__declspec(dllimport) void KeBugCheckEx(u32, u64, u64, u64, u64);
__declspec(dllimport) void KeInitializeDpc(void *, void *, void *);
__declspec(dllimport) int KeSetEvent(void *, int, int);
__declspec(dllimport) void IofCompleteRequest(void *, int);
__declspec(dllimport) int KeWaitForSingleObject(void *, int, int, int, void *);
__declspec(dllimport) int PoRequestPowerIrp(void *, int, u64, void *, void *, void *);
__declspec(dllimport) int KeAcquireSpinLockRaiseToDpc(void *);
__declspec(dllimport) void KeReleaseSpinLock(void *, int);
__declspec(dllimport) void RtlInitUnicodeString(void *, void *);
__declspec(dllimport) int ZwClose(void *);
__declspec(dllimport) u64 ObfDereferenceObject(void *);
__declspec(dllimport) int IoCsqInitialize(void *, void *, void *, void *, void *, void *, void *);
extern volatile u64 state[4096];
'''


def mix(n):
    n = (n ^ (n >> 15)) * 0x2c1b3c6d & 0xffffffff
    n = (n ^ (n >> 12)) * 0x297a2d39 & 0xffffffff
    return n ^ (n >> 15)


def name(n):
    return f'Fn{n:05d}'


def callees(n, count):
    """Later functions, so that the graph has no cycles but for every 97th, which calls an earlier one."""
    out = []
    for k in range(mix(n) % 4):
        to = n + 1 + mix(n * 7 + k) % 200
        if to < count and to not in out:
            out.append(to)
    if n % 97 == 96:
        out.append(n - 50)
    return out


def body(n, count, truth):
    out, me = [], name(n)
    if n % 11 == 3:  # a leaf: no .pdata
        return f'__attribute__((noinline)) u64 {me}(u64 a, u64 b) {{ return a * {mix(n) % 999 + 2} + b; }}\n'
    out.append(f'__attribute__((noinline)) u64 {me}(u64 a, u64 b) {{\n')
    out.append(f'    u64 r = state[{mix(n) % 4096}] + a;\n')
    for k, to in enumerate(callees(n, count)):
        out.append(f'    if (r & {1 << (k % 30)}) r += {name(to)}(r, b + {k});\n')
        truth.append((me, name(to), 'call'))
    out.append(f'    for (u64 i = 0; i < (b & 15); i++) state[(i + {mix(n + 1) % 4000}) & 4095] ^= r * {mix(n + 2) % 10000 + 3} + (i << {n % 7});\n')
    kind = mix(n + 3) % 9
    if kind == 0:
        to = name((n + 5) % count)
        out.append(f'    void *w = IoAllocateWorkItem((void *)a); if (w) IoQueueWorkItem(w, {to}, 1, (void *)b);\n')
        truth += [(me, 'IoAllocateWorkItem', 'import'), (me, 'IoQueueWorkItem', 'import'), (me, to, 'callback')]
    elif kind == 1:
        out.append(f"    r += ExAllocatePool2(64, r, {0x31304647 + n % 9});\n")
        truth.append((me, 'ExAllocatePool2', 'import'))
    elif kind == 2:
        out.append('    switch (b) {\n' + ''.join(f'    case {c}: r ^= state[{(n + c) % 4096}] * {c + 3}; state[{c}] = r + {n % 77 + c}; break;\n' for c in range(9)) + '    }\n')
    elif kind == 3:
        out.append(f'    if (r == {n}) KeBugCheckEx({0x1 + n % 0x90}, a, b, 0, 0);\n')
        truth.append((me, 'KeBugCheckEx', 'import'))
    elif kind == 4:
        to = name((n + 9) % count)
        out.append(f'    if (b) PoRequestPowerIrp((void *)a, 2, 1, {to}, (void *)b, 0);\n')
        truth += [(me, 'PoRequestPowerIrp', 'import'), (me, to, 'callback')]
    elif kind == 5:
        out.append('    KeSetEvent((void *)a, 0, 0); KeWaitForSingleObject((void *)b, 0, 0, 0, 0);\n')
        truth += [(me, 'KeSetEvent', 'import'), (me, 'KeWaitForSingleObject', 'import')]
    out.append('    return r;\n}\n')
    return ''.join(out)


def main():
    folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 48242
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 16
    os.makedirs(folder, exist_ok=True)
    truth = []
    for f in range(files):
        with open(f'{folder}/part_{f}.c', 'w', encoding='ascii') as out:
            out.write(HEADER)
            if f == 0:
                out.write('volatile u64 state[4096];\n')
            out.write(''.join(f'u64 {name(n)}(u64, u64);\n' for n in range(count)))
            for n in range(f, count, files):
                out.write(body(n, count, truth))
            if f == 0:
                out.write('int DriverEntry(void *d, void *p) { return (int)' + name(0) + '((u64)d, (u64)p); }\n')
                truth.append(('DriverEntry', name(0), 'call'))
    with open(f'{folder}/imp.def', 'w', encoding='ascii') as out:
        out.write('LIBRARY ntoskrnl.exe\nEXPORTS\n' + ''.join(f'{i}\n' for i in IMPORTS))
    with open(f'{folder}/truth.tsv', 'w', encoding='ascii') as out:
        out.write(''.join('\t'.join(t) + '\n' for t in truth))


main()
