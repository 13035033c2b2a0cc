#include "client/dmaheap_c.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "client/dmaheap_c_support.h"

struct dmaheap_buffer {
  dmaheap::Buffer buffer;
};

struct dmaheap_mapping {
  dmaheap::Mapping mapping;
};

struct dmaheap_request {
  dmaheap::AllocationHandle handle;
};

struct dmaheap_held {
  dmaheap::HeldBuffers held;
};

struct dmaheap_heap_list {
  std::vector<dmaheap::HeapInfo> heaps;
};

namespace {

using dmaheap::c_library::CheckInfoSize;
using dmaheap::c_library::CheckReserved;
using dmaheap::c_library::CodeOf;
using dmaheap::c_library::ConvertCount;
using dmaheap::c_library::ConvertProgress;
using dmaheap::c_library::CopyInfo;
using dmaheap::c_library::CopyOptions;
using dmaheap::c_library::DurationOr;
using dmaheap::c_library::Finish;
using dmaheap::c_library::kDefaultTimeout;
using dmaheap::c_library::MakeError;
using dmaheap::c_library::MissingArgument;
using dmaheap::c_library::StringOrEmpty;

absl::StatusOr<dmaheap::AllocateOptions> ConvertOptions(const dmaheap_allocate_options* options) {
  dmaheap_allocate_options known = {};
  if (absl::Status status = CopyOptions(options, known); !status.ok()) return status;
  for (const uint32_t reserved : {known.reserved, known.reserved2}) {
    if (absl::Status status = CheckReserved(reserved); !status.ok()) return status;
  }
  return dmaheap::AllocateOptions{
      .heap = StringOrEmpty(known.heap),
      .size_bytes = known.size_bytes,
      .label = StringOrEmpty(known.label),
      .deadline = DurationOr(known.deadline_ms, kDefaultTimeout),
      .request_id = StringOrEmpty(known.request_id),
      .priority = static_cast<dmaheap::Priority>(known.priority),
      .retry_policy = StringOrEmpty(known.retry_policy),
      .on_progress = ConvertProgress(known.on_progress, known.progress_context),
      .reservation = StringOrEmpty(known.reservation)};
}

dmaheap::GiveBackCallback ConvertGiveBack(dmaheap_give_back_asked on_give_back, void* context) {
  if (on_give_back == nullptr) return nullptr;
  return [on_give_back, context](const dmaheap::GiveBackRequest& question) {
    const dmaheap_give_back message = {.struct_size = sizeof(dmaheap_give_back),
                                       .count = question.count,
                                       .size_bytes = question.size_bytes,
                                       .heap = question.heap.c_str(),
                                       .priority = static_cast<dmaheap_priority>(question.priority),
                                       .reserved = 0};
    on_give_back(context, &message);
  };
}

absl::StatusOr<dmaheap::CpuAccess> ConvertAccess(dmaheap_cpu_access access) {
  switch (access) {
    case DMAHEAP_CPU_READ:
      return dmaheap::CpuAccess::kRead;
    case DMAHEAP_CPU_WRITE:
      return dmaheap::CpuAccess::kWrite;
    case DMAHEAP_CPU_READ_WRITE:
      return dmaheap::CpuAccess::kReadWrite;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("access is ", access, "; use one of DMAHEAP_CPU_READ, _WRITE, _READ_WRITE"));
  }
}

using MappingCall = absl::Status (dmaheap::Mapping::*)(dmaheap::CpuAccess);

absl::Status SyncMapping(dmaheap_mapping* mapping, dmaheap_cpu_access access, MappingCall call) {
  if (mapping == nullptr) return MissingArgument("mapping");
  const absl::StatusOr<dmaheap::CpuAccess> known = ConvertAccess(access);
  return known.ok() ? (mapping->mapping.*call)(*known) : known.status();
}

absl::Status FdIsGone() {
  return absl::FailedPreconditionError("the buffer's fd was taken by dmaheap_buffer_take_fd");
}

