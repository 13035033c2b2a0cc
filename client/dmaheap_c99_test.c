/* The C header in a C99 program that is linked with the shared library; no daemon is needed. */

#include <stdio.h>
#include <string.h>

#include "client/dmaheap_c.h"

static int failures = 0;

static void check(int holds, const char* what, int line) {
  if (holds) return;
  fprintf(stderr, "line %d: %s\n", line, what);
  failures++;
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static void connect_without_a_daemon_says_so_and_leaves_the_output_alone(void) {
  dmaheap_client* const untouched = (dmaheap_client*)(void*)&failures;
  dmaheap_client* client = untouched;
  dmaheap_error* error = NULL;
  dmaheap_connect_options options = {.struct_size = sizeof(options)};
  options.socket_dir = "/nonexistent/dmaheapd";

  CHECK(dmaheap_connect(&options, &client, &error) == DMAHEAP_UNAVAILABLE);

  CHECK(client == untouched);
  CHECK(dmaheap_error_code(error) == DMAHEAP_UNAVAILABLE);
  CHECK(strcmp(dmaheap_error_reason(error), "DAEMON_UNREACHABLE") == 0);
  CHECK(strstr(dmaheap_error_message(error), "/nonexistent/dmaheapd") != NULL);
  dmaheap_error_free(error);
}

static void an_error_is_optional(void) {
  dmaheap_client* client = NULL;
  dmaheap_connect_options options = {.struct_size = sizeof(options)};
  options.socket_dir = "/nonexistent/dmaheapd";

  CHECK(dmaheap_connect(&options, &client, NULL) == DMAHEAP_UNAVAILABLE);
}

static void count_a_question(void* context, const dmaheap_give_back* question) {
  *(int64_t*)context += question->size_bytes;
}

static void who_is_not_connected_is_not_asked_to_give_back(void) {
  int64_t asked_bytes = 0;
  dmaheap_client* client = NULL;
  dmaheap_connect_options options = {.struct_size = sizeof(options)};
  options.socket_dir = "/nonexistent/dmaheapd";
  options.on_give_back = count_a_question;
  options.give_back_context = &asked_bytes;

  CHECK(dmaheap_connect(&options, &client, NULL) == DMAHEAP_UNAVAILABLE);

  CHECK(asked_bytes == 0);
}

static void null_handles_are_refused_and_freed_without_harm(void) {
  dmaheap_buffer* buffer = NULL;
  dmaheap_error* error = NULL;
  int fd = 42;

  CHECK(dmaheap_allocate(NULL, NULL, &buffer, &error) == DMAHEAP_INVALID_ARGUMENT);
  CHECK(strstr(dmaheap_error_message(error), "client") != NULL);
  dmaheap_error_free(error);
  CHECK(dmaheap_buffer_fd(NULL, &fd, NULL) == DMAHEAP_INVALID_ARGUMENT);
  CHECK(fd == 42);
  CHECK(dmaheap_buffer_size_bytes(NULL) == 0);
  CHECK(dmaheap_buffer_was_ready(NULL) == 0);
  CHECK(strcmp(dmaheap_reservation_name(NULL), "") == 0);
  CHECK(dmaheap_reserve(NULL, NULL, NULL, NULL) == DMAHEAP_INVALID_ARGUMENT);
  CHECK(strcmp(dmaheap_error_message(NULL), "") == 0);
  CHECK(dmaheap_error_retry_after_ms(NULL) == -1);

  dmaheap_buffer_free(NULL);
  dmaheap_mapping_free(NULL);
  dmaheap_held_free(NULL);
  dmaheap_heap_list_free(NULL);
  dmaheap_reservation_free(NULL);
  dmaheap_reservation_list_free(NULL);
  dmaheap_request_free(NULL);
  dmaheap_client_free(NULL);
  dmaheap_error_free(NULL);
}

static void the_library_has_a_version(void) { CHECK(strlen(dmaheap_library_version()) > 0); }

int main(void) {
  connect_without_a_daemon_says_so_and_leaves_the_output_alone();
  an_error_is_optional();
  who_is_not_connected_is_not_asked_to_give_back();
  null_handles_are_refused_and_freed_without_harm();
  the_library_has_a_version();
  return failures == 0 ? 0 : 1;
}
