#include "client/dmaheap_c.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/dmaheap.h"
#include "client/internal/c_options.h"

struct dmaheap_client {
  std::unique_ptr<dmaheap::Client> client;
  std::string server_version;
};

struct dmaheap_buffer {
  dmaheap::Buffer buffer;
};

struct dmaheap_mapping {
  dmaheap::Mapping mapping;
};

struct dmaheap_allocation {
  dmaheap::AllocationHandle handle;
};

struct dmaheap_held {
  dmaheap::HeldBuffers held;
};

struct dmaheap_heaps {
  std::vector<dmaheap::HeapInfo> heaps;
};

struct dmaheap_error {
  explicit dmaheap_error(const absl::Status& status)
      : code(static_cast<dmaheap_code>(status.code())),
        message(status.message()),
        reason(dmaheap::ErrorReasonName(status)),
        details(dmaheap::ErrorDetails(status)),
        retry_after(dmaheap::ErrorRetryAfter(status)) {}

  const dmaheap_code code;
  const std::string message;
  const std::string reason;
  const std::map<std::string, std::string> details;
  const absl::optional<absl::Duration> retry_after;
};

namespace {

using dmaheap::client_internal::ReadOptions;

// Of the first release; the struct may only grow.
constexpr size_t kFirstConnectOptions = 40;
constexpr size_t kFirstAllocateOptions = 48;
static_assert(sizeof(void*) != 8 || sizeof(dmaheap_connect_options) >= kFirstConnectOptions);
static_assert(sizeof(void*) != 8 || sizeof(dmaheap_allocate_options) >= kFirstAllocateOptions);

constexpr size_t Smallest(size_t on_64_bits, size_t here) {
  return sizeof(void*) == 8 ? on_64_bits : here;
}

dmaheap_code Fail(const absl::Status& status, dmaheap_error** error) {
  if (error != nullptr) *error = new dmaheap_error(status);
  return static_cast<dmaheap_code>(status.code());
}

dmaheap_code Missing(const char* argument, dmaheap_error** error) {
  return Fail(absl::InvalidArgumentError(absl::StrCat(argument, " must not be NULL")), error);
}

std::string Text(const char* text) { return text == nullptr ? std::string() : std::string(text); }

absl::Duration Time(int64_t nanoseconds) {
  if (nanoseconds == 0) return absl::Seconds(5);
  if (nanoseconds == DMAHEAP_NO_DEADLINE) return absl::InfiniteDuration();
  return absl::Nanoseconds(nanoseconds);
}

absl::StatusOr<dmaheap::AllocateOptions> ToOptions(const dmaheap_allocate_options* passed) {
  const auto options =
      ReadOptions(passed, Smallest(kFirstAllocateOptions, sizeof(dmaheap_allocate_options)));
  if (!options.ok()) return options.status();
  return dmaheap::AllocateOptions{.heap = Text(options->heap),
                                  .size_bytes = options->size_bytes,
                                  .label = Text(options->label),
                                  .deadline = Time(options->deadline_ns),
                                  .request_id = Text(options->request_id)};
}

// 0 for what is no access.
absl::optional<dmaheap::CpuAccess> ToAccess(dmaheap_cpu_access access) {
  switch (access) {
    case DMAHEAP_CPU_READ:
      return dmaheap::CpuAccess::kRead;
    case DMAHEAP_CPU_WRITE:
      return dmaheap::CpuAccess::kWrite;
    case DMAHEAP_CPU_READ_WRITE:
      return dmaheap::CpuAccess::kReadWrite;
  }
  return absl::nullopt;
}

dmaheap_code NoSuchAccess(dmaheap_cpu_access access, dmaheap_error** error) {
  return Fail(absl::InvalidArgumentError(
                  absl::StrCat("access ", static_cast<int>(access),
                               " is none of DMAHEAP_CPU_READ, _WRITE and _READ_WRITE")),
              error);
}

}  // namespace

const char* dmaheap_version(void) {
  static const std::string version(dmaheap::LibraryVersion());
  return version.c_str();
}

const char* dmaheap_code_name(dmaheap_code code) {
  if (code == DMAHEAP_OK) return "OK";
  static const std::map<int, std::string> names = [] {
    std::map<int, std::string> all;
    for (int i = DMAHEAP_CANCELLED; i <= DMAHEAP_UNAUTHENTICATED; ++i) {
      all[i] = absl::StatusCodeToString(static_cast<absl::StatusCode>(i));
    }
    return all;
  }();
  const auto it = names.find(code);
  return it == names.end() ? "UNKNOWN" : it->second.c_str();
}

// ---- connection
// -----------------------------------------------------------------------------------