dmaheap_buffer* NewBuffer(dmaheap::Buffer buffer) { return new dmaheap_buffer{std::move(buffer)}; }

void CallBack(dmaheap_allocated done, void* context,
              absl::StatusOr<std::vector<dmaheap::Buffer>> outcome) {
  if (!outcome.ok()) {
    const dmaheap_error error = MakeError(outcome.status());
    done(context, CodeOf(outcome.status()), nullptr, 0, &error);
    return;
  }
  std::vector<dmaheap_buffer*> buffers;
  for (dmaheap::Buffer& buffer : *outcome) buffers.push_back(NewBuffer(std::move(buffer)));
  done(context, DMAHEAP_OK, buffers.data(), static_cast<uint32_t>(buffers.size()), nullptr);
}

// C++ and C give these the same numbers.
static_assert(static_cast<int>(dmaheap::Contiguity::kPhysical) == DMAHEAP_CONTIGUITY_PHYSICAL);
static_assert(static_cast<int>(dmaheap::Contiguity::kScattered) == DMAHEAP_CONTIGUITY_SCATTERED);
static_assert(static_cast<int>(dmaheap::Contiguity::kSimulated) == DMAHEAP_CONTIGUITY_SIMULATED);

dmaheap_contiguity ConvertContiguity(dmaheap::Contiguity contiguity) {
  return static_cast<dmaheap_contiguity>(contiguity);
}

}  // namespace

const char* dmaheap_error_message(const dmaheap_error* error) {
  return error == nullptr ? "" : error->message.c_str();
}

dmaheap_code dmaheap_error_code(const dmaheap_error* error) {
  return error == nullptr ? static_cast<dmaheap_code>(DMAHEAP_OK) : CodeOf(error->status);
}

const char* dmaheap_error_reason(const dmaheap_error* error) {
  return error == nullptr ? "" : error->reason.c_str();
}

const char* dmaheap_error_detail(const dmaheap_error* error, const char* key) {
  if (error == nullptr || key == nullptr) return nullptr;
  const auto found = error->details.find(key);
  return found == error->details.end() ? nullptr : found->second.c_str();
}

int64_t dmaheap_error_retry_after_ms(const dmaheap_error* error) {
  if (error == nullptr) return -1;
  const absl::optional<absl::Duration> after = dmaheap::ErrorRetryAfter(error->status);
  // Upwards, so that nobody comes too early.
  return after.has_value() ? absl::ToInt64Milliseconds(absl::Ceil(*after, absl::Milliseconds(1)))
                           : -1;
}

void dmaheap_error_free(dmaheap_error* error) { delete error; }

dmaheap_code dmaheap_connect(const dmaheap_connect_options* options, dmaheap_client** client,
                             dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  dmaheap_connect_options known = {};
  if (options != nullptr) {
    absl::Status status = CopyOptions(options, known);
    if (status.ok()) status = CheckReserved(known.reserved);
    if (!status.ok()) return Finish(status, error);
  }
  absl::StatusOr<std::unique_ptr<dmaheap::Client>> connected = dmaheap::Client::Connect(
      {.socket_dir = StringOrEmpty(known.socket_dir),
       .label = StringOrEmpty(known.label),
       .timeout = DurationOr(known.timeout_ms, kDefaultTimeout),
       .wait_for_daemon = absl::Milliseconds(known.wait_for_daemon_ms),
       .on_give_back = ConvertGiveBack(known.on_give_back, known.give_back_context)});
  if (!connected.ok()) return Finish(connected.status(), error);
  *client = new dmaheap_client{*std::move(connected)};
  return DMAHEAP_OK;
}

void dmaheap_client_free(dmaheap_client* client) { delete client; }

dmaheap_code dmaheap_allocate(dmaheap_client* client, const dmaheap_allocate_options* options,
                              dmaheap_buffer** buffer, dmaheap_error** error) {
  return dmaheap_allocate_many(client, options, 1, buffer, error);
}

