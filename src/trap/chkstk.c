/* __chkstk: rax = bytes that the caller is about to take from its stack. Touches each page on the way, so that a guard page is hit in
 * order; keeps all registers. Called before the caller's frame exists, with no home area: it cannot pass the door. */
#include "sim/door.h"

const struct door_code nt_chkstk = {
    .size = 49,
    .pushes = 16,
    .prolog = 4,
    .code = {
        0x41, 0x52, /* push r10 */
        0x41, 0x53, /* push r11 */
        0x4C, 0x8D, 0x54, 0x24, 0x18, /* lea r10, [rsp+18h]: the caller's rsp */
        0x4D, 0x89, 0xD3, /* mov r11, r10 */
        0x49, 0x29, 0xC2, /* sub r10, rax */
        0x73, 0x03, /* jae +3 */
        0x45, 0x31, 0xD2, /* xor r10d, r10d: it wrapped */
        0x49, 0x81, 0xE3, 0x00, 0xF0, 0xFF, 0xFF, /* and r11, ~0FFFh */
        0x4D, 0x39, 0xD3, /* next: cmp r11, r10 */
        0x76, 0x0C, /* jbe done */
        0x49, 0x81, 0xEB, 0x00, 0x10, 0x00, 0x00, /* sub r11, 1000h */
        0x45, 0x84, 0x1B, /* test [r11], r11b */
        0xEB, 0xEF, /* jmp next */
        0x41, 0x5B, /* done: pop r11 */
        0x41, 0x5A, /* pop r10 */
        0xC3,
    },
};
