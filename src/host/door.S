/* Crossing between guest and host code. Guest code runs on NT-sized guest stacks in the Microsoft convention; host code
 * runs on the fiber's own host stack in the SysV convention. See docs/architecture.md, "The door". */
#include "host/layout.h"
    .intel_syntax noprefix
    .text

/* An export of a synthetic image: eax = index. Saves the non-volatile registers in a frame on the guest stack that has
 * unwind information, moves to the host stack and calls door_dispatch(frame, index). */
    .globl host_door_entry
host_door_entry:
    mov [rsp + 0x08], rcx
    mov [rsp + 0x10], rdx
    mov [rsp + 0x18], r8
    mov [rsp + 0x20], r9
    sub rsp, DOOR_FRAME_SIZE
    .globl host_door_frame_made
host_door_frame_made:
    mov [rsp + DOOR_FRAME_GPR + 0x00], rbx
    mov [rsp + DOOR_FRAME_GPR + 0x08], rbp
    mov [rsp + DOOR_FRAME_GPR + 0x10], rsi
    mov [rsp + DOOR_FRAME_GPR + 0x18], rdi
    mov [rsp + DOOR_FRAME_GPR + 0x20], r12
    mov [rsp + DOOR_FRAME_GPR + 0x28], r13
    mov [rsp + DOOR_FRAME_GPR + 0x30], r14
    mov [rsp + DOOR_FRAME_GPR + 0x38], r15
    movups [rsp + DOOR_FRAME_XMM + 0x00], xmm6
    movups [rsp + DOOR_FRAME_XMM + 0x10], xmm7
    movups [rsp + DOOR_FRAME_XMM + 0x20], xmm8
    movups [rsp + DOOR_FRAME_XMM + 0x30], xmm9
    movups [rsp + DOOR_FRAME_XMM + 0x40], xmm10
    movups [rsp + DOOR_FRAME_XMM + 0x50], xmm11
    movups [rsp + DOOR_FRAME_XMM + 0x60], xmm12
    movups [rsp + DOOR_FRAME_XMM + 0x70], xmm13
    movups [rsp + DOOR_FRAME_XMM + 0x80], xmm14
    movups [rsp + DOOR_FRAME_XMM + 0x90], xmm15
    /* In pairs: they are read back in pairs, and a load that spans two stores waits for both. */
    movlhps xmm0, xmm1
    movups [rsp + DOOR_FRAME_OUT + 0x00], xmm0
    movlhps xmm2, xmm3
    movups [rsp + DOOR_FRAME_OUT + 0x10], xmm2
    mov eax, eax
    mov [rsp + DOOR_FRAME_INDEX], rax
    .globl host_door_entered
host_door_entered:
    mov rdi, rsp
    mov esi, eax
    movabs r11, PRIVATE_BASE
    mov r10, [r11 + MACHINE_FIBER]
    mov [r10 + FIBER_GUEST_SP], rsp
    mov rsp, [r10 + FIBER_HOST_SP]
    xor ebp, ebp
    cld
    call door_dispatch
    movabs r11, PRIVATE_BASE
    mov r10, [r11 + MACHINE_FIBER]
    mov rsp, [r10 + FIBER_GUEST_SP]
    movsd xmm0, [rsp + DOOR_FRAME_OUT] /* 0 unless the function returns a double */
    mov rdx, [rsp + DOOR_FRAME_OUT + 8] /* 0 unless it returns sixteen bytes */
    mov rbx, [rsp + DOOR_FRAME_GPR + 0x00]
    mov rbp, [rsp + DOOR_FRAME_GPR + 0x08]
    mov rsi, [rsp + DOOR_FRAME_GPR + 0x10]
    mov rdi, [rsp + DOOR_FRAME_GPR + 0x18]
    mov r12, [rsp + DOOR_FRAME_GPR + 0x20]
    mov r13, [rsp + DOOR_FRAME_GPR + 0x28]
    mov r14, [rsp + DOOR_FRAME_GPR + 0x30]
    mov r15, [rsp + DOOR_FRAME_GPR + 0x38]
    movups xmm6, [rsp + DOOR_FRAME_XMM + 0x00]
    movups xmm7, [rsp + DOOR_FRAME_XMM + 0x10]
    movups xmm8, [rsp + DOOR_FRAME_XMM + 0x20]
    movups xmm9, [rsp + DOOR_FRAME_XMM + 0x30]
    movups xmm10, [rsp + DOOR_FRAME_XMM + 0x40]
    movups xmm11, [rsp + DOOR_FRAME_XMM + 0x50]
    movups xmm12, [rsp + DOOR_FRAME_XMM + 0x60]
    movups xmm13, [rsp + DOOR_FRAME_XMM + 0x70]
    movups xmm14, [rsp + DOOR_FRAME_XMM + 0x80]
    movups xmm15, [rsp + DOOR_FRAME_XMM + 0x90]
    add rsp, DOOR_FRAME_SIZE
    /* Nothing of the host stays in volatile registers: they are guest-visible. */
    xor ecx, ecx
    xor r8d, r8d
    xor r9d, r9d
    xor r10d, r10d
    xor r11d, r11d
    pxor xmm1, xmm1
    pxor xmm2, xmm2
    pxor xmm3, xmm3
    pxor xmm4, xmm4
    pxor xmm5, xmm5
    ret

