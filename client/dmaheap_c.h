/* The client library of dmaheapd for C, and for whatever speaks C: libdmaheap.so.
 *
 *   dmaheap_error *error = NULL;
 *   dmaheap_client *client = NULL;
 *   dmaheap_buffer *frame = NULL;
 *   dmaheap_connect_options connect = {.struct_size = sizeof(connect)};
 *   dmaheap_allocate_options wanted = {.struct_size = sizeof(wanted)};
 *   wanted.heap = "reserved";
 *   wanted.size_bytes = 3840 * 2160 * 3 / 2;
 *   if (dmaheap_connect(&connect, &client, &error) != DMAHEAP_OK ||
 *       dmaheap_allocate(client, &wanted, &frame, &error) != DMAHEAP_OK) {
 *     fprintf(stderr, "%s\n", dmaheap_error_message(error));
 *   }
 *
 * Results. A function that can fail returns a dmaheap_code and takes, last, a `dmaheap_error **`.
 * That may be NULL. On failure it is given a new error, which the caller frees with
 * dmaheap_error_free; what it pointed at before is lost, not freed. On success it is not touched.
 * All other outputs are written on success only. A required pointer that is NULL is
 * DMAHEAP_INVALID_ARGUMENT. Running out of ordinary memory ends the process.
 *
 * Ownership. Each handle is freed by the function of its own kind; freeing NULL does nothing.
 * Strings that are returned belong to the handle they were asked of and live as long as it does.
 * Strings that are passed are copied. An fd is O_CLOEXEC.
 *
 * Parameter structs begin with struct_size, which the caller sets to sizeof. All other members may
 * be zero, which means their default. A library newer than its caller takes the members that the
 * caller does not know for zero; one that is older refuses those that it does not know itself,
 * unless they are zero.
 *
 * Threads. A dmaheap_client may be used by any number of threads at once, but not while it is
 * freed. Every other handle belongs to one thread at a time, but for dmaheap_request, whose
 * functions may be called from any thread. A client does not survive fork() without exec(): each
 * call in the child fails with DMAHEAP_FAILED_PRECONDITION. Buffers and mappings do survive it.
 *
 * Errors. Codes and reasons are those of the daemon's API. Every function that asks the daemon may
 * fail with DMAHEAP_UNAVAILABLE (DAEMON_UNREACHABLE, OVERLOADED, SHUTTING_DOWN),
 * DMAHEAP_DEADLINE_EXCEEDED and DMAHEAP_FAILED_PRECONDITION (after fork).
 *
 * Times are in milliseconds, sizes in bytes.
 */

#ifndef CLIENT_DMAHEAP_C_H_
#define CLIENT_DMAHEAP_C_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define DMAHEAP_API __attribute__((visibility("default")))
#else
#define DMAHEAP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers of gRPC's status codes. More may come. */
typedef int32_t dmaheap_code;
enum {
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
};

/* Whether the pages of a buffer are physically contiguous. */
typedef int32_t dmaheap_contiguity;
enum {
  DMAHEAP_CONTIGUITY_UNSPECIFIED = 0,
  /* One run of physical pages. */
  DMAHEAP_CONTIGUITY_PHYSICAL = 1,
  /* Ordinary pages of a real heap that promises nothing. */
  DMAHEAP_CONTIGUITY_SCATTERED = 2,
  /* Contiguous only in a simulated area: no device without an IOMMU can use it. */
  DMAHEAP_CONTIGUITY_SIMULATED = 3
};

/* What the CPU is about to do with the memory, or has done. */
typedef int32_t dmaheap_cpu_access;
enum { DMAHEAP_CPU_READ = 1, DMAHEAP_CPU_WRITE = 2, DMAHEAP_CPU_READ_WRITE = 3 };

/* Who goes first where several wait for one area. Who waits long rises. */
typedef int32_t dmaheap_priority;
enum {
  /* The daemon's default: normal, or the highest that this user may have if that is less. */
  DMAHEAP_PRIORITY_UNSPECIFIED = 0,
  DMAHEAP_PRIORITY_LOW = 1,
  DMAHEAP_PRIORITY_NORMAL = 2,
  DMAHEAP_PRIORITY_HIGH = 3
};

