/* Control codes of races.sys and memory.sys, and the names under which ask.exe knows them. */
#define CODE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define CODE_FLAG CODE(1)
#define CODE_INIT CODE(2)
#define CODE_COUNT CODE(3)
#define CODE_LIST CODE(4)
#define CODE_WORK CODE(5)
#define CODE_CONTEXT CODE(16) /* memory.sys */
#define CODE_COMPLETED CODE(17)
#define CODE_STACK CODE(18)
#define CODE_POOL CODE(19)
#define CODE_GLOBAL CODE(20)
#define CODE_RETURNED CODE(21)