dmaheap_code dmaheap_connect(const dmaheap_connect_options* options, dmaheap_client** out_client,
                             dmaheap_error** error) {
  if (out_client == nullptr) return Missing("out_client", error);
  const auto read =
      ReadOptions(options, Smallest(kFirstConnectOptions, sizeof(dmaheap_connect_options)));
  if (!read.ok()) return Fail(read.status(), error);
  auto client = dmaheap::Client::Connect({.socket_dir = Text(read->socket_dir),
                                          .label = Text(read->label),
                                          .timeout = Time(read->timeout_ns),
                                          .wait_for_daemon = read->wait_for_daemon_ns == 0
                                                                 ? absl::ZeroDuration()
                                                                 : Time(read->wait_for_daemon_ns)});
  if (!client.ok()) return Fail(client.status(), error);
  std::string version = (*client)->server_version();
  *out_client = new dmaheap_client{*std::move(client), std::move(version)};
  return DMAHEAP_OK;
}

void dmaheap_disconnect(dmaheap_client* client) { delete client; }

const char* dmaheap_server_version(dmaheap_client* client) {
  return client->server_version.c_str();
}

// ---- allocation
// -----------------------------------------------------------------------------------

dmaheap_code dmaheap_allocate(dmaheap_client* client, const dmaheap_allocate_options* options,
                              dmaheap_buffer** out_buffer, dmaheap_error** error) {
  if (client == nullptr) return Missing("client", error);
  if (options == nullptr) return Missing("options", error);
  if (out_buffer == nullptr) return Missing("out_buffer", error);
  const auto read = ToOptions(options);
  if (!read.ok()) return Fail(read.status(), error);
  auto buffer = client->client->Allocate(*read);
  if (!buffer.ok()) return Fail(buffer.status(), error);
  *out_buffer = new dmaheap_buffer{*std::move(buffer)};
  return DMAHEAP_OK;
}

dmaheap_code dmaheap_allocate_many(dmaheap_client* client, const dmaheap_allocate_options* options,
                                   uint32_t count, dmaheap_buffer** out_buffers,
                                   dmaheap_error** error) {
  if (client == nullptr) return Missing("client", error);
  if (options == nullptr) return Missing("options", error);
  if (out_buffers == nullptr) return Missing("out_buffers", error);
  const auto read = ToOptions(options);
  if (!read.ok()) return Fail(read.status(), error);
  // Above INT32_MAX it is the daemon's to refuse, as any other number that is too large.
  const int asked = static_cast<int>(std::min<uint32_t>(count, INT32_MAX));
  auto buffers = client->client->AllocateMany(*read, asked);
  if (!buffers.ok()) return Fail(buffers.status(), error);
  for (size_t i = 0; i < buffers->size(); ++i) {
    out_buffers[i] = new dmaheap_buffer{std::move((*buffers)[i])};
  }
  return DMAHEAP_OK;
}

dmaheap_code dmaheap_allocate_async(dmaheap_client* client, const dmaheap_allocate_options* options,
                                    dmaheap_allocate_callback callback, void* user_data,
                                    dmaheap_allocation** out_allocation, dmaheap_error** error) {
  if (client == nullptr) return Missing("client", error);
  if (options == nullptr) return Missing("options", error);
  if (callback == nullptr) return Missing("callback", error);
  const auto read = ToOptions(options);
  if (!read.ok()) return Fail(read.status(), error);
  dmaheap::AllocationHandle handle = client->client->AllocateAsync(
      *read, [callback, user_data](absl::StatusOr<dmaheap::Buffer> buffer) {
        if (buffer.ok()) {
          callback(user_data, DMAHEAP_OK, new dmaheap_buffer{*std::move(buffer)}, nullptr);
        } else {
          const dmaheap_error lent(buffer.status());
          callback(user_data, lent.code, nullptr, &lent);
        }
      });
  if (out_allocation != nullptr) *out_allocation = new dmaheap_allocation{std::move(handle)};
  return DMAHEAP_OK;
}

void dmaheap_allocation_cancel(dmaheap_allocation* allocation) {
  if (allocation != nullptr) allocation->handle.Cancel();
}

void dmaheap_allocation_free(dmaheap_allocation* allocation) { delete allocation; }

// ---- held buffers
// ---------------------------------------------------------------------------------

dmaheap_code dmaheap_hold(dmaheap_client* client, const dmaheap_allocate_options* options,
                          uint32_t count, int64_t lease_ns, dmaheap_held** out_held,
                          dmaheap_error** error) {
  if (client == nullptr) return Missing("client", error);
  if (options == nullptr) return Missing("options", error);
  if (out_held == nullptr) return Missing("out_held", error);
  const auto read = ToOptions(options);
  if (!read.ok()) return Fail(read.status(), error);
  auto held = client->client->Hold({.heap = read->heap,
                                    .size_bytes = read->size_bytes,
                                    .label = read->label,
                                    .count = static_cast<int>(std::min<uint32_t>(count, INT32_MAX)),
                                    .lease = absl::Nanoseconds(lease_ns),
                                    .deadline = read->deadline,
                                    .request_id = read->request_id});
  if (!held.ok()) return Fail(held.status(), error);
  *out_held = new dmaheap_held{*std::move(held)};
  return DMAHEAP_OK;
}