/* What a request that has no outcome yet is at. */
typedef int32_t dmaheap_allocation_state;
enum {
  DMAHEAP_ALLOCATION_UNSPECIFIED = 0,
  /* Others are before it. */
  DMAHEAP_ALLOCATION_IN_LINE = 1,
  /* The heap is at work. */
  DMAHEAP_ALLOCATION_ATTEMPTING = 2,
  /* Waits for its next attempt. */
  DMAHEAP_ALLOCATION_BACKING_OFF = 3
};

/* What keeps a request waiting, as far as the heap's own numbers tell. */
typedef int32_t dmaheap_obstacle;
enum {
  DMAHEAP_OBSTACLE_UNSPECIFIED = 0,
  /* There is a free run that is large enough, or nobody knows: a page that can not be moved just
   * now, or no memory to move pages to. */
  DMAHEAP_OBSTACLE_PINNED = 1,
  /* Somebody has to release something. */
  DMAHEAP_OBSTACLE_NO_ROOM = 2,
  /* This user holds buffers of the heap whose release would make room. */
  DMAHEAP_OBSTACLE_OWN_BUFFERS = 3,
  /* Others who hold what it needs wait for room themselves: one of them has to release something.
   */
  DMAHEAP_OBSTACLE_EACH_OTHER = 4
};

/* A deadline_ms that never comes. */
#define DMAHEAP_FOREVER INT64_MAX

/* Why a call failed. */
typedef struct dmaheap_error dmaheap_error;
/* A connection to the daemon, with the identity of the process at connect. */
typedef struct dmaheap_client dmaheap_client;
/* A buffer in the hand of this process: owns its fd, unless that was taken. */
typedef struct dmaheap_buffer dmaheap_buffer;
/* A buffer's memory in this process. */
typedef struct dmaheap_mapping dmaheap_mapping;
/* An asynchronous request. */
typedef struct dmaheap_request dmaheap_request;
/* Buffers that the daemon holds for whoever comes with the token. */
typedef struct dmaheap_held dmaheap_held;
/* A reservation of buffers, as it was when asked for. */
typedef struct dmaheap_reservation dmaheap_reservation;
/* The reservations of this user, as they were when asked for. */
typedef struct dmaheap_reservation_list dmaheap_reservation_list;
/* The heaps, as they were when asked for. */
typedef struct dmaheap_heap_list dmaheap_heap_list;

/* ---- Errors. None of these functions fails. ---- */

/* What failed, why, and what to do about it. Never NULL; "" for a NULL error. */
DMAHEAP_API const char* dmaheap_error_message(const dmaheap_error* error);

/* The code that the failed function returned; DMAHEAP_OK for a NULL error. */
DMAHEAP_API dmaheap_code dmaheap_error_code(const dmaheap_error* error);

/* The reason, of the closed set in errors.proto ("HEAP_NOT_FOUND"); "" if it has none. */
DMAHEAP_API const char* dmaheap_error_reason(const dmaheap_error* error);

/* The value of that name in the error ("heap_size_bytes"); NULL if it has none. */
DMAHEAP_API const char* dmaheap_error_detail(const dmaheap_error* error, const char* key);

/* When a repeat makes sense; -1 if the daemon did not say. */
DMAHEAP_API int64_t dmaheap_error_retry_after_ms(const dmaheap_error* error);

/* Frees the error and the strings asked of it. */
DMAHEAP_API void dmaheap_error_free(dmaheap_error* error);

/* ---- The connection ---- */

/* A request, of this program or another one, waits for room on a heap of which this client has
 * buffers. The library makes it: a newer one may append members, and struct_size says how much
 * there is. Valid, with its string, for the length of the call. */
typedef struct dmaheap_give_back {
  uint32_t struct_size;
  /* What is missing: so many buffers, each of size_bytes in one run. */
  int32_t count;
  int64_t size_bytes;
  /* heaps/{heap}, by its own name. */
  const char* heap;
  /* Of who waits. */
  dmaheap_priority priority;
  uint32_t reserved;
} dmaheap_give_back;

/* Called when the daemon asks for memory: whoever has buffers that it can do without, such as idle
 * ones of a pool, frees them, now or later. To do nothing is no fault, and there is no error to
 * tell. At most once a second for each heap; what comes while a call runs waits, up to 16
 * questions, of which the oldest go. Runs on a thread of the library that does nothing else, one
 * call at a time: it may block, allocate and free buffers, but not free the client. */
typedef void (*dmaheap_give_back_asked)(void* context, const dmaheap_give_back* question);

