/* The toolchain's, which takes a macro of COM for granted. */
#ifndef STDAPICALLTYPE
#define STDAPICALLTYPE __stdcall
#endif
#include_next <kbdmou.h>
