# What Microsoft's compiler and linker make of functions, by hand: chained unwind data, switches through tables of RVAs (with and
# without a table of bytes before), tail jumps, code moved away, thunks of imports, code that only a pointer leads to.
	.intel_syntax noprefix
	.text

	.def leaf1; .scl 2; .type 32; .endef
	.globl leaf1
leaf1:	lea eax, [rcx+1]
	ret
	.p2align 4
	.def leaf2; .scl 2; .type 32; .endef
	.globl leaf2
leaf2:	lea eax, [rcx+2]
	ret
	.p2align 4
	.def leaf3; .scl 2; .type 32; .endef
	.globl leaf3
leaf3:	lea eax, [rcx+3]
	ret
	.p2align 4

# switch (ecx) with cases 0 to 3; the table lies behind the code, its entries are RVAs.
	.def switch_rva; .scl 2; .type 32; .endef
	.globl switch_rva
	.seh_proc switch_rva
switch_rva:
	sub rsp, 40
	.seh_stackalloc 40
	.seh_endprologue
	cmp ecx, 3
	ja .Ldefault
	movsxd rax, ecx
	lea rdx, [rip+__ImageBase]
	mov ecx, dword ptr [rdx+rax*4+.Ltable@IMGREL]
	add rcx, rdx
	jmp rcx
.Lcase0: call leaf1
	jmp .Lout
.Lcase1: call leaf2
	jmp .Lout
.Lcase2: call leaf3
	jmp .Lout
.Ldefault: call helper
.Lout:	add rsp, 40
	ret
	nop
.Ltable:
	.rva .Lcase0, .Lcase1, .Lcase2, .Lcase1
	.seh_endproc
	.p2align 4

# A sparse switch: a table of bytes gives the index into the table of RVAs.
	.def switch_bytes; .scl 2; .type 32; .endef
	.globl switch_bytes
	.seh_proc switch_bytes
switch_bytes:
	sub rsp, 40
	.seh_stackalloc 40
	.seh_endprologue
	lea eax, [rcx-100]
	cmp eax, 9
	ja .Lbdefault
	cdqe
	lea r8, [rip+__ImageBase]
	movzx eax, byte ptr [r8+rax+.Lbindex@IMGREL]
	mov ecx, dword ptr [r8+rax*4+.Lbtable@IMGREL]
	add rcx, r8
	jmp rcx
.Lb0:	call leaf1
	jmp .Lbout
.Lb1:	call leaf3
	jmp .Lbout
.Lbdefault: call leaf2
.Lbout:	add rsp, 40
	ret
	.p2align 2
.Lbtable:
	.rva .Lb0, .Lb1, .Lbdefault
.Lbindex:
	.byte 0, 2, 2, 1, 2, 2, 2, 0, 2, 1
	.seh_endproc
	.p2align 4

# Direct and conditional tail calls.
	.def tail; .scl 2; .type 32; .endef
	.globl tail
tail:	test ecx, ecx
	je helper
	jmp leaf1
	.p2align 4

# An import through a thunk, and one at the end of a function.
	.def thunk_of_event; .scl 2; .type 32; .endef
	.globl thunk_of_event
thunk_of_event:
	jmp qword ptr [rip+__imp_KeSetEvent]
	.p2align 4

	.def through_thunk; .scl 2; .type 32; .endef
	.globl through_thunk
	.seh_proc through_thunk
through_thunk:
	sub rsp, 40
	.seh_stackalloc 40
	.seh_endprologue
	call thunk_of_event
	add rsp, 40
	.byte 0x48
	jmp qword ptr [rip+__imp_ExFreePoolWithTag]
	.seh_endproc
	.p2align 4

# A function whose second half lies elsewhere, with chained unwind data.
	.def split; .scl 2; .type 32; .endef
	.globl split
split:
	push rbx
	sub rsp, 32
	call leaf1
	test eax, eax
	jne .Lrare
.Lback:	add rsp, 32
	pop rbx
	ret
.Lsplit_end:

# Reached by its address in a table alone; no unwind data, no symbol that says it is a function.
	.p2align 4
only_by_pointer:
	push rbx
	mov rbx, rcx
	call leaf2
	mov rax, rbx
	pop rbx
	ret
	.p2align 4

	.def helper; .scl 2; .type 32; .endef
	.globl helper
	.seh_proc helper
helper:
	sub rsp, 40
	.seh_stackalloc 40
	.seh_endprologue
	mov rax, qword ptr [rip+table]
	call qword ptr [rip+__imp_KeBugCheckEx]
	int3
	.seh_endproc
	.p2align 4

	.def DriverEntry; .scl 2; .type 32; .endef
	.globl DriverEntry
	.seh_proc DriverEntry
DriverEntry:
	push rsi
	.seh_pushreg rsi
	sub rsp, 32
	.seh_stackalloc 32
	.seh_endprologue
	call switch_rva
	call switch_bytes
	call tail
	call through_thunk
	call split
	mov rsi, qword ptr [rip+__imp_KeSetEvent]
	call rsi
	xor eax, eax
	add rsp, 32
	pop rsi
	ret
	.seh_endproc

	.section .text$cold,"xr"
	.p2align 4
.Lrare_chunk:
.Lrare:	call leaf3
	mov ecx, eax
	call helper
	jmp .Lback
.Lrare_end:

	.section .pdata,"dr"
	.rva split, .Lsplit_end, .Lsplit_info
	.rva .Lrare_chunk, .Lrare_end, .Lrare_info
	.section .xdata,"dr"
	.p2align 2
.Lsplit_info:
	.byte 1, 5, 2, 0, 5, 0x32, 1, 0x30	# sub rsp,32; push rbx
.Lrare_info:
	.byte 0x21, 0, 0, 0		# chained
	.rva split, .Lsplit_end, .Lsplit_info

	.section .rdata,"dr"
	.p2align 3
	.globl table
table:	.quad only_by_pointer
	.quad 7