uint32_t dmaheap_held_count(const dmaheap_held* held) {
  return static_cast<uint32_t>(held->held.buffers.size());
}

const char* dmaheap_held_name(const dmaheap_held* held, uint32_t index) {
  return index < held->held.buffers.size() ? held->held.buffers[index].name.c_str() : nullptr;
}

const char* dmaheap_held_claim_token(const dmaheap_held* held) {
  return held->held.claim_token.c_str();
}

void dmaheap_held_free(dmaheap_held* held) { delete held; }

dmaheap_code dmaheap_claim(dmaheap_client* client, const char* buffer_name, const char* claim_token,
                           int64_t deadline_ns, dmaheap_buffer** out_buffer,
                           dmaheap_error** error) {
  if (client == nullptr) return Missing("client", error);
  if (out_buffer == nullptr) return Missing("out_buffer", error);
  auto buffer = client->client->Claim(
      {.name = Text(buffer_name), .token = Text(claim_token), .deadline = Time(deadline_ns)});
  if (!buffer.ok()) return Fail(buffer.status(), error);
  *out_buffer = new dmaheap_buffer{*std::move(buffer)};
  return DMAHEAP_OK;
}

dmaheap_code dmaheap_release(dmaheap_client* client, const char* buffer_name,
                             const char* claim_token, int64_t timeout_ns, dmaheap_error** error) {
  if (client == nullptr) return Missing("client", error);
  const absl::Status status =
      client->client->Release(Text(buffer_name), Text(claim_token), Time(timeout_ns));
  return status.ok() ? DMAHEAP_OK : Fail(status, error);
}

// ---- buffers
// --------------------------------------------------------------------------------------

dmaheap_code dmaheap_buffer_get_fd(const dmaheap_buffer* buffer, int* out_fd) {
  if (buffer == nullptr || out_fd == nullptr) return DMAHEAP_INVALID_ARGUMENT;
  if (buffer->buffer.fd() < 0) return DMAHEAP_FAILED_PRECONDITION;
  *out_fd = buffer->buffer.fd();
  return DMAHEAP_OK;
}

dmaheap_code dmaheap_buffer_take_fd(dmaheap_buffer* buffer, int* out_fd) {
  if (buffer == nullptr || out_fd == nullptr) return DMAHEAP_INVALID_ARGUMENT;
  if (buffer->buffer.fd() < 0) return DMAHEAP_FAILED_PRECONDITION;
  *out_fd = buffer->buffer.TakeFd();
  return DMAHEAP_OK;
}

int64_t dmaheap_buffer_size_bytes(const dmaheap_buffer* buffer) {
  return buffer->buffer.size_bytes();
}

const char* dmaheap_buffer_name(const dmaheap_buffer* buffer) {
  return buffer->buffer.name().c_str();
}

const char* dmaheap_buffer_heap(const dmaheap_buffer* buffer) {
  return buffer->buffer.heap().c_str();
}

const char* dmaheap_buffer_label(const dmaheap_buffer* buffer) {
  return buffer->buffer.label().c_str();
}

dmaheap_contiguity dmaheap_buffer_contiguity(const dmaheap_buffer* buffer) {
  return static_cast<dmaheap_contiguity>(buffer->buffer.contiguity());
}

void dmaheap_buffer_free(dmaheap_buffer* buffer) { delete buffer; }

dmaheap_code dmaheap_buffer_map(const dmaheap_buffer* buffer, dmaheap_cpu_access access,
                                dmaheap_mapping** out_mapping, dmaheap_error** error) {
  if (buffer == nullptr) return Missing("buffer", error);
  if (out_mapping == nullptr) return Missing("out_mapping", error);
  const auto how = ToAccess(access);
  if (!how.has_value()) return NoSuchAccess(access, error);
  auto mapping = buffer->buffer.Map(*how);
  if (!mapping.ok()) return Fail(mapping.status(), error);
  *out_mapping = new dmaheap_mapping{*std::move(mapping)};
  return DMAHEAP_OK;
}

void* dmaheap_mapping_data(const dmaheap_mapping* mapping) { return mapping->mapping.data(); }

int64_t dmaheap_mapping_size_bytes(const dmaheap_mapping* mapping) {
  return mapping->mapping.size_bytes();
}

dmaheap_code dmaheap_mapping_begin_cpu_access(dmaheap_mapping* mapping, dmaheap_cpu_access access,
                                              dmaheap_error** error) {
  if (mapping == nullptr) return Missing("mapping", error);
  const auto how = ToAccess(access);
  if (!how.has_value()) return NoSuchAccess(access, error);
  const absl::Status status = mapping->mapping.BeginCpuAccess(*how);
  return status.ok() ? DMAHEAP_OK : Fail(status, error);
}

