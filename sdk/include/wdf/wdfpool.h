#ifndef _WDFPOOL_H_
#define _WDFPOOL_H_

#include "wdfversion.h"

#endif
