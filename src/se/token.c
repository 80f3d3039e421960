/* Tokens: one for all processes, LocalSystem with all privileges. Nobody impersonates. */
#include <string.h>

#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/io.h"
#include "nt/ob.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/process.h"
#include "rtl/security.h"
#include "se/se.h"

enum { TOKEN_TAG = 0x6E6B6F54, TOKEN_PRIMARY = 1, SYSTEM_SESSION = 0 };
enum { CLASS_USER = 1, CLASS_GROUPS, CLASS_PRIVILEGES, CLASS_OWNER, CLASS_PRIMARY_GROUP, CLASS_DEFAULT_DACL, CLASS_SOURCE, CLASS_TYPE,
       CLASS_IMPERSONATION_LEVEL, CLASS_STATISTICS, CLASS_RESTRICTED_SIDS, CLASS_SESSION_ID, CLASS_ELEVATION_TYPE = 18, CLASS_ELEVATION = 20,
       CLASS_INTEGRITY_LEVEL = 25 };

#define SYSTEM_LUID 0x3E7

/* What NT keeps at the begin of a token that views show. */
struct token {
    CHAR source[8];
    LUID source_id, token_id, authentication_id;
};

static const struct ob_type token_type = { "Token", NULL, NULL, OB_NOT_WAITABLE };

void *se_token(void)
{
    return MACHINE->rooms[ROOM_SE];
}

void se_init(void)
{
    ob_type_register(OB_TOKEN, &token_type);
    struct token *t = ob_create(OB_TOKEN, sizeof *t);
    memcpy(t->source, "*SYSTEM*", sizeof t->source);
    t->authentication_id.LowPart = SYSTEM_LUID;
    t->token_id.LowPart = SYSTEM_LUID + 1;
    MACHINE->rooms[ROOM_SE] = t;
    for (struct process *p = ps_processes(); p; p = p->next)
        p->eprocess->Token = t;
}

/* ---- references ---- */

PVOID PsReferencePrimaryToken(EPROCESS *process)
{
    ob_reference(se_token());
    return se_token();
}

void PsDereferencePrimaryToken(PVOID token)
{
    ob_dereference(token);
}

PVOID PsReferenceImpersonationToken(ETHREAD *thread, BOOLEAN *copy_on_open, BOOLEAN *effective_only, ULONG *level)
{
    return NULL;
}

void PsDereferenceImpersonationToken(PVOID token)
{
    if (token)
        ob_dereference(token);
}

BOOLEAN PsIsThreadImpersonating(ETHREAD *thread)
{
    return FALSE;
}

NTSTATUS PsImpersonateClient(ETHREAD *thread, PVOID token, ULONG copy_on_open, ULONG effective_only, ULONG level)
{
    return STATUS_SUCCESS;
}

void PsRevertToSelf(void)
{
}

BOOLEAN PsDisableImpersonation(ETHREAD *thread, PVOID state)
{
    return FALSE;
}

/* ---- questions ---- */

BOOLEAN SeTokenIsAdmin(PVOID token)
{
    return TRUE;
}

BOOLEAN SeTokenIsRestricted(PVOID token)
{
    return FALSE;
}

ULONG SeTokenType(PVOID token)
{
    return TOKEN_PRIMARY;
}

ULONG SeTokenImpersonationLevel(PVOID token)
{
    return 0; /* SecurityAnonymous; a primary token has none */
}

NTSTATUS SeQueryAuthenticationIdToken(PVOID token, LUID *id)
{
    memset(id, 0, sizeof *id);
    id->LowPart = SYSTEM_LUID;
    return STATUS_SUCCESS;
}

NTSTATUS SeQuerySessionIdToken(PVOID token, ULONG *session)
{
    *session = SYSTEM_SESSION;
    return STATUS_SUCCESS;
}

/* ---- information ---- */

