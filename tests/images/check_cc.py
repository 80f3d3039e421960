#!/usr/bin/env python3
"""Sources as real builds have them compile unchanged, and two builds give the same bytes.

usage: check_cc.py IRPLAB SOURCES
"""
import os
import subprocess
import sys
import tempfile

IRPLAB, SOURCES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
failures = 0

PROGRAMS = {  # name: (options, text, what it prints with one argument)
    'odd': ([], 'VOID __cdecl main(_In_ ULONG argc, _In_reads_(argc) PCHAR argv[])\n{ printf("%u %s", argc, argv[1]); exit(0); }', '2 x'),
    'comment': ([], '/* main(ULONG) */ int main(int argc, char **argv)\n{ puts("main(ULONG argc)"); }', 'main(ULONG argc)'),
    'wide, ANSI functions': ([], 'int wmain(int argc, wchar_t **argv)\n{ char b[99]; GetWindowsDirectory(b, 99); printf("%s %ls", b, argv[1]); return 0; }', 'C:\\Windows x'),
    'wide': ([], 'int __cdecl wmain(int argc, wchar_t **argv)\n{ wprintf(L"%d %ls", argc, argv[1]); return 0; }', '2 x'),
    'generic': (['-DUNICODE', '-D_UNICODE'], 'int _tmain(int argc, _TCHAR *argv[])\n{ _tprintf(_T("%d %s"), argc, argv[1]); return 0; }', '2 x'),
    'wide without a result': (['-DUNICODE', '-D_UNICODE'], 'VOID __cdecl _tmain(ULONG argc, LPCWSTR argv[])\n{ _tprintf(_T("%u %s"), argc, argv[1]); GetTickCount(); }', '2 x'),
    'wide text of an argument': ([], '#define WIDE(x) L#x\nint main(void)\n{ wprintf(L"%ls", WIDE(a + b)); return 0; }', 'a + b'),
    'no variable arguments': ([], '#define SAY(text, ...) printf("%s: "##text"!", __FUNCTION__, __VA_ARGS__)\nint main(void)\n{ SAY("none"); SAY(" %d", 1); return 0; }',
                              'main: none!main:  1!'),
    'past initialised.cpp': (['-DUNICODE', '-D_UNICODE'], 'int _tmain(int argc, _TCHAR *argv[])\n{ if (argc > 1) goto out; int n = argc; _tprintf(_T("%d"), n);\n'
                             'out:\n_tprintf(_T("out")); return 0; }', 'out'),
    'shared headers': ([], '#include <dontuse.h>\n#include <driverspecs.h>\nint main(void)\n{ puts("here"); return 0; }', 'here'),
    'narrow': ([], 'int _tmain(int argc, _TCHAR *argv[])\n{ _tprintf(_T("%d %s"), argc, argv[1]); return 0; }', '2 x'),
}
DRIVERS = {  # name with suffix: text, what DbgPrint says
    'classes.cpp': (r'''
        extern "C" DRIVER_INITIALIZE DriverEntry;
        void *operator new(size_t n, POOL_TYPE t) { return ExAllocatePoolWithTag(t, n, 'ppcC'); }
        void operator delete(void *p, size_t) { ExFreePool(p); }
        struct Base { virtual ~Base() {} virtual int twice() = 0; };
        class Derived final : public Base {
            int v;
        public:
            explicit Derived(int x) : v(x) {}
            ~Derived() override { DbgPrint("gone %d\n", v); }
            int twice() override { return v * 2; }
        };
        extern "C" NTSTATUS DriverEntry(PDRIVER_OBJECT o, PUNICODE_STRING)
        {
            Base *b = new (NonPagedPool) Derived(21);
            DbgPrint("twice %d\n", b->twice());
            delete b;
            __try { *(volatile int *)8 = 1; } __except (EXCEPTION_EXECUTE_HANDLER) { DbgPrint("caught %x\n", GetExceptionCode()); }
            o->DriverUnload = [](PDRIVER_OBJECT) { DbgPrint("bye\n"); };
            return STATUS_SUCCESS;
        }''', ['twice 42', 'gone 21', 'caught c0000005', 'bye']),
    'barriers.c': (r'''
        DRIVER_INITIALIZE DriverEntry;
        NTSTATUS DriverEntry(PDRIVER_OBJECT o, PUNICODE_STRING r)
        {
            LONG64 to[2] __attribute__((aligned(16))) = { 1, 2 }, was[2] = { 1, 2 };
            KFLOATING_SAVE save;
            static_assert(sizeof(PVOID) == 8, "x64");
            UNREFERENCED_PARAMETER(r);
            MemoryBarrier();
            KeMemoryBarrier();
            DbgPrint("%d", InterlockedCompareExchange128(to, 4, 3, was));
            DbgPrint(" %d %d", (int)to[0], (int)to[1]);
            if (NT_SUCCESS(KeSaveFloatingPointState(&save)))
                KeRestoreFloatingPointState(&save);
            DbgPrint(" %x\n", RTL_QUERY_REGISTRY_TYPECHECK);
            o->DriverUnload = NULL;
            return STATUS_UNSUCCESSFUL;
        }''', ['1 3 4 100']),
}
HEAD = '#include <windows.h>\n#include <winioctl.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <tchar.h>\n'
RESOURCE = '1 VERSIONINFO\nFILEVERSION 1,2,3,4\nBEGIN\nEND\n'