typedef struct dmaheap_connect_options {
  uint32_t struct_size;
  /* Zero. */
  uint32_t reserved;
  /* Folder of the daemon's sockets. NULL: $DMAHEAPD_SOCKET_DIR, else /run/dmaheapd. */
  const char* socket_dir;
  /* What this client calls itself: at most 64 bytes of printable ASCII. NULL: the program's name.
   */
  const char* label;
  /* Bounds the handshake. 0: 5000. */
  int64_t timeout_ms;
  /* How long to try again while no daemon listens, beside timeout_ms. 0: not at all. */
  int64_t wait_for_daemon_ms;
  /* NULL: this client is not asked. An older daemon never asks; one that was started again, only
   * for buffers that this client got since. give_back_context stays the caller's, and must be valid
   * until dmaheap_client_free has returned, or dmaheap_connect has failed. */
  dmaheap_give_back_asked on_give_back;
  void* give_back_context;
} dmaheap_connect_options;

/* Connects. options may be NULL. *client is the caller's, to free with dmaheap_client_free.
 * Errors: DMAHEAP_UNAVAILABLE no daemon listens; DMAHEAP_PERMISSION_DENIED the socket is not for
 * this user; DMAHEAP_FAILED_PRECONDITION WIRE_VERSION_UNSUPPORTED; DMAHEAP_INVALID_ARGUMENT.
 * Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_connect(const dmaheap_connect_options* options,
                                         dmaheap_client** client, dmaheap_error** error);

/* Ends the connection: cancels asynchronous requests and waits for their callbacks, and for an
 * on_give_back that runs; so not to be called from within one. Buffers stay valid. Not while
 * another thread uses the client. */
DMAHEAP_API void dmaheap_client_free(dmaheap_client* client);

/* ---- Allocation ---- */

/* How a request fares that waits for its memory. The library makes it: a newer one may append
 * members, and struct_size says how much there is. Valid, with its strings, for the length of the
 * call. */
typedef struct dmaheap_progress {
  uint32_t struct_size;
  /* Tries of heaps so far. */
  int32_t attempts;
  dmaheap_allocation_state state;
  dmaheap_obstacle obstacle;
  /* Until the next attempt, while it backs off; an event may bring it earlier. */
  int64_t next_delay_ms;
  /* Since the daemon has the request. */
  int64_t elapsed_ms;
  /* heaps/{heap} that is tried now; the policy may turn to another one. */
  const char* heap;
  /* At the last failure; -1 where not known. */
  int64_t free_bytes;
  int64_t largest_free_bytes;
  /* Of this heap: what this user holds, and what others hold who wait for room. */
  int64_t own_bytes;
  int64_t waiting_others_bytes;
  /* Of the last attempt, with the kernel's errno; "" if there is none. */
  const char* last_error;
  /* Name of the policy that it goes by. */
  const char* retry_policy;
  /* The page that is in the way, where the daemon can see which one it is: how long it has been
   * there, and who has it in their address space, for people to read, another user's as "another
   * process" for who has not the right INSPECT; "" if nobody was found. */
  int64_t stuck_ms;
  const char* pinned_by;
} dmaheap_progress;

/* Called each time that the request is at something else; what changes faster than it is read is
 * told once, as it is last. Never once the function returned or its callback has begun, and never
 * by an older daemon: do not wait for it. When the daemon restarts, the count begins anew. Runs on
 * a thread of the library, one call at a time; must not block, for the replies of other requests
 * wait behind it, and the end of its own. May cancel, but not free the client. */
typedef void (*dmaheap_progressed)(void* context, const dmaheap_progress* progress);

typedef struct dmaheap_allocate_options {
  uint32_t struct_size;
  /* Zero. */
  uint32_t reserved;
  /* Required, but for a draw. By name or alias, with or without "heaps/". */
  const char* heap;
  /* Required, but for a draw. Of each buffer; rounded up to whole pages. */
  int64_t size_bytes;
  /* Name of the buffers, also the dma-buf's own: at most 31 bytes of printable ASCII. */
  const char* label;
  /* From the call on. The daemon answers a little earlier, so that an explanation still arrives.
   * 0: 5000. To wait for ever, DMAHEAP_FOREVER and a policy that does not give up, such as that of
   * the heap's alias linux,cma-nofail; who holds the very memory that it waits for waits in vain,
   * and on_progress tells. */
  int64_t deadline_ms;
  /* Makes a repeat idempotent: the daemon gives no second buffer for it. NULL: a random one. */
  const char* request_id;
  dmaheap_priority priority;
  /* Zero. */
  uint32_t reserved2;
  /* Name of the retry policy to go by. NULL: the heap's. The daemon's policy file says which a user
   * may choose. */
  const char* retry_policy;
  /* NULL: nothing is asked. */
  dmaheap_progressed on_progress;
  void* progress_context;
  /* Draws from this one, with or without "reservations/": heap, size_bytes and label must then be
   * left out or be its own. What it has ready comes without an attempt of the heap; what it has not
   * is allocated, as without it. dmaheap_buffer_was_ready tells. NULL: from none. */
  const char* reservation;
} dmaheap_allocate_options;

