/* Objects: attributes, contexts and their types, references. */
#ifndef _WDFOBJECT_H_
#define _WDFOBJECT_H_

#include "wdfversion.h"

WDF_EXTERN_C_START

typedef enum _WDF_EXECUTION_LEVEL {
    WdfExecutionLevelInvalid = 0x00,
    WdfExecutionLevelInheritFromParent,
    WdfExecutionLevelPassive,
    WdfExecutionLevelDispatch,
} WDF_EXECUTION_LEVEL;

typedef enum _WDF_SYNCHRONIZATION_SCOPE {
    WdfSynchronizationScopeInvalid = 0x00,
    WdfSynchronizationScopeInheritFromParent,
    WdfSynchronizationScopeDevice,
    WdfSynchronizationScopeQueue,
    WdfSynchronizationScopeNone,
} WDF_SYNCHRONIZATION_SCOPE;

typedef VOID NTAPI EVT_WDF_OBJECT_CONTEXT_CLEANUP(WDFOBJECT Object);
typedef EVT_WDF_OBJECT_CONTEXT_CLEANUP *PFN_WDF_OBJECT_CONTEXT_CLEANUP;
typedef VOID NTAPI EVT_WDF_OBJECT_CONTEXT_DESTROY(WDFOBJECT Object);
typedef EVT_WDF_OBJECT_CONTEXT_DESTROY *PFN_WDF_OBJECT_CONTEXT_DESTROY;

typedef const struct _WDF_OBJECT_CONTEXT_TYPE_INFO *PCWDF_OBJECT_CONTEXT_TYPE_INFO;

typedef struct _WDF_OBJECT_ATTRIBUTES {
    ULONG Size;
    PFN_WDF_OBJECT_CONTEXT_CLEANUP EvtCleanupCallback;
    PFN_WDF_OBJECT_CONTEXT_DESTROY EvtDestroyCallback;
    WDF_EXECUTION_LEVEL ExecutionLevel;
    WDF_SYNCHRONIZATION_SCOPE SynchronizationScope;
    WDFOBJECT ParentObject;
    size_t ContextSizeOverride;
    PCWDF_OBJECT_CONTEXT_TYPE_INFO ContextTypeInfo;
} WDF_OBJECT_ATTRIBUTES;

FORCEINLINE VOID WDF_OBJECT_ATTRIBUTES_INIT(PWDF_OBJECT_ATTRIBUTES Attributes)
{
    RtlZeroMemory(Attributes, sizeof(WDF_OBJECT_ATTRIBUTES));
    Attributes->Size = WDF_STRUCTURE_SIZE(WDF_OBJECT_ATTRIBUTES);
    Attributes->ExecutionLevel = WdfExecutionLevelInheritFromParent;
    Attributes->SynchronizationScope = WdfSynchronizationScopeInheritFromParent;
}

/* Two statements, not one expression, and no semicolon at the end: sources rely on it. */
#define WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(_attributes, _contexttype)                                                           \
    (_attributes)->ContextTypeInfo = WDF_GET_CONTEXT_TYPE_INFO(_contexttype)->UniqueType
#define WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(_attributes, _contexttype)                                                          \
    WDF_OBJECT_ATTRIBUTES_INIT(_attributes);                                                                                        \
    WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(_attributes, _contexttype)

typedef PCWDF_OBJECT_CONTEXT_TYPE_INFO(__cdecl *PFN_GET_UNIQUE_CONTEXT_TYPE)(VOID);

typedef struct _WDF_OBJECT_CONTEXT_TYPE_INFO {
    ULONG Size;
    LPCSTR ContextName;
    size_t ContextSize;
    PCWDF_OBJECT_CONTEXT_TYPE_INFO UniqueType; /* what identifies the type: usually this structure itself */
    PFN_GET_UNIQUE_CONTEXT_TYPE EvtDriverGetUniqueContextType; /* types of another component: the stub asks before DriverEntry */
} WDF_OBJECT_CONTEXT_TYPE_INFO, *PWDF_OBJECT_CONTEXT_TYPE_INFO;

