/* Names that class extensions share with the loader. */
#ifndef _WDFCXBASE_H_
#define _WDFCXBASE_H_

#include "wdfcx.h"

#endif