dmaheap_code dmaheap_mapping_end_cpu_access(dmaheap_mapping* mapping, dmaheap_cpu_access access,
                                            dmaheap_error** error) {
  if (mapping == nullptr) return Missing("mapping", error);
  const auto how = ToAccess(access);
  if (!how.has_value()) return NoSuchAccess(access, error);
  const absl::Status status = mapping->mapping.EndCpuAccess(*how);
  return status.ok() ? DMAHEAP_OK : Fail(status, error);
}

void dmaheap_mapping_free(dmaheap_mapping* mapping) { delete mapping; }

// ---- heaps
// ----------------------------------------------------------------------------------------

dmaheap_code dmaheap_list_heaps(dmaheap_client* client, int64_t timeout_ns,
                                dmaheap_heaps** out_heaps, dmaheap_error** error) {
  if (client == nullptr) return Missing("client", error);
  if (out_heaps == nullptr) return Missing("out_heaps", error);
  auto heaps = client->client->ListHeaps(Time(timeout_ns));
  if (!heaps.ok()) return Fail(heaps.status(), error);
  *out_heaps = new dmaheap_heaps{*std::move(heaps)};
  return DMAHEAP_OK;
}

uint32_t dmaheap_heaps_count(const dmaheap_heaps* heaps) {
  return static_cast<uint32_t>(heaps->heaps.size());
}

const char* dmaheap_heaps_name(const dmaheap_heaps* heaps, uint32_t index) {
  return index < heaps->heaps.size() ? heaps->heaps[index].name.c_str() : nullptr;
}

const char* dmaheap_heaps_kind(const dmaheap_heaps* heaps, uint32_t index) {
  return index < heaps->heaps.size() ? heaps->heaps[index].kind.c_str() : nullptr;
}

dmaheap_contiguity dmaheap_heaps_contiguity(const dmaheap_heaps* heaps, uint32_t index) {
  if (index >= heaps->heaps.size()) return DMAHEAP_CONTIGUITY_UNSPECIFIED;
  return static_cast<dmaheap_contiguity>(heaps->heaps[index].contiguity);
}

dmaheap_code dmaheap_heaps_size_bytes(const dmaheap_heaps* heaps, uint32_t index,
                                      int64_t* out_bytes) {
  if (out_bytes == nullptr) return DMAHEAP_INVALID_ARGUMENT;
  if (index >= heaps->heaps.size() || !heaps->heaps[index].size_bytes.has_value()) {
    return DMAHEAP_NOT_FOUND;
  }
  *out_bytes = *heaps->heaps[index].size_bytes;
  return DMAHEAP_OK;
}

dmaheap_code dmaheap_heaps_free_bytes(const dmaheap_heaps* heaps, uint32_t index,
                                      int64_t* out_bytes) {
  if (out_bytes == nullptr) return DMAHEAP_INVALID_ARGUMENT;
  if (index >= heaps->heaps.size() || !heaps->heaps[index].free_bytes.has_value()) {
    return DMAHEAP_NOT_FOUND;
  }
  *out_bytes = *heaps->heaps[index].free_bytes;
  return DMAHEAP_OK;
}

void dmaheap_heaps_free(dmaheap_heaps* heaps) { delete heaps; }

// ---- errors
// ---------------------------------------------------------------------------------------

dmaheap_code dmaheap_error_code(const dmaheap_error* error) { return error->code; }

const char* dmaheap_error_message(const dmaheap_error* error) { return error->message.c_str(); }

const char* dmaheap_error_reason(const dmaheap_error* error) { return error->reason.c_str(); }

const char* dmaheap_error_detail(const dmaheap_error* error, const char* key) {
  if (key == nullptr) return nullptr;
  const auto it = error->details.find(key);
  return it == error->details.end() ? nullptr : it->second.c_str();
}

uint32_t dmaheap_error_detail_count(const dmaheap_error* error) {
  return static_cast<uint32_t>(error->details.size());
}

const char* dmaheap_error_detail_key(const dmaheap_error* error, uint32_t index) {
  if (index >= error->details.size()) return nullptr;
  return std::next(error->details.begin(), index)->first.c_str();
}

dmaheap_code dmaheap_error_retry_after_ns(const dmaheap_error* error, int64_t* out_ns) {
  if (out_ns == nullptr) return DMAHEAP_INVALID_ARGUMENT;
  if (!error->retry_after.has_value()) return DMAHEAP_NOT_FOUND;
  *out_ns = absl::ToInt64Nanoseconds(*error->retry_after);
  return DMAHEAP_OK;
}

void dmaheap_error_free(dmaheap_error* error) { delete error; }