dmaheap_code dmaheap_allocate_many(dmaheap_client* client, const dmaheap_allocate_options* options,
                                   uint32_t count, dmaheap_buffer** buffers,
                                   dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (buffers == nullptr) return Finish(MissingArgument("buffers"), error);
  const absl::StatusOr<dmaheap::AllocateOptions> wanted = ConvertOptions(options);
  if (!wanted.ok()) return Finish(wanted.status(), error);
  const absl::StatusOr<int> how_many = ConvertCount("count", count);
  if (!how_many.ok()) return Finish(how_many.status(), error);
  absl::StatusOr<std::vector<dmaheap::Buffer>> got =
      client->client->AllocateMany(*wanted, *how_many);
  if (!got.ok()) return Finish(got.status(), error);
  for (dmaheap::Buffer& buffer : *got) *buffers++ = NewBuffer(std::move(buffer));
  return DMAHEAP_OK;
}

dmaheap_code dmaheap_allocate_async(dmaheap_client* client, const dmaheap_allocate_options* options,
                                    uint32_t count, dmaheap_allocated done, void* context,
                                    dmaheap_request** request, dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (done == nullptr) return Finish(MissingArgument("done"), error);
  const absl::StatusOr<dmaheap::AllocateOptions> wanted = ConvertOptions(options);
  if (!wanted.ok()) return Finish(wanted.status(), error);
  const absl::StatusOr<int> how_many = ConvertCount("count", count);
  if (!how_many.ok()) return Finish(how_many.status(), error);
  dmaheap::AllocationHandle handle = client->client->AllocateManyAsync(
      *wanted, *how_many, [done, context](absl::StatusOr<std::vector<dmaheap::Buffer>> outcome) {
        CallBack(done, context, std::move(outcome));
      });
  if (request != nullptr) *request = new dmaheap_request{std::move(handle)};
  return DMAHEAP_OK;
}

void dmaheap_request_cancel(dmaheap_request* request) {
  if (request != nullptr) request->handle.Cancel();
}

void dmaheap_request_free(dmaheap_request* request) { delete request; }

void dmaheap_buffer_free(dmaheap_buffer* buffer) { delete buffer; }

dmaheap_code dmaheap_buffer_fd(const dmaheap_buffer* buffer, int* fd, dmaheap_error** error) {
  if (buffer == nullptr) return Finish(MissingArgument("buffer"), error);
  if (fd == nullptr) return Finish(MissingArgument("fd"), error);
  if (buffer->buffer.fd() < 0) return Finish(FdIsGone(), error);
  *fd = buffer->buffer.fd();
  return DMAHEAP_OK;
}

dmaheap_code dmaheap_buffer_take_fd(dmaheap_buffer* buffer, int* fd, dmaheap_error** error) {
  if (buffer == nullptr) return Finish(MissingArgument("buffer"), error);
  if (fd == nullptr) return Finish(MissingArgument("fd"), error);
  if (buffer->buffer.fd() < 0) return Finish(FdIsGone(), error);
  *fd = buffer->buffer.TakeFd();
  return DMAHEAP_OK;
}

int64_t dmaheap_buffer_size_bytes(const dmaheap_buffer* buffer) {
  return buffer == nullptr ? 0 : buffer->buffer.size_bytes();
}

const char* dmaheap_buffer_name(const dmaheap_buffer* buffer) {
  return buffer == nullptr ? "" : buffer->buffer.name().c_str();
}

const char* dmaheap_buffer_heap(const dmaheap_buffer* buffer) {
  return buffer == nullptr ? "" : buffer->buffer.heap().c_str();
}

const char* dmaheap_buffer_label(const dmaheap_buffer* buffer) {
  return buffer == nullptr ? "" : buffer->buffer.label().c_str();
}

dmaheap_contiguity dmaheap_buffer_contiguity(const dmaheap_buffer* buffer) {
  return ConvertContiguity(buffer == nullptr ? dmaheap::Contiguity::kUnspecified
                                             : buffer->buffer.contiguity());
}

