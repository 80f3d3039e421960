# A function in two parts, the second chained to the first, as compilers split shrink-wrapped and cold code;
# with every unwind code that C does not bring about, and a frame pointer in the middle of the frame. The tables
# are written by hand: gas has no directive for chains, and clang's makes entries that overlap.
        .text
        .globl  shape_chained
        .def shape_chained; .scl 2; .type 32; .endef
        .p2align 4
shape_chained:
        pushq   %rbp
c1:     pushq   %rbx
c2:     subq    $0x100088, %rsp
c3:     leaq    0x80(%rsp), %rbp
c4:     movq    %rsi, 0x100020(%rsp)
c5:     movaps  %xmm7, 0x100000(%rsp)
c6:     movaps  %xmm6, 0x40(%rsp)
c7:
        movq    %rcx, %rsi
        xorps   %xmm6, %xmm6
        xorps   %xmm7, %xmm7
        subq    $0x40, %rsp             # a dynamic allocation
        testq   $1, %rcx
        je      back
        jmp     part                    # not a tail call: a part of this function
back:
        leaq    (%rsi,%rsi,2), %rax
        movaps  -0x40(%rbp), %xmm6
        movaps  0xfff80(%rbp), %xmm7
        movq    0xfffa0(%rbp), %rsi
        leaq    0x100008(%rbp), %rsp
        popq    %rbx
        popq    %rbp
        retq
chained_end:
        .byte 0xcc
part:
        movq    %rdi, 0xfffa8(%rbp)
p1:     movq    %r12, 0xfffb0(%rbp)
p2:
        xorl    %edi, %edi
        xorl    %r12d, %r12d
        callq   helper
        addq    %rax, %rsi
        movq    0xfffb0(%rbp), %r12
        movq    0xfffa8(%rbp), %rdi
        jmp     back
part_end:
        .byte 0xcc

        .section .xdata,"dr"
        .p2align 2
chained_info:
        .byte   1, c7 - shape_chained, 14, 0x85         # version 1, rbp = rsp + 8 * 16
        .byte   c7 - shape_chained, 0x68                # save xmm6
        .word   0x40 / 16
        .byte   c6 - shape_chained, 0x79                # save xmm7, far
        .long   0x100000
        .byte   c5 - shape_chained, 0x65                # save rsi, far
        .long   0x100020
        .byte   c4 - shape_chained, 0x03                # set the frame register
        .byte   c3 - shape_chained, 0x11                # large allocation in bytes
        .long   0x100088
        .byte   c2 - shape_chained, 0x30                # push rbx
        .byte   c1 - shape_chained, 0x50                # push rbp
part_info:
        .byte   0x21, p2 - part, 6, 0x85                # chained
        .byte   p2 - part, 0xc5
        .long   0x100030
        .byte   p1 - part, 0x75
        .long   0x100028
        .rva    shape_chained, chained_end, chained_info

        .section .pdata,"dr"
        .p2align 2
        .rva    shape_chained, chained_end, chained_info
        .rva    part, part_end, part_info

        .text
        .p2align 4
helper:                                 # a leaf: no entry
        movl    $5, %eax
        retq

# Every pop, an epilog with 32-bit adjustment, and one that ends with a jump to a register.
        .globl  shape_pops
        .def shape_pops; .scl 2; .type 32; .endef
        .p2align 4
        .seh_proc shape_pops
shape_pops:
        pushq   %r15
        .seh_pushreg %r15
        pushq   %r14
        .seh_pushreg %r14
        pushq   %r13
        .seh_pushreg %r13
        pushq   %r12
        .seh_pushreg %r12
        pushq   %rdi
        .seh_pushreg %rdi
        pushq   %rsi
        .seh_pushreg %rsi
        pushq   %rbp
        .seh_pushreg %rbp
        pushq   %rbx
        .seh_pushreg %rbx
        subq    $0x208, %rsp
        .seh_stackalloc 0x208
        .seh_endprologue
        xorl    %ebx, %ebx
        xorl    %ebp, %ebp
        xorl    %esi, %esi
        xorl    %edi, %edi
        xorl    %r12d, %r12d
        movq    %rcx, %r13
        xorl    %r14d, %r14d
        callq   helper
        leaq    helper(%rip), %rax
        testq   $1, %r13
        jne     1f
        addq    $0x208, %rsp
        popq    %rbx
        popq    %rbp
        popq    %rsi
        popq    %rdi
        popq    %r12
        popq    %r13
        popq    %r14
        popq    %r15
        rex64 jmpq *%rax
1:
        testq   $2, %r13
        jne     2f
        addq    $0x208, %rsp
        popq    %rbx
        popq    %rbp
        popq    %rsi
        popq    %rdi
        popq    %r12
        popq    %r13
        popq    %r14
        popq    %r15
        jmp     shape_pops_leaf
2:
        addq    $0x208, %rsp
        popq    %rbx
        popq    %rbp
        popq    %rsi
        popq    %rdi
        popq    %r12
        popq    %r13
        popq    %r14
        popq    %r15
        rep retq
        .seh_endproc
        .p2align 4
shape_pops_leaf:
        xorl    %eax, %eax
        retq

# The frame register is r13 (needs a displacement) and the epilog has none to give but zero.
        .globl  shape_r13
        .def shape_r13; .scl 2; .type 32; .endef
        .p2align 4
        .seh_proc shape_r13
shape_r13:
        pushq   %r13
        .seh_pushreg %r13
        subq    $0x20, %rsp
        .seh_stackalloc 0x20
        movq    %rsp, %r13
        .seh_setframe %r13, 0
        .seh_endprologue
        subq    $0x80, %rsp
        callq   helper
        leaq    0x20(%r13), %rsp
        popq    %r13
        retq
        .seh_endproc

# r12 as a frame register needs a SIB byte.
        .globl  shape_r12
        .def shape_r12; .scl 2; .type 32; .endef
        .p2align 4
        .seh_proc shape_r12
shape_r12:
        pushq   %r12
        .seh_pushreg %r12
        subq    $0x120, %rsp
        .seh_stackalloc 0x120
        leaq    0xf0(%rsp), %r12
        .seh_setframe %r12, 0xf0
        .seh_endprologue
        subq    $0x80, %rsp
        callq   helper
        leaq    0x30(%r12), %rsp
        popq    %r12
        retq
        .seh_endproc

        .section .drectve,"yn"
        .ascii  " -export:shape_chained -export:shape_pops -export:shape_r13 -export:shape_r12"