/* uint64_t host_guest_call(void *fn rdi, uint64_t bottom rsi, const uint64_t *args rdx, uint64_t return_address rcx)
 * bottom: lowest byte of the caller frame on the guest stack; stack arguments are already in it. Before the return address stands
 * `call rax`: so the processor knows where the guest returns to, and all who called us. */
    .globl host_guest_call
host_guest_call:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    movabs r11, PRIVATE_BASE
    mov r10, [r11 + MACHINE_FIBER]
    push qword ptr [r10 + FIBER_HOST_SP]
    push qword ptr [r10 + FIBER_GUEST_SP]
    push qword ptr [r10 + FIBER_CALLBACK]
    /* 6 + 3 pushes and the return address: rsp is 16-aligned again here */
    mov [r10 + FIBER_HOST_SP], rsp
    mov [r10 + FIBER_CALLBACK], rsp
    mov rsp, rsi
    lea r11, [rcx - SITE_CALL]
    mov rax, rdi
    mov r10, rdx
    mov rcx, [r10 + 0x00]
    mov rdx, [r10 + 0x08]
    mov r8, [r10 + 0x10]
    mov r9, [r10 + 0x18]
    xor ebx, ebx
    xor ebp, ebp
    xor esi, esi
    xor edi, edi
    xor r10d, r10d
    xor r12d, r12d
    xor r13d, r13d
    xor r14d, r14d
    xor r15d, r15d
    pxor xmm0, xmm0
    pxor xmm1, xmm1
    pxor xmm2, xmm2
    pxor xmm3, xmm3
    pxor xmm4, xmm4
    pxor xmm5, xmm5
    pxor xmm6, xmm6
    pxor xmm7, xmm7
    pxor xmm8, xmm8
    pxor xmm9, xmm9
    pxor xmm10, xmm10
    pxor xmm11, xmm11
    pxor xmm12, xmm12
    pxor xmm13, xmm13
    pxor xmm14, xmm14
    pxor xmm15, xmm15
    jmp r11

    .globl host_door_return
host_door_return:
    movabs r11, PRIVATE_BASE
    mov r10, [r11 + MACHINE_FIBER]
    mov rsp, [r10 + FIBER_HOST_SP]
    pop qword ptr [r10 + FIBER_CALLBACK]
    pop qword ptr [r10 + FIBER_GUEST_SP]
    pop qword ptr [r10 + FIBER_HOST_SP]
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    cld
    ret

/* void host_switch(uint64_t *save_sp rdi, uint64_t load_sp rsi): to another host stack. */
    .globl host_switch
host_switch:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    mov [rdi], rsp
    mov rsp, rsi
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret

/* First activation of a fiber: host_switch "returns" here; rbx = function, r12 = argument. */
    .globl host_fiber_start
host_fiber_start:
    xor ebp, ebp
    call host_fiber_begun
    mov rdi, r12
    call rbx
    ud2

/* A fault was found in guest or host code; the signal handler pointed the context here with rsp = host stack of the fiber. */
    .globl host_fault_entry
