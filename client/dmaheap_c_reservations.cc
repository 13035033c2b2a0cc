// The functions of the C library about reservations.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "client/dmaheap_c.h"
#include "client/dmaheap_c_support.h"

struct dmaheap_reservation {
  dmaheap::ReservationInfo info;
};

struct dmaheap_reservation_list {
  std::vector<dmaheap::ReservationInfo> reservations;
};

namespace {

using dmaheap::c_library::CheckInfoSize;
using dmaheap::c_library::ConvertCount;
using dmaheap::c_library::ConvertProgress;
using dmaheap::c_library::CopyInfo;
using dmaheap::c_library::CopyOptions;
using dmaheap::c_library::DurationOr;
using dmaheap::c_library::Finish;
using dmaheap::c_library::kDefaultTimeout;
using dmaheap::c_library::Milliseconds;
using dmaheap::c_library::MissingArgument;
using dmaheap::c_library::StringOrEmpty;

absl::StatusOr<dmaheap::ReserveOptions> ConvertOptions(const dmaheap_reserve_options* options) {
  dmaheap_reserve_options known = {};
  if (absl::Status status = CopyOptions(options, known); !status.ok()) return status;
  const absl::StatusOr<int> count = ConvertCount("count", std::max(known.count, uint32_t{1}));
  if (!count.ok()) return count.status();
  const absl::StatusOr<int> refill_below = ConvertCount("refill_below", known.refill_below);
  if (!refill_below.ok()) return refill_below.status();
  return dmaheap::ReserveOptions{
      .heap = StringOrEmpty(known.heap),
      .size_bytes = known.size_bytes,
      .count = *count,
      .label = StringOrEmpty(known.label),
      .lease = absl::Milliseconds(known.lease_ms),
      .deadline = DurationOr(known.deadline_ms, kDefaultTimeout),
      .request_id = StringOrEmpty(known.request_id),
      .priority = static_cast<dmaheap::Priority>(known.priority),
      .retry_policy = StringOrEmpty(known.retry_policy),
      .refill_below = *refill_below,
      .on_progress = ConvertProgress(known.on_progress, known.progress_context)};
}

absl::Status Fill(const dmaheap::ReservationInfo& from, dmaheap_reservation_info* info) {
  if (info == nullptr) return MissingArgument("info");
  absl::Status status = CheckInfoSize(info->struct_size, sizeof(dmaheap_reservation_info));
  if (!status.ok()) return status;
  const dmaheap_reservation_info known = {
      .struct_size = info->struct_size,
      .count = static_cast<uint32_t>(from.count),
      .name = from.name.c_str(),
      .heap = from.heap.c_str(),
      .size_bytes = from.size_bytes,
      .label = from.label.c_str(),
      .priority = static_cast<dmaheap_priority>(from.priority),
      .refill_below = static_cast<uint32_t>(from.refill_below),
      .retry_policy = from.retry_policy.c_str(),
      .lease_ms = Milliseconds(from.lease),
      .client = from.client.c_str(),
      .create_time_ms = absl::ToUnixMillis(from.create_time),
      .expire_time_ms =
          from.expire_time == absl::InfiniteFuture() ? -1 : absl::ToUnixMillis(from.expire_time),
      .ready = static_cast<uint32_t>(from.ready),
      .drawn = static_cast<uint32_t>(from.drawn),
      .refilling = static_cast<uint32_t>(from.refilling),
      .reserved = 0,
      .last_error = from.last_error.c_str(),
      .hits = from.hits,
      .misses = from.misses,
      .given_back = from.given_back,
      .refills = from.refills};
  CopyInfo(known, *info);
  return status;
}

dmaheap_code Give(absl::StatusOr<dmaheap::ReservationInfo> got, dmaheap_reservation** reservation,
                  dmaheap_error** error) {
  if (!got.ok()) return Finish(got.status(), error);
  *reservation = new dmaheap_reservation{*std::move(got)};
  return DMAHEAP_OK;
}

using NamedCall = absl::StatusOr<dmaheap::ReservationInfo> (dmaheap::Client::*)(absl::string_view,
                                                                                absl::Duration);

dmaheap_code CallByName(dmaheap_client* client, NamedCall call, const char* name,
                        int64_t timeout_ms, dmaheap_reservation** reservation,
                        dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (name == nullptr) return Finish(MissingArgument("name"), error);
  if (reservation == nullptr) return Finish(MissingArgument("reservation"), error);
  return Give((client->client.get()->*call)(name, DurationOr(timeout_ms, kDefaultTimeout)),
              reservation, error);
}

}  // namespace