#define WDF_TYPE_NAME_TO_TYPE_INFO(_contexttype) _WDF_##_contexttype##_TYPE_INFO
#define WDF_TYPE_NAME_TO_EXTERNAL_INIT(_contexttype) _WDF_##_contexttype##_EXTERNAL_INIT
#define WDF_TYPE_NAME_TO_EXTERNAL_INIT_FUNCTION(_contexttype) _contexttype##_EXTERNAL_INIT_FUNCTION
#define WDF_GET_CONTEXT_TYPE_INFO(_contexttype) (&WDF_TYPE_NAME_TO_TYPE_INFO(_contexttype))
#define WDF_TYPE_NAME_POINTER_TYPE(_contexttype) WDF_POINTER_TYPE_##_contexttype

#define WDF_TYPE_INIT_BASE_SECTION_NAME ".kmdftypeinit"
#define WDF_TYPE_INIT_SECTION_NAME ".kmdftypeinit$b"
#ifndef WDF_TYPE_DEFAULT_SECTION_NAME
#define WDF_TYPE_DEFAULT_SECTION_NAME ".data"
#endif

/* One structure a type in the whole driver, however many sources declare it. Those of other components lie in a section of
 * their own, which the stub walks. */
#define WDF_DECLARE_TYPE_AND_GLOBALS(_contexttype, _UniqueType, _GetUniqueType, _section)                                           \
    typedef _contexttype *WDF_TYPE_NAME_POINTER_TYPE(_contexttype);                                                                 \
    WDF_EXTERN_C extern WDF_OBJECT_CONTEXT_TYPE_INFO WDF_TYPE_NAME_TO_TYPE_INFO(_contexttype);                                      \
    WDF_EXTERN_C_START                                                                                                              \
    __declspec(selectany) __attribute__((section(_section))) WDF_OBJECT_CONTEXT_TYPE_INFO WDF_TYPE_NAME_TO_TYPE_INFO(_contexttype) = \
        {sizeof(WDF_OBJECT_CONTEXT_TYPE_INFO), #_contexttype, sizeof(_contexttype), _UniqueType, _GetUniqueType};                   \
    WDF_EXTERN_C_END

#define WDF_DECLARE_CASTING_FUNCTION(_contexttype, _castingfunction)                                                                \
    WDF_EXTERN_C FORCEINLINE WDF_TYPE_NAME_POINTER_TYPE(_contexttype) _castingfunction(WDFOBJECT Handle)                            \
    {                                                                                                                               \
        return (WDF_TYPE_NAME_POINTER_TYPE(_contexttype))WdfObjectGetTypedContextWorker(                                            \
            Handle, WDF_GET_CONTEXT_TYPE_INFO(_contexttype)->UniqueType);                                                           \
    }

#define WDF_DECLARE_CONTEXT_TYPE(_contexttype) WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(_contexttype, WdfObjectGet_##_contexttype)
#define WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(_contexttype, _castingfunction)                                                          \
    WDF_DECLARE_TYPE_AND_GLOBALS(_contexttype, WDF_GET_CONTEXT_TYPE_INFO(_contexttype), NULL, WDF_TYPE_DEFAULT_SECTION_NAME)        \
    WDF_DECLARE_CASTING_FUNCTION(_contexttype, _castingfunction)
#define WDF_DECLARE_SHARED_CONTEXT_TYPE_WITH_NAME(_contexttype, _castingfunction)                                                   \
    WDF_DECLARE_TYPE_AND_GLOBALS(_contexttype, NULL, WDF_TYPE_NAME_TO_EXTERNAL_INIT_FUNCTION(_contexttype),                         \
                                 WDF_TYPE_INIT_SECTION_NAME)                                                                        \
    WDF_DECLARE_CASTING_FUNCTION(_contexttype, _castingfunction)

#define WdfObjectGetTypedContext(handle, type)                                                                                      \
    (type *)WdfObjectGetTypedContextWorker((WDFOBJECT)handle, WDF_GET_CONTEXT_TYPE_INFO(type)->UniqueType)

/* Custom types: a mark, with a number, that a driver puts on objects of its own kinds. */
#define WDF_CUSTOM_TYPE_CONTEXT_NAME(_type) WdfCustomType_##_type
#define WDF_GET_CUSTOM_TYPE_FUNCTION_NAME(_type) WdfObjectGetCustomType_##_type
#define WDF_ADD_CUSTOM_TYPE_FUNCTION_NAME(_type) WdfObjectAddCustomType_##_type

typedef struct _WDF_CUSTOM_TYPE_CONTEXT {
    ULONG Size;
    ULONG_PTR Data;
} WDF_CUSTOM_TYPE_CONTEXT, *PWDF_CUSTOM_TYPE_CONTEXT;

#define WDF_CUSTOM_TYPE_IRPLAB_DECLARE_2(_name, _get) WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(_name, _get)
#define WDF_CUSTOM_TYPE_IRPLAB_INIT_2(_attributes, _name) WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(_attributes, _name)
#define WDF_CUSTOM_TYPE_IRPLAB_GET_2(_handle, _name) WdfObjectGetTypedContext(_handle, _name)

#define WDF_DECLARE_CUSTOM_TYPE(_type)                                                                                              \
    typedef WDF_CUSTOM_TYPE_CONTEXT WDF_CUSTOM_TYPE_CONTEXT_NAME(_type);                                                            \
    WDF_CUSTOM_TYPE_IRPLAB_DECLARE_2(WDF_CUSTOM_TYPE_CONTEXT_NAME(_type), WDF_GET_CUSTOM_TYPE_FUNCTION_NAME(_type))                 \
    WDF_EXTERN_C FORCEINLINE NTSTATUS WDF_ADD_CUSTOM_TYPE_FUNCTION_NAME(_type)(                                                     \
        WDFOBJECT Handle, ULONG_PTR Data, PFN_WDF_OBJECT_CONTEXT_CLEANUP EvtCleanupCallback,                                        \
        PFN_WDF_OBJECT_CONTEXT_DESTROY EvtDestroyCallback)                                                                          \
    {                                                                                                                               \
        NTSTATUS status;                                                                                                            \
        WDF_OBJECT_ATTRIBUTES attributes;                                                                                           \
        WDF_CUSTOM_TYPE_CONTEXT *typeInfo;                                                                                          \
        WDF_CUSTOM_TYPE_IRPLAB_INIT_2(&attributes, WDF_CUSTOM_TYPE_CONTEXT_NAME(_type));                                            \
        attributes.EvtCleanupCallback = EvtCleanupCallback;                                                                         \
        attributes.EvtDestroyCallback = EvtDestroyCallback;                                                                         \
        status = WdfObjectAllocateContext(Handle, &attributes, (PVOID *)&typeInfo);                                                 \
        if (NT_SUCCESS(status)) {                                                                                                   \
            typeInfo->Size = sizeof(WDF_CUSTOM_TYPE_CONTEXT);                                                                       \
            typeInfo->Data = Data;                                                                                                  \
        }                                                                                                                           \
        return status;                                                                                                              \
    }

#define WdfObjectIsCustomType(_handle, _type)                                                                                       \
    (WDF_CUSTOM_TYPE_IRPLAB_GET_2(_handle, WDF_CUSTOM_TYPE_CONTEXT_NAME(_type)) == NULL ? FALSE : TRUE)
#define WdfObjectAddCustomTypeWithData(_handle, _type, _data, _cleanup, _destroy)                                                   \
    WDF_ADD_CUSTOM_TYPE_FUNCTION_NAME(_type)(_handle, _data, _cleanup, _destroy)
#define WdfObjectAddCustomType(_handle, _type) WdfObjectAddCustomTypeWithData(_handle, _type, 0, NULL, NULL)
#define WdfObjectGetCustomTypeData(_handle, _type) (WDF_GET_CUSTOM_TYPE_FUNCTION_NAME(_type)(_handle)->Data)

#include "calls/wdfobject.h"

#define WdfObjectReference(Handle) WdfObjectReferenceWithTag(Handle, NULL)
#define WdfObjectReferenceWithTag(Handle, Tag) WdfObjectReferenceActual(Handle, Tag, __LINE__, __FILE__)
#define WdfObjectDereference(Handle) WdfObjectDereferenceWithTag(Handle, NULL)
#define WdfObjectDereferenceWithTag(Handle, Tag) WdfObjectDereferenceActual(Handle, Tag, __LINE__, __FILE__)

WDF_EXTERN_C_END

#endif
