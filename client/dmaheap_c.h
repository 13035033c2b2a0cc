/* The C library of dmaheapd: dmaheap.h for programs that are not written in C++.
 *
 *   dmaheap_client *client;
 *   dmaheap_error *error;
 *   if (dmaheap_connect(NULL, &client, &error) != DMAHEAP_OK) {
 *     fprintf(stderr, "%s\n", dmaheap_error_message(error));
 *     dmaheap_error_free(error);
 *     return 1;
 *   }
 *   dmaheap_allocate_options options = DMAHEAP_ALLOCATE_OPTIONS_INIT;
 *   options.heap = "reserved";
 *   options.size_bytes = 3840 * 2160 * 3 / 2;
 *   dmaheap_buffer *frame;
 *   dmaheap_code code = dmaheap_allocate(client, &options, &frame, NULL);
 *
 * Rules that hold for every function:
 * - A function that can fail returns a dmaheap_code. On failure no output is touched but *error,
 * which then holds an object to free with dmaheap_error_free; error may be NULL.
 * - Handles are opaque and owned by who got them; each has one function that ends it, which takes
 *   NULL. Strings that a handle returns live as long as the handle.
 * - fds are O_CLOEXEC. A borrowed fd belongs to its buffer; one that was taken belongs to the
 * caller.
 * - Option structs begin with struct_size, so that a program and a library of different releases
 *   understand each other: members that the library does not know must be zero, and those that the
 *   program did not know yet count as zero. The _INIT macros set it. NULL or zero means the
 * default.
 * - Times are nanoseconds; 0 the default (5 s), DMAHEAP_NO_DEADLINE none.
 * - A client may be used by several threads at once; a buffer and its mappings by one at a time.
 *   After fork() a client fails in the child, with DMAHEAP_FAILED_PRECONDITION.
 */

#ifndef CLIENT_DMAHEAP_C_H_
#define CLIENT_DMAHEAP_C_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DMAHEAP_API __attribute__((visibility("default")))
#else
#define DMAHEAP_API
#endif

#define DMAHEAP_NO_DEADLINE INT64_MAX

typedef struct dmaheap_client dmaheap_client;
typedef struct dmaheap_buffer dmaheap_buffer;
typedef struct dmaheap_mapping dmaheap_mapping;
typedef struct dmaheap_allocation dmaheap_allocation;
typedef struct dmaheap_held dmaheap_held;
typedef struct dmaheap_heaps dmaheap_heaps;
typedef struct dmaheap_error dmaheap_error;

/* The codes of gRPC, and their numbers. */
typedef enum dmaheap_code {
  DMAHEAP_OK = 0,
  DMAHEAP_CANCELLED = 1,
  DMAHEAP_UNKNOWN = 2,
  DMAHEAP_INVALID_ARGUMENT = 3,
  DMAHEAP_DEADLINE_EXCEEDED = 4,
  DMAHEAP_NOT_FOUND = 5,
  DMAHEAP_ALREADY_EXISTS = 6,
  DMAHEAP_PERMISSION_DENIED = 7,
  DMAHEAP_RESOURCE_EXHAUSTED = 8,
  DMAHEAP_FAILED_PRECONDITION = 9,
  DMAHEAP_ABORTED = 10,
  DMAHEAP_OUT_OF_RANGE = 11,
  DMAHEAP_UNIMPLEMENTED = 12,
  DMAHEAP_INTERNAL = 13,
  DMAHEAP_UNAVAILABLE = 14,
  DMAHEAP_DATA_LOSS = 15,
  DMAHEAP_UNAUTHENTICATED = 16
} dmaheap_code;

typedef enum dmaheap_contiguity {
  DMAHEAP_CONTIGUITY_UNSPECIFIED = 0,
  /* One run of physical pages. */
  DMAHEAP_CONTIGUITY_PHYSICAL = 1,
  /* Ordinary pages of a real heap that promises nothing. */
  DMAHEAP_CONTIGUITY_SCATTERED = 2,
  /* Contiguous only in a simulated area: no device without an IOMMU can use it. */
  DMAHEAP_CONTIGUITY_SIMULATED = 3
} dmaheap_contiguity;

typedef enum dmaheap_cpu_access {
  DMAHEAP_CPU_READ = 1,
  DMAHEAP_CPU_WRITE = 2,
  DMAHEAP_CPU_READ_WRITE = 3
} dmaheap_cpu_access;

typedef struct dmaheap_connect_options {
  uint32_t struct_size;
  uint32_t reserved;
  /* NULL: $DMAHEAPD_SOCKET_DIR, else /run/dmaheapd. */
  const char* socket_dir;
  /* What this client calls itself; NULL: the name of the program. */
  const char* label;
  int64_t timeout_ns;
  /* How long to try again while no daemon listens; 0: not at all. */
  int64_t wait_for_daemon_ns;
} dmaheap_connect_options;