/* One buffer. *buffer is the caller's, to free with dmaheap_buffer_free. Blocks until the outcome
 * or the deadline. Errors: every one of the API, such as DMAHEAP_NOT_FOUND no such heap,
 * DMAHEAP_OUT_OF_RANGE larger than the heap can ever hold, DMAHEAP_RESOURCE_EXHAUSTED quota or heap
 * used up, DMAHEAP_UNAVAILABLE contiguous memory is pinned or fragmented, DMAHEAP_DATA_LOSS the fd
 * did not arrive. Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_allocate(dmaheap_client* client,
                                          const dmaheap_allocate_options* options,
                                          dmaheap_buffer** buffer, dmaheap_error** error);

/* count buffers of one size, 1 to 32: all of them or none. Writes buffers[0] to buffers[count - 1],
 * each the caller's. Else as dmaheap_allocate. Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_allocate_many(dmaheap_client* client,
                                               const dmaheap_allocate_options* options,
                                               uint32_t count, dmaheap_buffer** buffers,
                                               dmaheap_error** error);

/* What became of an asynchronous request. On success code is DMAHEAP_OK and the buffers, not the
 * array, are the callback's to free. On failure count is 0 and error says why; error is valid for
 * the length of the call. Runs once, on a thread of the library or on the caller's own; must not
 * block, for other callbacks wait behind it. */
typedef void (*dmaheap_allocated)(void* context, dmaheap_code code, dmaheap_buffer* const* buffers,
                                  uint32_t count, const dmaheap_error* error);

/* As dmaheap_allocate_many, but returns at once; done gets the outcome exactly once, unless this
 * function itself fails (DMAHEAP_INVALID_ARGUMENT: a required pointer is NULL, or options are
 * wrong). *request is the caller's, to free with dmaheap_request_free; request may be NULL if no
 * cancelling is intended. done may run before *request is written. Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_allocate_async(dmaheap_client* client,
                                                const dmaheap_allocate_options* options,
                                                uint32_t count, dmaheap_allocated done,
                                                void* context, dmaheap_request** request,
                                                dmaheap_error** error);

/* Asks to end the request. Its callback still comes, with DMAHEAP_CANCELLED or with buffers that
 * were quicker. Does nothing once the callback has run. Never fails. Thread-safe. */
DMAHEAP_API void dmaheap_request_cancel(dmaheap_request* request);

/* Frees the handle; neither cancels nor waits. Not while another thread cancels by it. */
DMAHEAP_API void dmaheap_request_free(dmaheap_request* request);

/* ---- Buffers. One thread at a time. ---- */

/* Closes the fd, unless taken, and tells the daemon, once the mappings are freed too. */
DMAHEAP_API void dmaheap_buffer_free(dmaheap_buffer* buffer);

/* Lends the fd: valid as long as the buffer. DMAHEAP_FAILED_PRECONDITION after
 * dmaheap_buffer_take_fd. */
DMAHEAP_API dmaheap_code dmaheap_buffer_fd(const dmaheap_buffer* buffer, int* fd,
                                           dmaheap_error** error);

/* Gives the fd away: the caller closes it. DMAHEAP_FAILED_PRECONDITION the second time. */
DMAHEAP_API dmaheap_code dmaheap_buffer_take_fd(dmaheap_buffer* buffer, int* fd,
                                                dmaheap_error** error);

/* What the buffer really has; 0 for NULL. */
DMAHEAP_API int64_t dmaheap_buffer_size_bytes(const dmaheap_buffer* buffer);