struct statistics {
    LUID token_id, authentication_id;
    LARGE_INTEGER expiration;
    ULONG type, impersonation_level, dynamic_charged, dynamic_available, group_count, privilege_count;
    LUID modified_id;
};

union sid_buffer {
    uint64_t align[4];
    uint8_t bytes[32];
};

/* S-1-5-18, S-1-5-32-544 and the mandatory level, made on the spot: only their bytes are handed out. */
static ULONG sid_write(union sid_buffer *b, uint8_t authority, unsigned count, const uint32_t *parts)
{
    memset(b, 0, sizeof *b);
    b->bytes[0] = 1;
    b->bytes[1] = (uint8_t)count;
    b->bytes[7] = authority;
    memcpy(b->bytes + 8, parts, count * 4u);
    return 8 + count * 4u;
}

/* head: a pointer to the SID first, then head_bytes - 8 further bytes; the SID behind it. */
static ULONG sid_answer(uint8_t *out, ULONG size, ULONG head_bytes, uint8_t authority, unsigned count, const uint32_t *parts)
{
    union sid_buffer sid;
    ULONG bytes = sid_write(&sid, authority, count, parts), all = head_bytes + bytes;
    if (!out || size < all)
        return all;
    memset(out, 0, head_bytes);
    uint64_t at = (uint64_t)(out + head_bytes);
    memcpy(out, &at, 8);
    memcpy(out + head_bytes, sid.bytes, bytes);
    return all;
}

static ULONG value_answer(uint8_t *out, ULONG size, const void *value, ULONG bytes)
{
    if (out && size >= bytes)
        memcpy(out, value, bytes);
    return bytes;
}

/* Bytes of the answer, written if they fit; 0: class not supported. */
static ULONG answer(ULONG class, uint8_t *out, ULONG size)
{
    static const uint32_t system[] = { 18 }, admins[] = { 32, 544 }, level[] = { 0x4000 };
    static const struct statistics statistics = { .token_id = { SYSTEM_LUID + 1, 0 }, .authentication_id = { SYSTEM_LUID, 0 }, .type = TOKEN_PRIMARY,
                                                  .group_count = 0 };
    static const ULONG zero, one = 1, type = TOKEN_PRIMARY;
    switch (class) {
    case CLASS_USER:
        return sid_answer(out, size, 16, 5, 1, system);
    case CLASS_OWNER:
        return sid_answer(out, size, 8, 5, 2, admins);
    case CLASS_PRIMARY_GROUP:
        return sid_answer(out, size, 8, 5, 1, system);
    case CLASS_INTEGRITY_LEVEL:
        return sid_answer(out, size, 16, 16, 1, level);
    case CLASS_GROUPS:
    case CLASS_RESTRICTED_SIDS:
    case CLASS_PRIVILEGES:
    case CLASS_SESSION_ID:
        return value_answer(out, size, &zero, 4); /* no entries; session 0 */
    case CLASS_TYPE:
        return value_answer(out, size, &type, 4);
    case CLASS_ELEVATION:
    case CLASS_ELEVATION_TYPE: /* TokenElevationTypeDefault */
        return value_answer(out, size, &one, 4);
    case CLASS_STATISTICS:
        return value_answer(out, size, &statistics, sizeof statistics);
    default:
        return 0;
    }
}

/* DOC: the answer is a pool block that the caller frees. */
NTSTATUS SeQueryInformationToken(PVOID token, ULONG class, PVOID *information)
{
    ULONG bytes = answer(class, NULL, 0);
    *information = NULL;
    if (!bytes)
        return STATUS_INVALID_INFO_CLASS;
    if (class == CLASS_SESSION_ID) {
        memset(information, 0, sizeof(ULONG)); /* DOC: this class comes in the variable itself */
        return STATUS_SUCCESS;
    }
    void *p = ex_pool_alloc(1, bytes, TOKEN_TAG);
    answer(class, p, bytes);
    *information = p;
    return STATUS_SUCCESS;
}