def check(what, ok, detail=''):
    global failures
    if not ok:
        failures += 1
        print(f'FAILED: {what}\n{detail[:700]}')


def sh(*command, folder='.'):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)


def write(path, text):
    with open(path, 'w', encoding='ascii') as f:
        f.write(text)


def programs():
    for name, (options, text, wanted) in PROGRAMS.items():
        source = name if name.endswith('.cpp') else name + '.c'
        write(source, HEAD + text + '\n')
        p = sh(IRPLAB, 'cc', *options, '-o', name + '.exe', source)
        check(f'{name} is built', p.returncode == 0, p.stderr)
        p = sh(IRPLAB, 'run', name + '.exe', 'x')
        check(f'{name} runs', p.returncode == 0 and p.stdout.strip() == wanted, p.stdout + p.stderr)


def errors():
    write('wrong.c', HEAD + 'int main(void)\n{ int n = nowhere; return undefined; }\n')
    p = sh(IRPLAB, 'cc', '-o', 'wrong.exe', 'wrong.c')
    said = [line for line in p.stderr.splitlines() if ' error: ' in line]
    check('errors are told once, each with its place', p.returncode == 1 and len(said) == 2 and said[0].startswith('wrong.c:7:11: error:'), p.stderr)


def drivers():
    for name, (text, wanted) in DRIVERS.items():
        write(name, '#include <ntddk.h>\n' + text)
        for abi in [], ['--msvc'], ['-O0']:
            p = sh(IRPLAB, 'cc', *abi, '-o', 'made.sys', name)
            check(f'{name} {abi} is built', p.returncode == 0, p.stderr)
            p = sh(IRPLAB, 'run', '--verbose', '--driver', 'made.sys')
            check(f'{name} {abi} runs', p.stderr.splitlines()[:len(wanted)] == wanted, p.stdout + p.stderr)


