/* Uses the C library as a C99 program does. Compiled with -std=c99 -pedantic -Werror, linked against
 * libdmaheap.so.0; c_abi_test_main.cc serves it a daemon and calls it. Each check that does not hold
 * prints its line and counts. */

#include <stdio.h>
#include <string.h>

#include "client/dmaheap_c.h"

int run_c_abi_test(const char *socket_dir);

static int failures;

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
      ++failures;                                                          \
    }                                                                      \
  } while (0)

static dmaheap_client *const no_client = (dmaheap_client *)0x1;
static dmaheap_buffer *const no_buffer = (dmaheap_buffer *)0x1;

static void connecting(const char *socket_dir) {
  dmaheap_connect_options options = DMAHEAP_CONNECT_OPTIONS_INIT;
  dmaheap_client *client = no_client;
  dmaheap_error *error = NULL;

  options.socket_dir = "/tmp/none-here";
  CHECK(dmaheap_connect(&options, &client, &error) == DMAHEAP_UNAVAILABLE);
  CHECK(client == no_client);
  CHECK(dmaheap_error_code(error) == DMAHEAP_UNAVAILABLE);
  CHECK(strcmp(dmaheap_error_reason(error), "DAEMON_UNREACHABLE") == 0);
  CHECK(strcmp(dmaheap_error_detail(error, "socket_path"), "/tmp/none-here/fd.sock") == 0);
  CHECK(dmaheap_error_detail(error, "nothing") == NULL);
  CHECK(dmaheap_error_detail_count(error) >= 2);
  CHECK(dmaheap_error_detail_key(error, 0) != NULL);
  CHECK(dmaheap_error_detail_key(error, 1000) == NULL);
  dmaheap_error_free(error);
  /* The error is optional. */
  CHECK(dmaheap_connect(&options, &client, NULL) == DMAHEAP_UNAVAILABLE);

  options.socket_dir = socket_dir;
  options.struct_size = 4;
  error = NULL;
  CHECK(dmaheap_connect(&options, &client, &error) == DMAHEAP_INVALID_ARGUMENT);
  CHECK(strstr(dmaheap_error_message(error), "struct_size") != NULL);
  dmaheap_error_free(error);
  CHECK(client == no_client);
}

/* A program of a later release: its struct is longer than the library's. */
static void later_release(const char *socket_dir) {
  struct {
    dmaheap_connect_options known;
    int64_t unknown;
  } options;
  dmaheap_client *client = NULL;
  memset(&options, 0, sizeof options);
  options.known.struct_size = sizeof options;
  options.known.socket_dir = socket_dir;

  CHECK(dmaheap_connect(&options.known, &client, NULL) == DMAHEAP_OK);
  dmaheap_disconnect(client);
  client = no_client;
  options.unknown = 1;
  CHECK(dmaheap_connect(&options.known, &client, NULL) == DMAHEAP_INVALID_ARGUMENT);
  CHECK(client == no_client);
}