/* buffers/{buffer}, heaps/{heap} that served it, and the label; "" for NULL. */
DMAHEAP_API const char* dmaheap_buffer_name(const dmaheap_buffer* buffer);
DMAHEAP_API const char* dmaheap_buffer_heap(const dmaheap_buffer* buffer);
DMAHEAP_API const char* dmaheap_buffer_label(const dmaheap_buffer* buffer);

/* DMAHEAP_CONTIGUITY_UNSPECIFIED for NULL. */
DMAHEAP_API dmaheap_contiguity dmaheap_buffer_contiguity(const dmaheap_buffer* buffer);

/* reservations/{reservation} that it is charged to; "" for one that was allocated on top of it or
 * without any, and for NULL. */
DMAHEAP_API const char* dmaheap_buffer_reservation(const dmaheap_buffer* buffer);

/* 1: that reservation had it ready. 0 also where the daemon did not say so of this one: its answer
 * was lost on the way, or of several only some were ready. */
DMAHEAP_API int32_t dmaheap_buffer_was_ready(const dmaheap_buffer* buffer);

/* mmap(2) of the whole buffer. *mapping is the caller's, to free with dmaheap_mapping_free; it may
 * outlive the buffer. The error's message carries the errno. */
DMAHEAP_API dmaheap_code dmaheap_buffer_map(const dmaheap_buffer* buffer, dmaheap_cpu_access access,
                                            dmaheap_mapping** mapping, dmaheap_error** error);

/* Where the memory is, and how much; NULL and 0 for NULL. */
DMAHEAP_API void* dmaheap_mapping_data(const dmaheap_mapping* mapping);
DMAHEAP_API int64_t dmaheap_mapping_size_bytes(const dmaheap_mapping* mapping);

/* Bracket CPU access, so that caches and devices agree (DMA_BUF_IOCTL_SYNC of linux/dma-buf.h). A
 * memfd of a simulated heap knows no such request and needs none: success.
 * DMAHEAP_FAILED_PRECONDITION after dmaheap_buffer_take_fd; else the message carries the errno. */
DMAHEAP_API dmaheap_code dmaheap_mapping_begin_cpu_access(dmaheap_mapping* mapping,
                                                          dmaheap_cpu_access access,
                                                          dmaheap_error** error);
DMAHEAP_API dmaheap_code dmaheap_mapping_end_cpu_access(dmaheap_mapping* mapping,
                                                        dmaheap_cpu_access access,
                                                        dmaheap_error** error);

/* munmap(2). */
DMAHEAP_API void dmaheap_mapping_free(dmaheap_mapping* mapping);

/* ---- Buffers that the daemon holds ---- */

typedef struct dmaheap_hold_options {
  uint32_t struct_size;
  /* How many, 1 to 32. 0: 1. */
  uint32_t count;
  /* As in dmaheap_allocate_options. */
  const char* heap;
  int64_t size_bytes;
  const char* label;
  /* How long to hold. 0: the daemon's default, 60000. The policy caps it. */
  int64_t lease_ms;
  int64_t deadline_ms;
  const char* request_id;
  dmaheap_priority priority;
  /* Zero. */
  uint32_t reserved;
  const char* retry_policy;
  dmaheap_progressed on_progress;
  void* progress_context;
} dmaheap_hold_options;

/* Allocates buffers that stay in the daemon until claimed, by this process or another. *held is
 * the caller's, to free with dmaheap_held_free, which leaves the buffers where they are.
 * Errors as dmaheap_allocate. Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_hold(dmaheap_client* client, const dmaheap_hold_options* options,
                                      dmaheap_held** held, dmaheap_error** error);

/* How many; 0 for NULL. */
DMAHEAP_API uint32_t dmaheap_held_count(const dmaheap_held* held);

/* buffers/{buffer} of one; NULL where there is none of that index. */
DMAHEAP_API const char* dmaheap_held_name(const dmaheap_held* held, uint32_t index);

/* A secret: whoever has it may claim the buffers. "" for NULL. */
DMAHEAP_API const char* dmaheap_held_claim_token(const dmaheap_held* held);

/* Frees the handle, not the buffers. */
DMAHEAP_API void dmaheap_held_free(dmaheap_held* held);