host_fault_entry:
    xor ebp, ebp
    cld
    xor esi, esi
    cmp byte ptr [rip + host_has_vectors], 0
    je 1f
    /* The upper halves of ymm0 to ymm15, if the guest uses them (bit 2 of what is in use): C code would lose them. */
    mov ecx, 1
    xgetbv
    test al, 4
    je 1f
    sub rsp, 896
    and rsp, -64
    xor eax, eax
    mov [rsp + 0x200], rax
    mov [rsp + 0x208], rax
    mov [rsp + 0x210], rax
    mov [rsp + 0x218], rax
    mov [rsp + 0x220], rax
    mov [rsp + 0x228], rax
    mov [rsp + 0x230], rax
    mov [rsp + 0x238], rax
    mov eax, 4
    xor edx, edx
    xsave [rsp]
    mov rsi, rsp
1:  call ke_fault
    ud2

/* From a trampoline: keeps all registers in the fiber's fault record and goes on like a fault that wants ke_fault. */
    .globl host_point_entry
host_point_entry:
    mov [rip + host_point_place], rax
    lahf
    seto al
    mov [rip + host_point_flags], rax
    movabs rax, PRIVATE_BASE
    mov [rip + host_point_rcx], rcx
    mov rcx, [rax + MACHINE_SCRATCH]
    mov rax, [rax + MACHINE_FIBER]
    mov [rax + FIBER_FAULT_CONTEXT + 0x00], rcx
    mov rcx, [rip + host_point_rcx]
    mov [rax + FIBER_FAULT_CONTEXT + 0x08], rcx
    mov [rax + FIBER_FAULT_CONTEXT + 0x10], rdx
    mov [rax + FIBER_FAULT_CONTEXT + 0x18], rbx
    mov [rax + FIBER_FAULT_CONTEXT + 0x20], rsp
    mov [rax + FIBER_FAULT_CONTEXT + 0x28], rbp
    mov [rax + FIBER_FAULT_CONTEXT + 0x30], rsi
    mov [rax + FIBER_FAULT_CONTEXT + 0x38], rdi
    mov [rax + FIBER_FAULT_CONTEXT + 0x40], r8
    mov [rax + FIBER_FAULT_CONTEXT + 0x48], r9
    mov [rax + FIBER_FAULT_CONTEXT + 0x50], r10
    mov [rax + FIBER_FAULT_CONTEXT + 0x58], r11
    mov [rax + FIBER_FAULT_CONTEXT + 0x60], r12
    mov [rax + FIBER_FAULT_CONTEXT + 0x68], r13
    mov [rax + FIBER_FAULT_CONTEXT + 0x70], r14
    mov [rax + FIBER_FAULT_CONTEXT + 0x78], r15
    mov rdi, rax
    mov rcx, [rip + host_point_place]
    mov [rdi + FIBER_FAULT_CONTEXT + 0x80], rcx
    mov rsp, [rdi + FIBER_HOST_SP]
    and rsp, -16
    mov rax, [rip + host_point_flags]
    add al, 0x7f
    sahf
    pushfq
    pop qword ptr [rdi + FIBER_FAULT_CONTEXT + 0x88]
    movups [rdi + FIBER_FAULT_CONTEXT + 0x90], xmm0
    movups [rdi + FIBER_FAULT_CONTEXT + 0xA0], xmm1
    movups [rdi + FIBER_FAULT_CONTEXT + 0xB0], xmm2
    movups [rdi + FIBER_FAULT_CONTEXT + 0xC0], xmm3
    movups [rdi + FIBER_FAULT_CONTEXT + 0xD0], xmm4
    movups [rdi + FIBER_FAULT_CONTEXT + 0xE0], xmm5
    movups [rdi + FIBER_FAULT_CONTEXT + 0xF0], xmm6
    movups [rdi + FIBER_FAULT_CONTEXT + 0x100], xmm7
    movups [rdi + FIBER_FAULT_CONTEXT + 0x110], xmm8
    movups [rdi + FIBER_FAULT_CONTEXT + 0x120], xmm9
    movups [rdi + FIBER_FAULT_CONTEXT + 0x130], xmm10
    movups [rdi + FIBER_FAULT_CONTEXT + 0x140], xmm11
    movups [rdi + FIBER_FAULT_CONTEXT + 0x150], xmm12
    movups [rdi + FIBER_FAULT_CONTEXT + 0x160], xmm13
    movups [rdi + FIBER_FAULT_CONTEXT + 0x170], xmm14
    movups [rdi + FIBER_FAULT_CONTEXT + 0x180], xmm15
    stmxcsr [rdi + FIBER_FAULT_CONTEXT + 0x190]
    mov dword ptr [rdi + FIBER_FAULT_KIND], FAULT_KIND_POINT
    mov word ptr [rdi + FIBER_FAULT_IN_HOST], 0x100 /* in_host false, in_trampoline true */
    mov qword ptr [rdi + FIBER_FAULT_ADDRESS], 0
    jmp host_fault_entry

    .globl host_vectors_load