static void allocating(dmaheap_client *client) {
  dmaheap_allocate_options options = DMAHEAP_ALLOCATE_OPTIONS_INIT;
  dmaheap_buffer *buffer = no_buffer;
  dmaheap_buffer *many[3] = {NULL, NULL, NULL};
  dmaheap_mapping *mapping = NULL;
  dmaheap_error *error = NULL;
  int fd = -1;
  int i;

  options.heap = "nowhere";
  options.size_bytes = 5000;
  options.label = "frame";
  CHECK(dmaheap_allocate(client, &options, &buffer, &error) == DMAHEAP_NOT_FOUND);
  CHECK(buffer == no_buffer);
  CHECK(strcmp(dmaheap_error_reason(error), "HEAP_NOT_FOUND") == 0);
  {
    int64_t nanoseconds = -7;
    CHECK(dmaheap_error_retry_after_ns(error, &nanoseconds) == DMAHEAP_NOT_FOUND);
    CHECK(nanoseconds == -7);
  }
  dmaheap_error_free(error);

  options.heap = "reserved";
  CHECK(dmaheap_allocate(client, &options, &buffer, NULL) == DMAHEAP_OK);
  CHECK(dmaheap_buffer_size_bytes(buffer) == 8192);
  CHECK(strcmp(dmaheap_buffer_heap(buffer), "heaps/reserved") == 0);
  CHECK(strcmp(dmaheap_buffer_label(buffer), "frame") == 0);
  CHECK(strncmp(dmaheap_buffer_name(buffer), "buffers/", 8) == 0);
  CHECK(dmaheap_buffer_contiguity(buffer) == DMAHEAP_CONTIGUITY_SIMULATED);
  CHECK(dmaheap_buffer_get_fd(buffer, &fd) == DMAHEAP_OK && fd >= 0);

  CHECK(dmaheap_buffer_map(buffer, (dmaheap_cpu_access)9, &mapping, NULL) ==
        DMAHEAP_INVALID_ARGUMENT);
  CHECK(mapping == NULL);
  CHECK(dmaheap_buffer_map(buffer, DMAHEAP_CPU_READ_WRITE, &mapping, NULL) == DMAHEAP_OK);
  CHECK(dmaheap_mapping_size_bytes(mapping) == 8192);
  CHECK(dmaheap_mapping_begin_cpu_access(mapping, DMAHEAP_CPU_WRITE, NULL) == DMAHEAP_OK);
  memset(dmaheap_mapping_data(mapping), 1, 8192);
  CHECK(dmaheap_mapping_end_cpu_access(mapping, DMAHEAP_CPU_WRITE, NULL) == DMAHEAP_OK);
  dmaheap_mapping_free(mapping);
  dmaheap_buffer_free(buffer);

  CHECK(dmaheap_allocate_many(client, &options, 3, many, NULL) == DMAHEAP_OK);
  for (i = 0; i < 3; ++i) {
    CHECK(many[i] != NULL);
    dmaheap_buffer_free(many[i]);
  }
}

extern int close(int fd);

static void taking_the_fd(dmaheap_client *client) {
  dmaheap_allocate_options options = DMAHEAP_ALLOCATE_OPTIONS_INIT;
  dmaheap_buffer *buffer = NULL;
  int fd = -1;
  int none = -7;
  options.heap = "reserved";
  options.size_bytes = 4096;
  CHECK(dmaheap_allocate(client, &options, &buffer, NULL) == DMAHEAP_OK);

  CHECK(dmaheap_buffer_take_fd(buffer, &fd) == DMAHEAP_OK);

  CHECK(dmaheap_buffer_get_fd(buffer, &none) == DMAHEAP_FAILED_PRECONDITION);
  CHECK(dmaheap_buffer_take_fd(buffer, &none) == DMAHEAP_FAILED_PRECONDITION);
  CHECK(none == -7);
  dmaheap_buffer_free(buffer);
  CHECK(close(fd) == 0);
}

struct outcome {
  int called;
  dmaheap_code code;
  dmaheap_buffer *buffer;
};

static void note(void *user_data, dmaheap_code code, dmaheap_buffer *buffer,
                 const dmaheap_error *error) {
  struct outcome *outcome = user_data;
  outcome->called += 1;
  outcome->code = code;
  outcome->buffer = buffer;
  CHECK((code == DMAHEAP_OK) == (error == NULL));
}

/* Disconnecting waits for the callback, which is how a single-threaded program knows that it came. */
static void asynchronous(const char *socket_dir) {
  dmaheap_connect_options connect = DMAHEAP_CONNECT_OPTIONS_INIT;
  dmaheap_allocate_options options = DMAHEAP_ALLOCATE_OPTIONS_INIT;
  struct outcome outcome = {0, DMAHEAP_UNKNOWN, NULL};
  dmaheap_allocation *allocation = NULL;
  dmaheap_client *client = NULL;
  connect.socket_dir = socket_dir;
  options.heap = "reserved";
  options.size_bytes = 4096;
  CHECK(dmaheap_connect(&connect, &client, NULL) == DMAHEAP_OK);

  CHECK(dmaheap_allocate_async(client, &options, NULL, NULL, NULL, NULL) ==
        DMAHEAP_INVALID_ARGUMENT);
  CHECK(dmaheap_allocate_async(client, &options, note, &outcome, &allocation, NULL) == DMAHEAP_OK);
  dmaheap_allocation_cancel(allocation);
  dmaheap_allocation_free(allocation);
  dmaheap_disconnect(client);

  CHECK(outcome.called == 1);
  CHECK(outcome.code == DMAHEAP_OK || outcome.code == DMAHEAP_CANCELLED);
  CHECK((outcome.buffer != NULL) == (outcome.code == DMAHEAP_OK));
  dmaheap_buffer_free(outcome.buffer);
}

