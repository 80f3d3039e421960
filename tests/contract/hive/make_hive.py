#!/usr/bin/env python3
"""Writes a small registry hive (regf 1.3): a root key with values and two keys below. usage: make_hive.py OUT

Layout: a base block of 4096 bytes, then one hive bin of cells; a cell begins with its size, negative when it is in use. DOC: "Windows registry
file format specification" (public)."""
import struct
import sys

BIN = 4096
cells = bytearray()
CELLS_AT = 32  # after the bin's header; offsets count from the bin


def cell(data):
    size = (len(data) + 4 + 7) // 8 * 8
    at = CELLS_AT + len(cells)
    cells.extend(struct.pack('<i', -size) + data + bytes(size - 4 - len(data)))
    return at


def value(name, kind, data):
    if len(data) <= 4:
        size, where = len(data) | 0x80000000, struct.unpack('<I', data.ljust(4, b'\0'))[0]
    else:
        size, where = len(data), cell(data)
    raw = name.encode('latin-1')
    return cell(b'vk' + struct.pack('<HIIIHH', len(raw), size, where, kind, 1 if raw else 0, 0) + raw)


def key(name, values, children, root=False):
    vks = [value(*v) for v in values]
    value_list = cell(struct.pack('<%dI' % len(vks), *vks)) if vks else 0xFFFFFFFF
    kids = sorted(children, key=lambda c: c[0].upper())
    offsets = [(key(*c), c[0]) for c in kids]
    sub_list = 0xFFFFFFFF
    if offsets:
        sub_list = cell(b'lf' + struct.pack('<H', len(offsets)) + b''.join(struct.pack('<I4s', o, n[:4].encode('latin-1').ljust(4, b'\0')) for o, n in offsets))
    raw = name.encode('latin-1')
    flags = 0x20 | (0x0C if root else 0)
    at = cell(b'nk' + struct.pack('<HQIIIIIIIIIIIIIIIHH', flags, 0, 0, 0, len(offsets), 0, sub_list, 0xFFFFFFFF, len(vks), value_list, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0, 0,
                                  0, len(raw), 0) + raw)
    for o, _ in offsets:  # their parent
        struct.pack_into('<I', cells, o - CELLS_AT + 4 + 16, at)
    return at


def text(s):
    return (s + '\0').encode('utf-16-le')


root = key('ROOT', [('Greeting', 1, text('from a hive')), ('Number', 4, struct.pack('<I', 77)), ('', 1, text('default'))],
           [('Below', [('Bytes', 3, bytes(range(10))), ('Many', 7, text('one') + text('two') + b'\0\0'), ('Large', 11, struct.pack('<Q', 1 << 40))], []),
            ('Empty', [], [])], root=True)
length = (CELLS_AT + len(cells) + BIN - 1) // BIN * BIN
free = length - CELLS_AT - len(cells)
if free:
    cells += struct.pack('<i', free) + bytes(free - 4)
base = bytearray(4096)
struct.pack_into('<4sIIQIIIIIII', base, 0, b'regf', 1, 1, 0, 1, 3, 0, 1, root, length, 1)
checksum = 0
for i in range(0, 508, 4):
    checksum ^= struct.unpack_from('<I', base, i)[0]
struct.pack_into('<I', base, 508, checksum)
with open(sys.argv[1], 'wb') as out:
    out.write(base + struct.pack('<4sIIQQI', b'hbin', 0, length, 0, 0, 0) + cells)
