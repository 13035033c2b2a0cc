#include "daemon/core/reserve.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/core/holds.h"
#include "daemon/core/proto_time.h"
#include "daemon/limits.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

int Existing(const Reservation& reservation) {
  return static_cast<int>(reservation.ready.size() + reservation.drawn.size());
}

}  // namespace

v1::Reservation ToProto(const Reservation& reservation) {
  const ReservationRecord& record = reservation.record;
  v1::Reservation message;
  message.set_name(absl::StrCat("reservations/", record.id));
  message.set_heap(absl::StrCat("heaps/", record.heap));
  message.set_size_bytes(record.size_bytes);
  message.set_count(record.count);
  message.set_label(record.label);
  message.set_priority(static_cast<v1::Priority>(record.priority + 1));
  message.set_retry_policy(record.retry_policy);
  message.set_refill_below(record.refill_below);
  message.set_owner_uid(record.uid);
  if (reservation.client_id != 0) {
    message.set_client(absl::StrCat("clients/", reservation.client_id));
  }
  *message.mutable_create_time() = ToTimestamp(record.create_time);
  if (reservation.expire_time.has_value()) {
    *message.mutable_expire_time() = ToTimestamp(*reservation.expire_time);
  }
  *message.mutable_lease() = ToProtoDuration(record.lease);
  message.set_ready_count(static_cast<int>(reservation.ready.size()));
  message.set_drawn_count(static_cast<int>(reservation.drawn.size()));
  message.set_refilling_count(reservation.refilling ? 1 : 0);
  if (!reservation.last_error.ok()) {
    message.set_last_error(std::string(reservation.last_error.message()));
  }
  message.set_hits(reservation.hits);
  message.set_misses(reservation.misses);
  message.set_given_back(reservation.given_back);
  message.set_refills(reservation.refills);
  return message;
}

Reserve::Reserve(Executor& executor, Books& books, FdStore& store, Journal& journal,
                 Callbacks callbacks)
    : executor_(executor),
      books_(books),
      store_(store),
      journal_(journal),
      callbacks_(std::move(callbacks)) {}

Reserve::~Reserve() {
  for (auto& [id, reservation] : reservations_) {
    executor_.Cancel(reservation.lease_timer);
    executor_.Cancel(reservation.refill_timer);
  }
}

uint64_t Reserve::NewId() {
  const int64_t now = absl::ToUnixMicros(executor_.WallTime());
  last_id_ = std::max(last_id_ + 1, static_cast<uint64_t>(std::max<int64_t>(now, 1)));
  return last_id_;
}

absl::Status Reserve::CheckCount(uint32_t uid) const {
  const auto count =
      std::count_if(reservations_.begin(), reservations_.end(),
                    [uid](const auto& entry) { return entry.second.record.uid == uid; });
  if (count < static_cast<int64_t>(kMaxReservationsPerUid)) return absl::OkStatus();
  return Error(ErrorReason::OVERLOADED,
               absl::StrCat("uid ", uid, " has ", count, " reservations of at most ",
                            kMaxReservationsPerUid, "; delete one, then try again"))
      .RetryAfter(kOverloadRetryAfter);
}

void Reserve::Book(ReservationRecord record, uint64_t client_id) {
  journal_.WriteReservation(record);
  const uint64_t id = record.id;
  reservations_[id].record = std::move(record);
  Keep(id, client_id);
}

absl::Status Reserve::Add(uint64_t id, Buffer buffer) {
  LiveBuffer* const record = books_.Find(buffer.key);
  record->state = v1::Buffer::RESERVED;
  record->reservation = id;
  record->drawn = false;
  // First on paper, as with a held one.
  journal_.Write(*record);
  if (absl::Status stored = store_.Store(HeldFdName(buffer.key), buffer.fd.get()); !stored.ok()) {
    record->state = v1::Buffer::ORPHANED;
    return stored;
  }
  reservations_.at(id).ready.push_back(std::move(buffer));
  return absl::OkStatus();
}

const Reservation* Reserve::Find(uint64_t id, uint32_t uid) const {
  const auto it = reservations_.find(id);
  return it == reservations_.end() || it->second.record.uid != uid ? nullptr : &it->second;
}