/* Takes one held buffer. The first claim wins; the claimer is charged. deadline_ms 0: 5000.
 * Errors: DMAHEAP_NOT_FOUND gone, claimed or another token; DMAHEAP_RESOURCE_EXHAUSTED quota;
 * DMAHEAP_DATA_LOSS the fd did not arrive. Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_claim(dmaheap_client* client, const char* name,
                                       const char* claim_token, int64_t deadline_ms,
                                       dmaheap_buffer** buffer, dmaheap_error** error);

/* Frees a held buffer. claim_token may be NULL for one of this user. timeout_ms 0: 5000.
 * Errors: DMAHEAP_NOT_FOUND. Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_release(dmaheap_client* client, const char* name,
                                         const char* claim_token, int64_t timeout_ms,
                                         dmaheap_error** error);

/* ---- Reservations: buffers that are booked ahead ---- */

typedef struct dmaheap_reserve_options {
  uint32_t struct_size;
  /* How many, 1 to 32. 0: 1. */
  uint32_t count;
  /* As in dmaheap_allocate_options; both are required. */
  const char* heap;
  int64_t size_bytes;
  const char* label;
  /* How long it stays once no session keeps it. 0: the daemon's default, 60000. The policy caps it.
   */
  int64_t lease_ms;
  /* Of the booking, which makes all count buffers. 0: 5000. */
  int64_t deadline_ms;
  /* Makes a repeat idempotent, as long as the daemon is not started again. NULL: a random one. */
  const char* request_id;
  /* Of the booking, and of what is made again. A request of a higher one that lacks room takes that
   * of what is ready. */
  dmaheap_priority priority;
  /* What was drawn and released is made again once fewer than so many exist, and then up to count.
   * 0: count, so at once. */
  uint32_t refill_below;
  const char* retry_policy;
  /* Of the booking. */
  dmaheap_progressed on_progress;
  void* progress_context;
} dmaheap_reserve_options;

typedef struct dmaheap_reservation_info {
  uint32_t struct_size;
  uint32_t count;
  /* reservations/{reservation} */
  const char* name;
  /* heaps/{heap} */
  const char* heap;
  /* Of each buffer, in whole pages. */
  int64_t size_bytes;
  const char* label;
  dmaheap_priority priority;
  uint32_t refill_below;
  const char* retry_policy;
  int64_t lease_ms;
  /* clients/{client} whose session keeps it; "": none, and it ends at expire_time_ms. */
  const char* client;
  /* Since 1970-01-01 UTC. -1: it does not end, for a session keeps it. */
  int64_t create_time_ms;
  int64_t expire_time_ms;
  /* Of the count: ready to be drawn; drawn and not released yet; being made now. */
  uint32_t ready;
  uint32_t drawn;
  uint32_t refilling;
  uint32_t reserved;
  /* Why the last try to make one did not succeed; "" once one does. */
  const char* last_error;
  /* Since it was made: buffers that were drawn and were ready; asked for and not ready; given back
   * to a request of a higher priority; made again. */
  int64_t hits;
  int64_t misses;
  int64_t given_back;
  int64_t refills;
} dmaheap_reservation_info;

/* Books count buffers ahead: they exist from now on, or the call says why not, as an allocation of
 * them would. dmaheap_allocate draws from them by name; what was drawn ends with its buffer, and
 * another is made in its place.
 *
 * This client keeps the reservation: it stays for as long as the client, and for its lease after
 * that. When the daemon is started again, a thread of the library connects anew and has it kept on,
 * also while the program makes no call; the process must run at some time within the lease. If that
 * happens while this call is under way, what it had booked already stays for its lease beside what
 * the repeat books.
 *
 * *reservation is the caller's, to free with dmaheap_reservation_free, which leaves the reservation
 * itself where it is. Errors as dmaheap_allocate; DMAHEAP_UNIMPLEMENTED the daemon is an older one.
 * Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_reserve(dmaheap_client* client,
                                         const dmaheap_reserve_options* options,
                                         dmaheap_reservation** reservation, dmaheap_error** error);

/* One reservation of this user, by name with or without "reservations/". timeout_ms 0: 5000.
 * *reservation as above. Errors: DMAHEAP_NOT_FOUND RESERVATION_NOT_FOUND it was deleted, its lease
 * ended, or it is another user's. Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_get_reservation(dmaheap_client* client, const char* name,
                                                 int64_t timeout_ms,
                                                 dmaheap_reservation** reservation,
                                                 dmaheap_error** error);

/* Has this client keep a reservation that another one made, as if it were its own. A draw does the
 * same. One session alone keeps it, the last that asked for it or drew. Else as
 * dmaheap_get_reservation. */
