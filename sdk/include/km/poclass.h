/* Batteries, thermal zones, buttons and lids. The toolchain has two of these; that of its ddk folder cannot be compiled, the other one can once the
 * keys of properties are known. */
#include <guiddef.h>
#include <devpropdef.h>
#include <../poclass.h>