absl::StatusOr<const Reservation*> Reserve::Get(uint64_t id, uint32_t uid) const {
  if (const Reservation* found = Find(id, uid); found != nullptr) return found;
  const std::string name = absl::StrCat("reservations/", id);
  return Error(ErrorReason::RESERVATION_NOT_FOUND,
               absl::StrCat("uid ", uid, " has no ", name,
                            ": it was deleted, or no session kept it and its lease ended; "
                            "ListReservations tells which there are"))
      .With("reservation", name);
}

std::vector<Buffer> Reserve::Draw(uint64_t id, int count) {
  Reservation& reservation = reservations_.at(id);
  std::vector<Buffer> buffers;
  while (static_cast<int>(buffers.size()) < count && !reservation.ready.empty()) {
    reservation.drawn.insert(reservation.ready.front().key);
    buffers.push_back(std::move(reservation.ready.front()));
    reservation.ready.pop_front();
  }
  reservation.last_draw = executor_.Now();
  return buffers;
}

void Reserve::Count(uint64_t id, int hits, int misses) {
  Reservation& reservation = reservations_.at(id);
  reservation.hits += hits;
  reservation.misses += misses;
  draws_.hits += hits;
  draws_.misses += misses;
}

void Reserve::OnGoesOut(LiveBuffer& record, uint64_t client_id) {
  record.drawn = true;
  books_.Deliver(record, client_id);
  store_.Remove(HeldFdName(record.key)).IgnoreError();
}

void Reserve::Adopt(uint64_t id, LiveBuffer& record) {
  const auto it = reservations_.find(id);
  if (it == reservations_.end() || it->second.charge.amount().buffers == 0) return;
  record.reservation = id;
  record.drawn = true;
  record.charge = it->second.charge.SplitBuffer(record.size_bytes);
  it->second.drawn.insert(record.key);
  journal_.Write(record);
}

void Reserve::PutBack(std::vector<Buffer>& buffers) {
  const auto drawn = std::stable_partition(buffers.begin(), buffers.end(), [this](const Buffer& b) {
    const LiveBuffer* record = books_.Find(b.key);
    return record == nullptr || record->state != v1::Buffer::RESERVED;
  });
  for (auto it = drawn; it != buffers.end(); ++it) {
    const auto found = reservations_.find(books_.Find(it->key)->reservation);
    if (found == reservations_.end()) {
      Close(std::move(*it));
      continue;
    }
    Reservation& reservation = found->second;
    reservation.drawn.erase(it->key);
    reservation.ready.push_front(std::move(*it));
  }
  buffers.erase(drawn, buffers.end());
}

void Reserve::OnGone(LiveBuffer& record) {
  const auto it = reservations_.find(record.reservation);
  if (it == reservations_.end()) return;
  it->second.drawn.erase(record.key);
  it->second.charge.Absorb(std::move(record.charge));
  Look(it->second);
}

void Reserve::Look(uint64_t id) {
  const auto it = reservations_.find(id);
  if (it != reservations_.end()) Look(it->second);
}

// Whether one is to be made is asked in a task of its own: what happened just now is over then.
void Reserve::Look(Reservation& reservation) {
  if (Existing(reservation) < reservation.record.refill_below) reservation.filling_up = true;
  if (Existing(reservation) >= reservation.record.count) reservation.filling_up = false;
  if (!Wants(reservation)) return;
  executor_.Post([this, id = reservation.record.id] { callbacks_.on_wanted(id); });
}

bool Reserve::Wants(const Reservation& reservation) {
  return reservation.filling_up && !reservation.refilling && reservation.refill_timer == 0 &&
         reservation.charge.amount().buffers > 0;
}

Charge Reserve::BeginRefill(uint64_t id) {
  Reservation& reservation = reservations_.at(id);
  reservation.refilling = true;
  return reservation.charge.SplitBuffer(reservation.record.size_bytes);
}

void Reserve::EndRefill(uint64_t id, Charge charge, const absl::Status& status) {
  const auto it = reservations_.find(id);
  if (it == reservations_.end()) return;
  Reservation& reservation = it->second;
  reservation.refilling = false;
  reservation.last_error = status;
  reservation.charge.Absorb(std::move(charge));
  if (!status.ok()) return WaitToRefill(reservation);
  ++reservation.refills;
  reservation.refill_backoff = absl::ZeroDuration();
  Look(reservation);
}