const char* dmaheap_buffer_reservation(const dmaheap_buffer* buffer) {
  return buffer == nullptr ? "" : buffer->buffer.reservation().c_str();
}

int32_t dmaheap_buffer_was_ready(const dmaheap_buffer* buffer) {
  return buffer != nullptr && buffer->buffer.was_ready() ? 1 : 0;
}

dmaheap_code dmaheap_buffer_map(const dmaheap_buffer* buffer, dmaheap_cpu_access access,
                                dmaheap_mapping** mapping, dmaheap_error** error) {
  if (buffer == nullptr) return Finish(MissingArgument("buffer"), error);
  if (mapping == nullptr) return Finish(MissingArgument("mapping"), error);
  const absl::StatusOr<dmaheap::CpuAccess> known = ConvertAccess(access);
  if (!known.ok()) return Finish(known.status(), error);
  absl::StatusOr<dmaheap::Mapping> mapped = buffer->buffer.Map(*known);
  if (!mapped.ok()) return Finish(mapped.status(), error);
  *mapping = new dmaheap_mapping{*std::move(mapped)};
  return DMAHEAP_OK;
}

void* dmaheap_mapping_data(const dmaheap_mapping* mapping) {
  return mapping == nullptr ? nullptr : mapping->mapping.data();
}

int64_t dmaheap_mapping_size_bytes(const dmaheap_mapping* mapping) {
  return mapping == nullptr ? 0 : mapping->mapping.size_bytes();
}

dmaheap_code dmaheap_mapping_begin_cpu_access(dmaheap_mapping* mapping, dmaheap_cpu_access access,
                                              dmaheap_error** error) {
  return Finish(SyncMapping(mapping, access, &dmaheap::Mapping::BeginCpuAccess), error);
}

dmaheap_code dmaheap_mapping_end_cpu_access(dmaheap_mapping* mapping, dmaheap_cpu_access access,
                                            dmaheap_error** error) {
  return Finish(SyncMapping(mapping, access, &dmaheap::Mapping::EndCpuAccess), error);
}

void dmaheap_mapping_free(dmaheap_mapping* mapping) { delete mapping; }

dmaheap_code dmaheap_hold(dmaheap_client* client, const dmaheap_hold_options* options,
                          dmaheap_held** held, dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (held == nullptr) return Finish(MissingArgument("held"), error);
  dmaheap_hold_options known = {};
  absl::Status status = CopyOptions(options, known);
  if (status.ok()) status = CheckReserved(known.reserved);
  if (!status.ok()) return Finish(status, error);
  const absl::StatusOr<int> how_many = ConvertCount("count", std::max(known.count, uint32_t{1}));
  if (!how_many.ok()) return Finish(how_many.status(), error);
  absl::StatusOr<dmaheap::HeldBuffers> got = client->client->Hold(
      {.heap = StringOrEmpty(known.heap),
       .size_bytes = known.size_bytes,
       .label = StringOrEmpty(known.label),
       .count = *how_many,
       .lease = absl::Milliseconds(known.lease_ms),
       .deadline = DurationOr(known.deadline_ms, kDefaultTimeout),
       .request_id = StringOrEmpty(known.request_id),
       .priority = static_cast<dmaheap::Priority>(known.priority),
       .retry_policy = StringOrEmpty(known.retry_policy),
       .on_progress = ConvertProgress(known.on_progress, known.progress_context)});
  if (!got.ok()) return Finish(got.status(), error);
  *held = new dmaheap_held{*std::move(got)};
  return DMAHEAP_OK;
}

uint32_t dmaheap_held_count(const dmaheap_held* held) {
  return held == nullptr ? 0 : static_cast<uint32_t>(held->held.buffers.size());
}

const char* dmaheap_held_name(const dmaheap_held* held, uint32_t index) {
  if (index >= dmaheap_held_count(held)) return nullptr;
  return held->held.buffers[index].name.c_str();
}

const char* dmaheap_held_claim_token(const dmaheap_held* held) {
  return held == nullptr ? "" : held->held.claim_token.c_str();
}

