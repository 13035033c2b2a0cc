#include "client/testing/fake_reservations.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

constexpr int64_t kPageSize = 4096;
constexpr int64_t kDefaultLeaseSeconds = 60;

absl::Status NoSuchReservation(const std::string& name) {
  return Error(ErrorReason::RESERVATION_NOT_FOUND, absl::StrCat("there is no ", name))
      .With("reservation", name);
}

void SetKeeper(v1::Reservation& reservation, const std::string& client) {
  reservation.set_client(client);
  if (client.empty()) {
    reservation.mutable_expire_time()->set_seconds(time(nullptr) + reservation.lease().seconds());
  } else {
    reservation.clear_expire_time();
  }
}

}  // namespace

absl::StatusOr<v1::Reservation> FakeReservations::Book(const v1::ReserveBuffersRequest& request,
                                                       const std::string& client) {
  BeforeBooking before;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    bookings_.push_back(request);
    before = before_booking_;
  }
  if (before) {
    if (absl::Status status = before(request); !status.ok()) return status;
  }
  v1::Reservation reservation;
  if (request.validate_only()) return reservation;
  std::lock_guard<std::mutex> lock(mutex_);
  reservation.set_name(absl::StrCat("reservations/", ++last_));
  reservation.set_heap(request.heap());
  reservation.set_size_bytes((request.size_bytes() + kPageSize - 1) / kPageSize * kPageSize);
  reservation.set_count(request.count());
  reservation.set_label(request.label());
  reservation.set_priority(request.priority() == v1::PRIORITY_UNSPECIFIED ? v1::NORMAL
                                                                          : request.priority());
  reservation.set_retry_policy(request.retry_policy().empty() ? "default" : request.retry_policy());
  reservation.set_refill_below(request.has_refill_below() ? request.refill_below()
                                                          : request.count());
  reservation.set_owner_uid(getuid());
  // Two hours and a half ago, so that an AGE is the same whenever a test looks.
  reservation.mutable_create_time()->set_seconds(time(nullptr) - 9000);
  reservation.mutable_lease()->set_seconds(request.has_lease() ? request.lease().seconds()
                                                               : kDefaultLeaseSeconds);
  reservation.set_ready_count(request.count());
  SetKeeper(reservation, client);
  reservations_[reservation.name()] = reservation;
  return reservation;
}

absl::StatusOr<v1::Reservation> FakeReservations::Get(const std::string& name) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = reservations_.find(name);
  if (it == reservations_.end()) return NoSuchReservation(name);
  return it->second;
}

std::vector<v1::Reservation> FakeReservations::List() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<v1::Reservation> list;
  for (const auto& [name, reservation] : reservations_) list.push_back(reservation);
  return list;
}

absl::StatusOr<v1::Reservation> FakeReservations::Keep(const v1::KeepReservationRequest& request,
                                                       const std::string& client) {
  std::lock_guard<std::mutex> lock(mutex_);
  ++keeps_tried_;
  if (!keep_failure_.ok()) return keep_failure_;
  const auto it = reservations_.find(request.name());
  if (it == reservations_.end()) return NoSuchReservation(request.name());
  keeps_.push_back(request);
  SetKeeper(it->second, client);
  return it->second;
}

absl::Status FakeReservations::Delete(const std::string& name) {
  std::lock_guard<std::mutex> lock(mutex_);
  return reservations_.erase(name) == 1 ? absl::OkStatus() : NoSuchReservation(name);
}

absl::StatusOr<v1::Reservation> FakeReservations::Draw(const std::string& name, int count,
                                                       const std::string& client, int& ready) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = reservations_.find(name);
  if (it == reservations_.end()) return NoSuchReservation(name);
  v1::Reservation& reservation = it->second;
  ready = std::min(count, static_cast<int>(reservation.ready_count()));
  reservation.set_ready_count(reservation.ready_count() - ready);
  reservation.set_drawn_count(reservation.drawn_count() + ready);
  reservation.set_hits(reservation.hits() + ready);
  reservation.set_misses(reservation.misses() + count - ready);
  SetKeeper(reservation, client);
  return reservation;
}

void FakeReservations::OnSessionsGone() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [name, reservation] : reservations_) SetKeeper(reservation, "");
}

void FakeReservations::SetBeforeBooking(BeforeBooking before) {
  std::lock_guard<std::mutex> lock(mutex_);
  before_booking_ = std::move(before);
}

void FakeReservations::FailKeeps(absl::Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  keep_failure_ = std::move(status);
}

void FakeReservations::Change(const std::string& name,
                              const std::function<void(v1::Reservation&)>& change) {
  std::lock_guard<std::mutex> lock(mutex_);
  change(reservations_.at(name));
}

void FakeReservations::ForgetAll() {
  std::lock_guard<std::mutex> lock(mutex_);
  reservations_.clear();
}

std::vector<v1::ReserveBuffersRequest> FakeReservations::bookings() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return bookings_;
}

std::vector<v1::KeepReservationRequest> FakeReservations::keeps() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return keeps_;
}

int FakeReservations::keeps_tried() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return keeps_tried_;
}

}  // namespace dmaheap