DMAHEAP_API dmaheap_code dmaheap_keep_reservation(dmaheap_client* client, const char* name,
                                                  int64_t timeout_ms,
                                                  dmaheap_reservation** reservation,
                                                  dmaheap_error** error);

/* Frees what is ready. What was drawn stays with who has it. Errors as dmaheap_get_reservation.
 * Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_delete_reservation(dmaheap_client* client, const char* name,
                                                    int64_t timeout_ms, dmaheap_error** error);

/* reservations/{reservation}; "" for NULL. */
DMAHEAP_API const char* dmaheap_reservation_name(const dmaheap_reservation* reservation);

/* Fills info, whose struct_size the caller has set, as far as that goes and this library knows;
 * what it does not know becomes zero. The strings belong to the handle. Errors:
 * DMAHEAP_INVALID_ARGUMENT. */
DMAHEAP_API dmaheap_code dmaheap_reservation_get_info(const dmaheap_reservation* reservation,
                                                      dmaheap_reservation_info* info,
                                                      dmaheap_error** error);

/* Frees the handle and its strings, not the reservation. */
DMAHEAP_API void dmaheap_reservation_free(dmaheap_reservation* reservation);

/* The reservations of this user, oldest first, whoever made them. *reservations is the caller's, to
 * free with dmaheap_reservation_list_free. timeout_ms 0: 5000. Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_list_reservations(dmaheap_client* client, int64_t timeout_ms,
                                                   dmaheap_reservation_list** reservations,
                                                   dmaheap_error** error);

/* How many; 0 for NULL. */
DMAHEAP_API uint32_t dmaheap_reservation_list_count(const dmaheap_reservation_list* reservations);

/* As dmaheap_reservation_get_info. Errors: DMAHEAP_OUT_OF_RANGE no reservation of that index;
 * DMAHEAP_INVALID_ARGUMENT. */
DMAHEAP_API dmaheap_code dmaheap_reservation_list_get(const dmaheap_reservation_list* reservations,
                                                      uint32_t index,
                                                      dmaheap_reservation_info* info,
                                                      dmaheap_error** error);

/* Frees the list and its strings. */
DMAHEAP_API void dmaheap_reservation_list_free(dmaheap_reservation_list* reservations);

/* ---- Heaps ---- */

typedef struct dmaheap_heap_info {
  uint32_t struct_size;
  dmaheap_contiguity contiguity;
  /* heaps/{heap} */
  const char* name;
  /* SYSTEM, CMA, VENDOR, SIMULATED_CMA, DRM_DUMB, VIRTUAL */
  const char* kind;
  /* -1 where the heap has no fixed size or the kernel does not tell. */
  int64_t size_bytes;
  int64_t free_bytes;
  int64_t largest_free_bytes;
  int64_t live_buffers;
  int64_t live_bytes;
  int64_t queue_depth;
  int64_t page_size_bytes;
  /* heaps/{heap} that a virtual heap stands for, whose memory and numbers these are; "" for any
   * other. */
  const char* backing_heap;
  /* Name of the policy that requests go by unless they choose. */
  const char* retry_policy;
} dmaheap_heap_info;

/* The heaps that this user may use. *heaps is the caller's, to free with dmaheap_heap_list_free.
 * timeout_ms 0: 5000. Thread-safe. */
DMAHEAP_API dmaheap_code dmaheap_list_heaps(dmaheap_client* client, int64_t timeout_ms,
                                            dmaheap_heap_list** heaps, dmaheap_error** error);

/* How many; 0 for NULL. */
DMAHEAP_API uint32_t dmaheap_heap_list_count(const dmaheap_heap_list* heaps);

/* Fills info, whose struct_size the caller has set, as far as that goes and this library knows;
 * what it does not know becomes zero. The strings belong to the list. Errors: DMAHEAP_OUT_OF_RANGE
 * no heap of that index; DMAHEAP_INVALID_ARGUMENT. */
DMAHEAP_API dmaheap_code dmaheap_heap_list_get(const dmaheap_heap_list* heaps, uint32_t index,
                                               dmaheap_heap_info* info, dmaheap_error** error);

/* Frees the list and its strings. */
DMAHEAP_API void dmaheap_heap_list_free(dmaheap_heap_list* heaps);

/* The version of this library, for ever valid. */
DMAHEAP_API const char* dmaheap_library_version(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* CLIENT_DMAHEAP_C_H_ */