void dmaheap_held_free(dmaheap_held* held) { delete held; }

dmaheap_code dmaheap_claim(dmaheap_client* client, const char* name, const char* claim_token,
                           int64_t deadline_ms, dmaheap_buffer** buffer, dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (name == nullptr) return Finish(MissingArgument("name"), error);
  if (claim_token == nullptr) return Finish(MissingArgument("claim_token"), error);
  if (buffer == nullptr) return Finish(MissingArgument("buffer"), error);
  absl::StatusOr<dmaheap::Buffer> got = client->client->Claim(
      {.name = name, .token = claim_token, .deadline = DurationOr(deadline_ms, kDefaultTimeout)});
  if (!got.ok()) return Finish(got.status(), error);
  *buffer = NewBuffer(*std::move(got));
  return DMAHEAP_OK;
}

dmaheap_code dmaheap_release(dmaheap_client* client, const char* name, const char* claim_token,
                             int64_t timeout_ms, dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (name == nullptr) return Finish(MissingArgument("name"), error);
  return Finish(client->client->Release(name, StringOrEmpty(claim_token),
                                        DurationOr(timeout_ms, kDefaultTimeout)),
                error);
}

dmaheap_code dmaheap_list_heaps(dmaheap_client* client, int64_t timeout_ms,
                                dmaheap_heap_list** heaps, dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (heaps == nullptr) return Finish(MissingArgument("heaps"), error);
  absl::StatusOr<std::vector<dmaheap::HeapInfo>> got =
      client->client->ListHeaps(DurationOr(timeout_ms, kDefaultTimeout));
  if (!got.ok()) return Finish(got.status(), error);
  *heaps = new dmaheap_heap_list{*std::move(got)};
  return DMAHEAP_OK;
}

uint32_t dmaheap_heap_list_count(const dmaheap_heap_list* heaps) {
  return heaps == nullptr ? 0 : static_cast<uint32_t>(heaps->heaps.size());
}

dmaheap_code dmaheap_heap_list_get(const dmaheap_heap_list* heaps, uint32_t index,
                                   dmaheap_heap_info* info, dmaheap_error** error) {
  if (heaps == nullptr) return Finish(MissingArgument("heaps"), error);
  if (info == nullptr) return Finish(MissingArgument("info"), error);
  // Of the first version, whose last member that was.
  constexpr size_t kLeast = offsetof(dmaheap_heap_info, backing_heap);
  if (absl::Status status = CheckInfoSize(info->struct_size, kLeast); !status.ok()) {
    return Finish(status, error);
  }
  if (index >= heaps->heaps.size()) {
    return Finish(absl::OutOfRangeError(absl::StrCat("index is ", index, " and there are ",
                                                     heaps->heaps.size(), " heaps")),
                  error);
  }
  const dmaheap::HeapInfo& heap = heaps->heaps[index];
  const dmaheap_heap_info known = {.struct_size = info->struct_size,
                                   .contiguity = ConvertContiguity(heap.contiguity),
                                   .name = heap.name.c_str(),
                                   .kind = heap.kind.c_str(),
                                   .size_bytes = heap.size_bytes.value_or(-1),
                                   .free_bytes = heap.free_bytes.value_or(-1),
                                   .largest_free_bytes = heap.largest_free_bytes.value_or(-1),
                                   .live_buffers = heap.live_buffers,
                                   .live_bytes = heap.live_bytes,
                                   .queue_depth = heap.queue_depth,
                                   .page_size_bytes = heap.page_size_bytes,
                                   .backing_heap = heap.backing_heap.c_str(),
                                   .retry_policy = heap.retry_policy.c_str()};
  CopyInfo(known, *info);
  return DMAHEAP_OK;
}

void dmaheap_heap_list_free(dmaheap_heap_list* heaps) { delete heaps; }

const char* dmaheap_library_version(void) {
  static const std::string* const kText = new std::string(dmaheap::LibraryVersion());
  return kText->c_str();
}