host_vectors_load:
    mov eax, 4
    xor edx, edx
    xrstor [rdi]
    ret

/* bool host_guarded_rep(void *to rdi, const void *from rsi, size_t bytes rdx): the signal handler sends a fault in here to
 * host_guarded_fault. Short ones in few moves, which begin much faster than a string instruction. */
    .globl host_guarded_rep
    .globl host_guarded_end
host_guarded_rep:
    cmp rdx, 64
    ja 5f
    cmp rdx, 16
    jae 4f
    cmp rdx, 8
    jae 3f
    cmp rdx, 4
    jae 2f
    test rdx, rdx
    jz 6f
    mov rcx, rdx
    shr rcx
    mov al, [rsi]
    mov r8b, [rsi + rcx]
    mov r9b, [rsi + rdx - 1]
    mov [rdi], al
    mov [rdi + rcx], r8b
    mov [rdi + rdx - 1], r9b
    jmp 6f
2:  mov eax, [rsi]
    mov ecx, [rsi + rdx - 4]
    mov [rdi], eax
    mov [rdi + rdx - 4], ecx
    jmp 6f
3:  mov rax, [rsi]
    mov rcx, [rsi + rdx - 8]
    mov [rdi], rax
    mov [rdi + rdx - 8], rcx
    jmp 6f
4:  movups xmm0, [rsi]
    movups xmm3, [rsi + rdx - 16]
    cmp rdx, 32
    jbe 7f
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + rdx - 32]
    movups [rdi + 16], xmm1
    movups [rdi + rdx - 32], xmm2
7:  movups [rdi], xmm0
    movups [rdi + rdx - 16], xmm3
    jmp 6f
5:  mov rcx, rdx
    rep movsb
6:  mov eax, 1
    ret
host_guarded_end:
    .globl host_guarded_fault
host_guarded_fault:
    xor eax, eax
    ret

/* _Noreturn void host_context_load(const struct host_context *rdi): continue guest code with these registers. */
    .globl host_context_load
host_context_load:
    ldmxcsr [rdi + 0x190]
    movups xmm0, [rdi + 0x90]
    movups xmm1, [rdi + 0xA0]
    movups xmm2, [rdi + 0xB0]
    movups xmm3, [rdi + 0xC0]
    movups xmm4, [rdi + 0xD0]
    movups xmm5, [rdi + 0xE0]
    movups xmm6, [rdi + 0xF0]
    movups xmm7, [rdi + 0x100]
    movups xmm8, [rdi + 0x110]
    movups xmm9, [rdi + 0x120]
    movups xmm10, [rdi + 0x130]
    movups xmm11, [rdi + 0x140]
    movups xmm12, [rdi + 0x150]
    movups xmm13, [rdi + 0x160]
    movups xmm14, [rdi + 0x170]
    movups xmm15, [rdi + 0x180]
    mov rax, [rdi + 0x00]
    mov rcx, [rdi + 0x08]
    mov rdx, [rdi + 0x10]
    mov rbx, [rdi + 0x18]
    mov rbp, [rdi + 0x28]
    mov rsi, [rdi + 0x30]
    mov r8, [rdi + 0x40]
    mov r9, [rdi + 0x48]
    mov r10, [rdi + 0x50]
    mov r11, [rdi + 0x58]
    mov r12, [rdi + 0x60]
    mov r13, [rdi + 0x68]
    mov r14, [rdi + 0x70]
    mov r15, [rdi + 0x78]
    push qword ptr [rdi + 0x80]
    pop qword ptr [rip + host_context_target]
    push qword ptr [rdi + 0x88]
    popfq
    mov rsp, [rdi + 0x20]
    mov rdi, [rdi + 0x38]
    jmp qword ptr [rip + host_context_target]

/* Used between the two instructions above only; not state of a run. */
    .bss
    .globl host_has_vectors
host_has_vectors:
    .skip 1
    .balign 8
host_point_place:
    .skip 8
host_point_flags:
    .skip 8
host_point_rcx:
    .skip 8
host_context_target:
    .skip 8
    .section .note.GNU-stack,"",@progbits