typedef struct dmaheap_allocate_options {
  uint32_t struct_size;
  uint32_t reserved;
  /* Required. Name or alias, with or without "heaps/". */
  const char* heap;
  /* Required. */
  int64_t size_bytes;
  /* Name of the buffers, at most 31 bytes; may be NULL. */
  const char* label;
  int64_t deadline_ns;
  /* Makes a repeat idempotent; NULL: a random one. */
  const char* request_id;
} dmaheap_allocate_options;

#define DMAHEAP_CONNECT_OPTIONS_INIT \
  { sizeof(dmaheap_connect_options), 0, NULL, NULL, 0, 0 }
#define DMAHEAP_ALLOCATE_OPTIONS_INIT \
  { sizeof(dmaheap_allocate_options), 0, NULL, 0, NULL, 0, NULL }

/* "0.1.0" */
DMAHEAP_API const char* dmaheap_version(void);
/* "NOT_FOUND"; "UNKNOWN" for a number that is no code. */
DMAHEAP_API const char* dmaheap_code_name(dmaheap_code code);

/* --- connection --------------------------------------------------------------------------------
 */

/* options may be NULL. */
DMAHEAP_API dmaheap_code dmaheap_connect(const dmaheap_connect_options* options,
                                         dmaheap_client** out_client, dmaheap_error** error);
/* Cancels asynchronous requests and waits for their callbacks; so not from within one. Buffers
 * stay. */
DMAHEAP_API void dmaheap_disconnect(dmaheap_client* client);
/* The daemon's version; lives as long as the client. */
DMAHEAP_API const char* dmaheap_server_version(dmaheap_client* client);

/* --- allocation --------------------------------------------------------------------------------
 */

DMAHEAP_API dmaheap_code dmaheap_allocate(dmaheap_client* client,
                                          const dmaheap_allocate_options* options,
                                          dmaheap_buffer** out_buffer, dmaheap_error** error);
/* count buffers (at most 32) into out_buffers[0] to [count - 1]: all or none. */
DMAHEAP_API dmaheap_code dmaheap_allocate_many(dmaheap_client* client,
                                               const dmaheap_allocate_options* options,
                                               uint32_t count, dmaheap_buffer** out_buffers,
                                               dmaheap_error** error);

/* Comes exactly once, on a thread of the library or within dmaheap_allocate_async; must not block.
 * On success buffer is the callee's; on failure it is NULL and error is lent until the callback
 * returns. */
typedef void (*dmaheap_allocate_callback)(void* user_data, dmaheap_code code,
                                          dmaheap_buffer* buffer, const dmaheap_error* error);

/* Returns at once. out_allocation may be NULL; else free it with dmaheap_allocation_free. Fails
 * only for arguments that it can not read; then the callback does not come. */
DMAHEAP_API dmaheap_code dmaheap_allocate_async(dmaheap_client* client,
                                                const dmaheap_allocate_options* options,
                                                dmaheap_allocate_callback callback, void* user_data,
                                                dmaheap_allocation** out_allocation,
                                                dmaheap_error** error);
/* The callback still comes: with DMAHEAP_CANCELLED, or with the buffer that was quicker. */
DMAHEAP_API void dmaheap_allocation_cancel(dmaheap_allocation* allocation);
/* Neither cancels nor waits. */
DMAHEAP_API void dmaheap_allocation_free(dmaheap_allocation* allocation);

/* --- held buffers ------------------------------------------------------------------------------
 */

/* Allocates buffers that stay in the daemon until claimed. lease_ns 0: the daemon's default. */
DMAHEAP_API dmaheap_code dmaheap_hold(dmaheap_client* client,
                                      const dmaheap_allocate_options* options, uint32_t count,
                                      int64_t lease_ns, dmaheap_held** out_held,
                                      dmaheap_error** error);
DMAHEAP_API uint32_t dmaheap_held_count(const dmaheap_held* held);
/* NULL if there is no such index. */
DMAHEAP_API const char* dmaheap_held_name(const dmaheap_held* held, uint32_t index);
/* A secret: whoever has it may claim the buffers. */
DMAHEAP_API const char* dmaheap_held_claim_token(const dmaheap_held* held);
/* Frees the description; the buffers stay held. */
DMAHEAP_API void dmaheap_held_free(dmaheap_held* held);

DMAHEAP_API dmaheap_code dmaheap_claim(dmaheap_client* client, const char* buffer_name,
                                       const char* claim_token, int64_t deadline_ns,
                                       dmaheap_buffer** out_buffer, dmaheap_error** error);
/* Frees a held buffer. claim_token may be NULL for one of this user. */
DMAHEAP_API dmaheap_code dmaheap_release(dmaheap_client* client, const char* buffer_name,
                                         const char* claim_token, int64_t timeout_ns,
                                         dmaheap_error** error);

/* --- buffers -----------------------------------------------------------------------------------
 */

