/* The Win32 types that some kernel headers use (ksmedia.h, strmini.h): types only, none of what user mode adds to them. */
#ifndef IRPLAB_KM_WINDEF_H
#define IRPLAB_KM_WINDEF_H
#define _WINDEF_
#define _MINWINDEF_

#include <ntdef.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef WINAPI
#define WINAPI __stdcall
#define CALLBACK __stdcall
#define APIENTRY WINAPI
#endif
#ifndef CONST
#define CONST const
#endif
#ifndef FAR
#define FAR
#define NEAR
#endif
#ifndef MAX_PATH
#define MAX_PATH 260
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif

typedef unsigned long DWORD, *PDWORD, *LPDWORD;
typedef int BOOL, *PBOOL, *LPBOOL;
typedef unsigned char BYTE, *PBYTE, *LPBYTE;
typedef unsigned short WORD, *PWORD, *LPWORD;
typedef float FLOAT, *PFLOAT;
typedef int INT, *PINT, *LPINT;
typedef unsigned int UINT, *PUINT;
typedef long *LPLONG;
typedef void *LPVOID;
typedef const void *LPCVOID;
typedef ULONG_PTR WPARAM;
typedef LONG_PTR LPARAM, LRESULT;
#ifndef _TCHAR_DEFINED
#define _TCHAR_DEFINED
typedef WCHAR TCHAR, *PTCHAR;
#endif

#define MAKEWORD(a, b) ((WORD)(((BYTE)(((ULONG_PTR)(a)) & 0xff)) | ((WORD)((BYTE)(((ULONG_PTR)(b)) & 0xff))) << 8))
#define MAKELONG(a, b) ((LONG)(((WORD)(((ULONG_PTR)(a)) & 0xffff)) | ((ULONG)((WORD)(((ULONG_PTR)(b)) & 0xffff))) << 16))
#define LOWORD(l) ((WORD)(((ULONG_PTR)(l)) & 0xffff))
#define HIWORD(l) ((WORD)((((ULONG_PTR)(l)) >> 16) & 0xffff))
#define LOBYTE(w) ((BYTE)(((ULONG_PTR)(w)) & 0xff))
#define HIBYTE(w) ((BYTE)((((ULONG_PTR)(w)) >> 8) & 0xff))

typedef DWORD COLORREF;
DECLARE_HANDLE(HWND);

typedef struct tagRECT {
    LONG left, top, right, bottom;
} RECT, *PRECT;
typedef struct tagPOINT {
    LONG x, y;
} POINT, *PPOINT;
typedef struct tagSIZE {
    LONG cx, cy;
} SIZE, *PSIZE;

#ifdef __cplusplus
}
#endif

#endif