static void holding(dmaheap_client *client) {
  dmaheap_allocate_options options = DMAHEAP_ALLOCATE_OPTIONS_INIT;
  dmaheap_held *held = NULL;
  dmaheap_buffer *buffer = NULL;
  options.heap = "reserved";
  options.size_bytes = 4096;
  CHECK(dmaheap_hold(client, &options, 2, 0, &held, NULL) == DMAHEAP_OK);
  CHECK(dmaheap_held_count(held) == 2);
  CHECK(dmaheap_held_name(held, 2) == NULL);
  CHECK(strlen(dmaheap_held_claim_token(held)) == 32);

  CHECK(dmaheap_claim(client, dmaheap_held_name(held, 0), dmaheap_held_claim_token(held), 0, &buffer,
                      NULL) == DMAHEAP_OK);
  CHECK(strcmp(dmaheap_buffer_name(buffer), dmaheap_held_name(held, 0)) == 0);
  CHECK(dmaheap_release(client, dmaheap_held_name(held, 1), dmaheap_held_claim_token(held), 0,
                        NULL) == DMAHEAP_OK);
  CHECK(dmaheap_release(client, "buffers/none", NULL, 0, NULL) == DMAHEAP_NOT_FOUND);
  dmaheap_buffer_free(buffer);
  dmaheap_held_free(held);
}

static void heaps(dmaheap_client *client) {
  dmaheap_heaps *list = NULL;
  int64_t bytes = -7;
  CHECK(dmaheap_list_heaps(client, 0, &list, NULL) == DMAHEAP_OK);
  CHECK(dmaheap_heaps_count(list) == 2);
  CHECK(strcmp(dmaheap_heaps_name(list, 0), "heaps/reserved") == 0);
  CHECK(strcmp(dmaheap_heaps_kind(list, 0), "SIMULATED_CMA") == 0);
  CHECK(dmaheap_heaps_contiguity(list, 1) == DMAHEAP_CONTIGUITY_SCATTERED);
  CHECK(dmaheap_heaps_name(list, 2) == NULL);
  CHECK(dmaheap_heaps_size_bytes(list, 1, &bytes) == DMAHEAP_NOT_FOUND);
  CHECK(bytes == -7);
  CHECK(dmaheap_heaps_size_bytes(list, 0, &bytes) == DMAHEAP_OK);
  CHECK(bytes == 64 << 20);
  dmaheap_heaps_free(list);
}

/* Ending nothing is allowed, so that a program can clean up without asking. */
static void freeing_nothing(void) {
  dmaheap_disconnect(NULL);
  dmaheap_buffer_free(NULL);
  dmaheap_mapping_free(NULL);
  dmaheap_allocation_cancel(NULL);
  dmaheap_allocation_free(NULL);
  dmaheap_held_free(NULL);
  dmaheap_heaps_free(NULL);
  dmaheap_error_free(NULL);
}

int run_c_abi_test(const char *socket_dir) {
  dmaheap_connect_options options = DMAHEAP_CONNECT_OPTIONS_INIT;
  dmaheap_client *client = NULL;
  options.socket_dir = socket_dir;
  options.label = "c";
  CHECK(strcmp(dmaheap_version(), "0.1.0") == 0);
  CHECK(strcmp(dmaheap_code_name(DMAHEAP_NOT_FOUND), "NOT_FOUND") == 0);
  CHECK(strcmp(dmaheap_code_name((dmaheap_code)99), "UNKNOWN") == 0);
  connecting(socket_dir);
  later_release(socket_dir);
  CHECK(dmaheap_connect(&options, &client, NULL) == DMAHEAP_OK);
  CHECK(strcmp(dmaheap_server_version(client), "0.1.0") == 0);
  CHECK(dmaheap_allocate(client, NULL, NULL, NULL) == DMAHEAP_INVALID_ARGUMENT);
  allocating(client);
  taking_the_fd(client);
  holding(client);
  heaps(client);
  dmaheap_disconnect(client);
  asynchronous(socket_dir);
  freeing_nothing();
  return failures;
}