/* Borrowed. Fails with DMAHEAP_FAILED_PRECONDITION once the fd was taken. */
DMAHEAP_API dmaheap_code dmaheap_buffer_get_fd(const dmaheap_buffer* buffer, int* out_fd);
/* The caller's from now on. */
DMAHEAP_API dmaheap_code dmaheap_buffer_take_fd(dmaheap_buffer* buffer, int* out_fd);
DMAHEAP_API int64_t dmaheap_buffer_size_bytes(const dmaheap_buffer* buffer);
/* buffers/{buffer} */
DMAHEAP_API const char* dmaheap_buffer_name(const dmaheap_buffer* buffer);
/* heaps/{heap} that served it. */
DMAHEAP_API const char* dmaheap_buffer_heap(const dmaheap_buffer* buffer);
DMAHEAP_API const char* dmaheap_buffer_label(const dmaheap_buffer* buffer);
DMAHEAP_API dmaheap_contiguity dmaheap_buffer_contiguity(const dmaheap_buffer* buffer);
/* Closes the fd and tells the daemon, once its mappings are gone too. */
DMAHEAP_API void dmaheap_buffer_free(dmaheap_buffer* buffer);

DMAHEAP_API dmaheap_code dmaheap_buffer_map(const dmaheap_buffer* buffer, dmaheap_cpu_access access,
                                            dmaheap_mapping** out_mapping, dmaheap_error** error);
DMAHEAP_API void* dmaheap_mapping_data(const dmaheap_mapping* mapping);
DMAHEAP_API int64_t dmaheap_mapping_size_bytes(const dmaheap_mapping* mapping);
/* Bracket CPU access (DMA_BUF_IOCTL_SYNC). */
DMAHEAP_API dmaheap_code dmaheap_mapping_begin_cpu_access(dmaheap_mapping* mapping,
                                                          dmaheap_cpu_access access,
                                                          dmaheap_error** error);
DMAHEAP_API dmaheap_code dmaheap_mapping_end_cpu_access(dmaheap_mapping* mapping,
                                                        dmaheap_cpu_access access,
                                                        dmaheap_error** error);
DMAHEAP_API void dmaheap_mapping_free(dmaheap_mapping* mapping);

/* --- heaps -------------------------------------------------------------------------------------
 */

DMAHEAP_API dmaheap_code dmaheap_list_heaps(dmaheap_client* client, int64_t timeout_ns,
                                            dmaheap_heaps** out_heaps, dmaheap_error** error);
DMAHEAP_API uint32_t dmaheap_heaps_count(const dmaheap_heaps* heaps);
/* NULL, or DMAHEAP_CONTIGUITY_UNSPECIFIED, if there is no such index. */
DMAHEAP_API const char* dmaheap_heaps_name(const dmaheap_heaps* heaps, uint32_t index);
DMAHEAP_API const char* dmaheap_heaps_kind(const dmaheap_heaps* heaps, uint32_t index);
DMAHEAP_API dmaheap_contiguity dmaheap_heaps_contiguity(const dmaheap_heaps* heaps, uint32_t index);
/* DMAHEAP_NOT_FOUND where it is not known. */
DMAHEAP_API dmaheap_code dmaheap_heaps_size_bytes(const dmaheap_heaps* heaps, uint32_t index,
                                                  int64_t* out_bytes);
DMAHEAP_API dmaheap_code dmaheap_heaps_free_bytes(const dmaheap_heaps* heaps, uint32_t index,
                                                  int64_t* out_bytes);
DMAHEAP_API void dmaheap_heaps_free(dmaheap_heaps* heaps);

/* --- errors ------------------------------------------------------------------------------------
 */

DMAHEAP_API dmaheap_code dmaheap_error_code(const dmaheap_error* error);
/* What failed, why, and what to do. */
DMAHEAP_API const char* dmaheap_error_message(const dmaheap_error* error);
/* "HEAP_NOT_FOUND", of the closed set in errors.proto; empty if there is none. */
DMAHEAP_API const char* dmaheap_error_reason(const dmaheap_error* error);
/* A value that the text names; NULL if there is none of that key. */
DMAHEAP_API const char* dmaheap_error_detail(const dmaheap_error* error, const char* key);
DMAHEAP_API uint32_t dmaheap_error_detail_count(const dmaheap_error* error);
/* NULL if there is no such index. */
DMAHEAP_API const char* dmaheap_error_detail_key(const dmaheap_error* error, uint32_t index);
/* When a repeat makes sense. DMAHEAP_NOT_FOUND if nothing is known of that. */
DMAHEAP_API dmaheap_code dmaheap_error_retry_after_ns(const dmaheap_error* error, int64_t* out_ns);
DMAHEAP_API void dmaheap_error_free(dmaheap_error* error);

#ifdef __cplusplus
}
#endif

#endif /* CLIENT_DMAHEAP_C_H_ */
