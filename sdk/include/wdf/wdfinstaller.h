/* Nothing of the co-installer is needed here. */
#ifndef _WDFINSTALLER_H_
#define _WDFINSTALLER_H_
#endif
