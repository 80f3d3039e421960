/* The kernel's object types, as a WDK driver reads them: IoFileObjectType is the import slot itself (a pointer to the exported
 * pointer). mingw's header declares them dllimport, one indirection too many. */
#ifndef IRPLAB_SDK_OBJECT_TYPES_H
#define IRPLAB_SDK_OBJECT_TYPES_H

extern POBJECT_TYPE *__imp_CmKeyObjectType, *__imp_ExEventObjectType, *__imp_ExSemaphoreObjectType, *__imp_IoFileObjectType, *__imp_PsThreadType,
    *__imp_SeTokenObjectType, *__imp_PsProcessType, *__imp_IoDeviceObjectType, *__imp_IoDriverObjectType, *__imp_MmSectionObjectType;
#define CmKeyObjectType __imp_CmKeyObjectType
#define ExEventObjectType __imp_ExEventObjectType
#define ExSemaphoreObjectType __imp_ExSemaphoreObjectType
#define IoFileObjectType __imp_IoFileObjectType
#define PsThreadType __imp_PsThreadType
#define SeTokenObjectType __imp_SeTokenObjectType
#define PsProcessType __imp_PsProcessType
#define IoDeviceObjectType __imp_IoDeviceObjectType
#define IoDriverObjectType __imp_IoDriverObjectType
#define MmSectionObjectType __imp_MmSectionObjectType

#endif