dmaheap_code dmaheap_reserve(dmaheap_client* client, const dmaheap_reserve_options* options,
                             dmaheap_reservation** reservation, dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (reservation == nullptr) return Finish(MissingArgument("reservation"), error);
  const absl::StatusOr<dmaheap::ReserveOptions> wanted = ConvertOptions(options);
  if (!wanted.ok()) return Finish(wanted.status(), error);
  return Give(client->client->Reserve(*wanted), reservation, error);
}

dmaheap_code dmaheap_get_reservation(dmaheap_client* client, const char* name, int64_t timeout_ms,
                                     dmaheap_reservation** reservation, dmaheap_error** error) {
  return CallByName(client, &dmaheap::Client::GetReservation, name, timeout_ms, reservation, error);
}

dmaheap_code dmaheap_keep_reservation(dmaheap_client* client, const char* name, int64_t timeout_ms,
                                      dmaheap_reservation** reservation, dmaheap_error** error) {
  return CallByName(client, &dmaheap::Client::KeepReservation, name, timeout_ms, reservation,
                    error);
}

dmaheap_code dmaheap_delete_reservation(dmaheap_client* client, const char* name,
                                        int64_t timeout_ms, dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (name == nullptr) return Finish(MissingArgument("name"), error);
  return Finish(client->client->DeleteReservation(name, DurationOr(timeout_ms, kDefaultTimeout)),
                error);
}

const char* dmaheap_reservation_name(const dmaheap_reservation* reservation) {
  return reservation == nullptr ? "" : reservation->info.name.c_str();
}

dmaheap_code dmaheap_reservation_get_info(const dmaheap_reservation* reservation,
                                          dmaheap_reservation_info* info, dmaheap_error** error) {
  if (reservation == nullptr) return Finish(MissingArgument("reservation"), error);
  return Finish(Fill(reservation->info, info), error);
}

void dmaheap_reservation_free(dmaheap_reservation* reservation) { delete reservation; }

dmaheap_code dmaheap_list_reservations(dmaheap_client* client, int64_t timeout_ms,
                                       dmaheap_reservation_list** reservations,
                                       dmaheap_error** error) {
  if (client == nullptr) return Finish(MissingArgument("client"), error);
  if (reservations == nullptr) return Finish(MissingArgument("reservations"), error);
  absl::StatusOr<std::vector<dmaheap::ReservationInfo>> got =
      client->client->ListReservations(DurationOr(timeout_ms, kDefaultTimeout));
  if (!got.ok()) return Finish(got.status(), error);
  *reservations = new dmaheap_reservation_list{*std::move(got)};
  return DMAHEAP_OK;
}

uint32_t dmaheap_reservation_list_count(const dmaheap_reservation_list* reservations) {
  return reservations == nullptr ? 0 : static_cast<uint32_t>(reservations->reservations.size());
}

dmaheap_code dmaheap_reservation_list_get(const dmaheap_reservation_list* reservations,
                                          uint32_t index, dmaheap_reservation_info* info,
                                          dmaheap_error** error) {
  if (reservations == nullptr) return Finish(MissingArgument("reservations"), error);
  const size_t count = reservations->reservations.size();
  if (index >= count) {
    return Finish(absl::OutOfRangeError(
                      absl::StrCat("index is ", index, " and there are ", count, " reservations")),
                  error);
  }
  return Finish(Fill(reservations->reservations[index], info), error);
}

void dmaheap_reservation_list_free(dmaheap_reservation_list* reservations) { delete reservations; }