static NTSTATUS token_of(HANDLE handle, void **token)
{
    return ob_handle_reference(ps_current_process(), handle, OB_TOKEN, 0, token, NULL);
}

NTSTATUS ZwQueryInformationToken(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    void *token;
    NTSTATUS status = token_of(handle, &token);
    if (!NT_SUCCESS(status))
        return status;
    ULONG bytes = answer(class, information, length);
    ob_dereference(token);
    *needed = bytes;
    return !bytes ? STATUS_INVALID_INFO_CLASS : length < bytes ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

NTSTATUS ZwOpenProcessTokenEx(HANDLE process, ULONG access, ULONG attributes, HANDLE *handle)
{
    void *object;
    NTSTATUS status = ob_handle_reference(ps_current_process(), process, OB_PROCESS, 0, &object, NULL);
    if (!NT_SUCCESS(status))
        return status;
    ob_dereference(object);
    return ob_handle_create(attributes & OBJ_KERNEL_HANDLE ? ps_system() : ps_current_process(), se_token(), access, attributes, handle);
}

NTSTATUS ZwOpenProcessToken(HANDLE process, ULONG access, HANDLE *handle)
{
    return ZwOpenProcessTokenEx(process, access, 0, handle);
}

NTSTATUS ZwOpenThreadTokenEx(HANDLE thread, ULONG access, ULONG as_self, ULONG attributes, HANDLE *handle)
{
    return STATUS_NO_TOKEN;
}

NTSTATUS ZwOpenThreadToken(HANDLE thread, ULONG access, ULONG as_self, HANDLE *handle)
{
    return STATUS_NO_TOKEN;
}

NTSTATUS ZwAdjustPrivilegesToken(HANDLE token, ULONG disable_all, PVOID new_state, ULONG length, PVOID previous, ULONG *needed)
{
    return STATUS_SUCCESS;
}

/* ---- subject contexts ---- */

struct subject_context {
    PVOID client_token;
    ULONG impersonation_level;
    PVOID primary_token;
    PVOID process_audit_id;
};

void SeCaptureSubjectContextEx(ETHREAD *thread, EPROCESS *process, struct subject_context *c)
{
    *c = (struct subject_context) { .primary_token = se_token(), .process_audit_id = process->UniqueProcessId };
    ob_reference(se_token());
}

void SeCaptureSubjectContext(struct subject_context *c)
{
    SeCaptureSubjectContextEx(NULL, ps_current_process()->eprocess, c);
}

void SeReleaseSubjectContext(struct subject_context *c)
{
    PVOID token = c->primary_token;
    c->primary_token = NULL;
    if (token)
        ob_dereference(token);
}

void SeLockSubjectContext(struct subject_context *c)
{
}

void SeUnlockSubjectContext(struct subject_context *c)
{
}

/* ---- client contexts ---- */

/* SECURITY_CLIENT_CONTEXT as far as it is filled. */
struct client_context {
    ULONG qos_length, impersonation_level;
    UCHAR tracking, effective_only;
    PVOID token;
    BOOLEAN direct_access, direct_effective_only, server_is_remote;
};

NTSTATUS SeCreateClientSecurity(ETHREAD *thread, const ULONG *qos, ULONG remote, struct client_context *c)
{
    *c = (struct client_context) { .qos_length = 12, .impersonation_level = qos ? qos[1] : 2, .token = se_token(), .server_is_remote = (UCHAR)remote };
    ob_reference(se_token());
    return STATUS_SUCCESS;
}

NTSTATUS SeCreateClientSecurityFromSubjectContext(struct subject_context *s, const ULONG *qos, ULONG remote, struct client_context *c)
{
    return SeCreateClientSecurity(NULL, qos, remote, c);
}

NTSTATUS SeImpersonateClientEx(struct client_context *c, ETHREAD *thread)
{
    return STATUS_SUCCESS;
}

void SeImpersonateClient(struct client_context *c, ETHREAD *thread)
{
}
