/* The toolchain's header refuses to come after strsafe.h, as it does in many samples; nothing in it depends on the order. */
#ifndef IRPLAB_TCHAR_H
#define IRPLAB_TCHAR_H

#ifdef _STRSAFE_H_INCLUDED_
#undef _STRSAFE_H_INCLUDED_
#include_next <tchar.h>
#define _STRSAFE_H_INCLUDED_
#else
#include_next <tchar.h>
#endif

#endif