# A provider with channels of its own and an imported one; the header's name is the manifest's.
MANIFEST = '''<?xml version="1.0"?>
<instrumentationManifest xmlns="http://schemas.microsoft.com/win/2004/08/events">
 <instrumentation xmlns:win="http://manifests.microsoft.com/win/2004/08/windows/events"><events>
  <!-- <provider name="not this one" symbol="X" guid="{}"> -->
  <provider name="Some-Provider" symbol="SOME_GUID" guid="{01234567-89ab-cdef-0123-456789abcdef}" resourceFileName="a.sys" messageFileName="a>b.sys">
   <events>
    <event value="7" version="2" symbol="First" template="two" channel="OWN" level="win:Error" task="Reading" opcode="win:Stop" keywords="Slow Rare"/>
    <event value="0x20" symbol="Second" channel="S" level="win:Verbose"/>
   </events>
   <channels><importChannel chid="S" name="System"/><channel chid="OWN" name="Some-Provider/Operational" type="Operational"/></channels>
   <tasks><task name="Reading" value="5" symbol="TASK_READING"/></tasks>
   <keywords><keyword name="Slow" mask="0x1"/><keyword name="Rare" mask="0x10"/></keywords>
   <templates><template tid="one"><data inType="win:UInt32" name="n"/></template>
    <template tid="two"><data inType="win:UnicodeString" name="text"/><data inType="win:UInt32" name="n"/></template></templates>
  </provider>
 </events></instrumentation>
</instrumentationManifest>'''
EVENT_DRIVER = '''#include <ntddk.h>
#include "Events.h"
NTSTATUS DriverEntry(PDRIVER_OBJECT o, PUNICODE_STRING p) {
    const EVENT_DESCRIPTOR *at[] = {&First, &Second};
    int i, calls = 0;
    for (i = 0; i < 2; i++)
        DbgPrint("%d %d %d %d %d %d %I64x\\n", at[i]->Id, at[i]->Version, at[i]->Channel, at[i]->Level, at[i]->Opcode, at[i]->Task, at[i]->Keyword);
    DbgPrint("%x %x %d %d\\n", SOME_GUID.Data1, SOME_GUID.Data4[7], TASK_READING, First_value);
    if (EventRegisterSome_Provider() || EventWriteFirst(NULL, L"text", calls++) || EventWriteSecond(NULL) || EventEnabledFirst())
        DbgPrint("no\\n");
    EventUnregisterSome_Provider();
    DbgPrint("%d\\n", calls);
    return STATUS_UNSUCCESSFUL;
}'''
EVENT_PROGRAM = '''#include "Events.h"
int main(void) { EventRegisterSome_Provider(); EventWriteFirst(L"text", 3); EventWriteSecond(); EventUnregisterSome_Provider(); return First.Id; }'''


def manifests():
    wanted = ['7 2 16 2 2 5 4000000000000011', '32 0 8 5 0 0 8000000000000000', '1234567 ef 5 7', '0']
    os.makedirs('events', exist_ok=True)
    write('events/driver.c', EVENT_DRIVER)
    write('events/second.c', '#include <ntddk.h>\n#include "Events.h"\nULONG Version(void) { return First.Version; }')
    write('events/program.c', HEAD + EVENT_PROGRAM)
    p = sh(IRPLAB, 'cc', '-o', 'made.sys', 'events/driver.c')
    check('no manifest, no header', p.returncode == 1 and "'Events.h' file not found" in p.stderr, p.stderr)
    for encoding in 'ascii', 'utf-16':
        with open('events/events.man', 'w', encoding=encoding) as f:
            f.write(MANIFEST)
        write('events/other.man', '<instrumentationManifest/>')
        for abi in [], ['--msvc']:
            p = sh(IRPLAB, 'cc', *abi, '-o', 'made.sys', 'events/driver.c', 'events/second.c')
            check(f'a driver with a manifest {abi} is built', p.returncode == 0, p.stderr)
            p = sh(IRPLAB, 'run', '--verbose', '--driver', 'made.sys')
            check(f'a driver with a manifest {abi} runs', p.stderr.splitlines()[:len(wanted)] == wanted, p.stdout + p.stderr)
    p = sh(IRPLAB, 'cc', '-o', 'made.exe', 'events/program.c')
    check('a program with a manifest is built', p.returncode == 0, p.stderr)
    p = sh(IRPLAB, 'run', 'made.exe')
    check('it runs', 'exit code 7' in p.stderr, p.stdout + p.stderr)


def resources():
    for abi in [], ['--msvc']:
        made = []
        for folder in 'here', 'some/where/else':
            os.makedirs(folder, exist_ok=True)
            write(folder + '/small.rc', RESOURCE)
            with open(SOURCES + '/small.c', encoding='ascii') as f:
                write(folder + '/small.c', f.read())
            p = sh(IRPLAB, 'cc', *abi, '-g', '-o', 'small.sys', 'small.c', 'small.rc', folder=folder)
            check('a driver with resources is built', p.returncode == 0, p.stderr)
            with open(folder + '/small.sys', 'rb') as f:
                made.append(f.read())
        check('it has them', b'.rsrc' in made[0])
        check(f'two builds give the same bytes {abi}', made[0] == made[1])
        p = sh(IRPLAB, 'run', '--driver', 'here/small.sys')
        check('it runs', p.returncode == 0, p.stderr)


with tempfile.TemporaryDirectory() as temporary:
    os.chdir(temporary)
    programs()
    errors()
    drivers()
    manifests()
    resources()
sys.exit(1 if failures else 0)
