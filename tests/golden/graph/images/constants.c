/* 0C0000120h in every form that a search for STATUS_CANCELLED must find, one function each; and three that are not it. */
#define CODE(name, text) __asm__(".text\n.globl " #name "\n.p2align 4\n.def " #name "; .scl 2; .type 32; .endef\n" #name ":\n.intel_syntax noprefix\n" text "\n.att_syntax prefix\n");

__declspec(dllexport) volatile int sink;
static const unsigned in_data[2] = { 0xC0000120, 7 };
__attribute__((used)) const unsigned *const reach = in_data;

CODE(mov_register, "mov eax, 0xC0000120\nret")
CODE(mov_memory, "mov dword ptr [rcx+0x30], 0xC0000120\nret")
CODE(mov_sign_extended, "mov rax, -0x3FFFFEE0\nret")
CODE(lea_from_zero, "xor ecx, ecx\nlea eax, [rcx-0x3FFFFEE0]\nret")
CODE(lea_subtracts, "lea ecx, [rax+0x3FFFFEE0]\ntest ecx, ecx\nsete al\nret")
CODE(compare, "cmp ecx, 0xC0000120\nsete al\nret")
CODE(subtract, "sub ecx, 0xC0000120\nsete al\nret")
CODE(add_negative, "add ecx, 0x3FFFFEE0\nsete al\nret")
CODE(shifted, "mov eax, 0xC000\nshl eax, 16\nor eax, 0x120\nret")
CODE(complement, "mov eax, 0x3FFFFEDF\nnot eax\nret")
CODE(negated, "mov eax, 0x3FFFFEE0\nneg eax\nret")
CODE(xored, "mov eax, 0xA5A5A5A5\nxor eax, 0x65A5A485\nret")
CODE(halves, "mov word ptr [rcx+0x30], 0x120\nmov word ptr [rcx+0x32], 0xC000\nret")
CODE(passed_on, "mov ebx, 0x60000090\nadd ebx, ebx\nmov edx, ebx\njmp 1f\n1: call compare\nret")
CODE(pushed, "push -0x3FFFFEE0\npop rax\nret")
CODE(not_this, "mov eax, 0xC0000121\nret")
CODE(not_that, "mov eax, 0xC000\nshl eax, 16\nor eax, 0x121\nret")
CODE(not_halves, "mov word ptr [rcx+0x30], 0x120\nmov word ptr [rdx+0x32], 0xC000\nret")

__declspec(dllexport) int from_data(int i) { return *(volatile const unsigned *)&in_data[0] + i; }
int DriverEntry(void *a, void *b) { return sink; }