void Reserve::WaitToRefill(Reservation& reservation) {
  executor_.Cancel(reservation.refill_timer);
  reservation.refill_backoff =
      std::clamp(2 * reservation.refill_backoff, kMinRefillBackoff, kMaxRefillBackoff);
  reservation.refill_timer =
      executor_.After(reservation.refill_backoff, [this, id = reservation.record.id] {
        const auto it = reservations_.find(id);
        if (it == reservations_.end()) return;
        it->second.refill_timer = 0;
        Look(it->second);
      });
}

int64_t Reserve::GiveBack(const std::string& heap, int priority, int64_t bytes) {
  std::vector<Reservation*> order;
  for (auto& [id, reservation] : reservations_) {
    if (reservation.record.heap == heap && reservation.record.priority < priority) {
      order.push_back(&reservation);
    }
  }
  std::stable_sort(order.begin(), order.end(), [](const Reservation* a, const Reservation* b) {
    if (a->record.priority != b->record.priority) return a->record.priority < b->record.priority;
    return a->last_draw < b->last_draw;
  });
  int64_t closed = 0;
  for (Reservation* reservation : order) {
    const int64_t before = closed;
    while (closed < bytes && !reservation->ready.empty()) {
      closed += reservation->ready.back().size_bytes;
      ++reservation->given_back;
      Close(std::move(reservation->ready.back()));
      reservation->ready.pop_back();
    }
    // Made again at once, they would take the room from whom they were given back for.
    if (closed > before) WaitToRefill(*reservation);
  }
  if (closed > 0) callbacks_.on_closed();
  return closed;
}

void Reserve::Close(Buffer buffer) {
  // A store that can not be reached has lost its fds with itself.
  store_.Remove(HeldFdName(buffer.key)).IgnoreError();
}

void Reserve::Keep(uint64_t id, uint64_t client_id) {
  Reservation& reservation = reservations_.at(id);
  if (client_id != 0) reservation.client_id = client_id;
  StopLease(reservation);
  if (reservation.client_id == 0) StartLease(reservation);
}

void Reserve::OnClientGone(uint64_t client_id) {
  for (auto& [id, reservation] : reservations_) {
    if (reservation.client_id != client_id) continue;
    reservation.client_id = 0;
    StartLease(reservation);
  }
}

void Reserve::StartLease(Reservation& reservation) {
  reservation.expire_time = executor_.WallTime() + reservation.record.lease;
  reservation.lease_timer =
      executor_.After(reservation.record.lease, [this, id = reservation.record.id] { Delete(id); });
}

void Reserve::StopLease(Reservation& reservation) {
  executor_.Cancel(std::exchange(reservation.lease_timer, 0));
  reservation.expire_time.reset();
}

void Reserve::Delete(uint64_t id) {
  const auto it = reservations_.find(id);
  if (it == reservations_.end()) return;
  Reservation reservation = std::move(it->second);
  reservations_.erase(it);
  executor_.Cancel(reservation.lease_timer);
  executor_.Cancel(reservation.refill_timer);
  journal_.EraseReservation(id);
  callbacks_.on_ended(id);
  for (const BufferKey& key : reservation.drawn) {
    LiveBuffer* const record = books_.Find(key);
    // One that has not gone out yet is in the hands of a draw.
    if (record == nullptr || record->state == v1::Buffer::RESERVED) continue;
    record->reservation = 0;
    journal_.Write(*record);
  }
  for (Buffer& buffer : reservation.ready) Close(std::move(buffer));
  if (!reservation.ready.empty()) callbacks_.on_closed();
}

void Reserve::Restore(std::vector<ReservationRecord> records, std::map<BufferKey, Buffer> ready) {
  for (ReservationRecord& record : records) {
    last_id_ = std::max(last_id_, record.id);
    const uint64_t id = record.id;
    Reservation& reservation = reservations_[id];
    reservation.record = std::move(record);
    StartLease(reservation);
  }
  for (const auto& [number, buffer] : books_.table().records()) {
    const auto it = reservations_.find(buffer.reservation);
    if (it == reservations_.end()) continue;
    const auto kept = ready.find(buffer.key);
    if (kept != ready.end()) {
      it->second.ready.push_back(std::move(kept->second));
    } else {
      it->second.drawn.insert(buffer.key);
    }
  }
  for (auto& [id, reservation] : reservations_) {
    const int missing = reservation.record.count - Existing(reservation);
    if (missing > 0) {
      reservation.charge = books_.ledger().Record(
          reservation.record.uid, {missing * reservation.record.size_bytes, missing});
    }
    Look(reservation);
  }
}

}  // namespace dmaheap
