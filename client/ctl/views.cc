#include "client/ctl/views.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/ctl/units_text.h"
#include "client/internal/convert.h"

namespace dmaheap::ctl {
namespace {

using client_internal::ToDuration;
using client_internal::ToTime;

constexpr auto kLeft = Column::Align::kLeft;
constexpr auto kRight = Column::Align::kRight;

// A column and what it says of each message, so that header and cell can not part.
template <typename Message>
struct Field {
  Column column;
  std::string (*cell)(const Message& message, absl::Time now);
};

template <typename Message, typename List>
Table MakeTable(const std::vector<Field<Message>>& fields, const List& list, absl::Time now) {
  Table table;
  for (const auto& field : fields) table.columns.push_back(field.column);
  for (const Message& message : list) {
    std::vector<std::string>& row = table.rows.emplace_back();
    for (const auto& field : fields) row.push_back(field.cell(message, now));
  }
  return table;
}

template <typename Message>
std::string Describe(const std::vector<Field<Message>>& fields, const Message& message,
                     absl::Time now) {
  size_t width = 0;
  for (const auto& field : fields) width = std::max(width, field.column.header.size());
  std::string text;
  for (const auto& field : fields) {
    const std::string cell = field.cell(message, now);
    absl::StrAppend(&text, field.column.header,
                    std::string(width - field.column.header.size() + 2, ' '),
                    cell.empty() ? "-" : Printable(cell), "\n");
  }
  return text;
}

// A number for people, and the exact one.
std::string BothSizes(int64_t bytes) { return absl::StrCat(SizeText(bytes), " (", bytes, ")"); }

std::string KnownSize(bool known, int64_t bytes, std::string (*text)(int64_t)) {
  return known ? text(bytes) : std::string();
}

std::string KnownTime(bool known, const google::protobuf::Timestamp& time) {
  return known ? UtcText(time) : std::string();
}

// Heaps ---------------------------------------------------------------------------------------

using HeapField = Field<v1::Heap>;

std::vector<HeapField> HeapFields(bool wide) {
  using H = v1::Heap;
  std::vector<HeapField> fields = {
      {{"NAME"}, [](const H& h, absl::Time) { return std::string(ShortName(h.name())); }},
      {{"KIND", kLeft, true}, [](const H& h, absl::Time) { return v1::HeapKind_Name(h.kind()); }},
      {{"CONTIGUITY", kLeft, true},
       [](const H& h, absl::Time) { return v1::Contiguity_Name(h.contiguity()); }},
      {{"SIZE", kRight},
       [](const H& h, absl::Time) {
         return KnownSize(h.has_size_bytes(), h.size_bytes(), SizeText);
       }},
      {{"FREE", kRight},
       [](const H& h, absl::Time) {
         return KnownSize(h.has_free_bytes(), h.free_bytes(), SizeText);
       }},
      {{"LARGEST", kRight},
       [](const H& h, absl::Time) {
         return KnownSize(h.has_largest_free_bytes(), h.largest_free_bytes(), SizeText);
       }},
      {{"BUFFERS", kRight}, [](const H& h, absl::Time) { return absl::StrCat(h.live_buffers()); }},
      {{"LIVE", kRight}, [](const H& h, absl::Time) { return SizeText(h.live_bytes()); }},
  };
  if (!wide) return fields;
  fields.push_back(
      {{"QUEUE", kRight}, [](const H& h, absl::Time) { return absl::StrCat(h.queue_depth()); }});
  fields.push_back(
      {{"PAGE", kRight}, [](const H& h, absl::Time) { return SizeText(h.page_size_bytes()); }});
  fields.push_back(
      {{"ALIASES"}, [](const H& h, absl::Time) { return absl::StrJoin(h.aliases(), " "); }});
  fields.push_back({{"RETRY_POLICY"}, [](const H& h, absl::Time) { return h.retry_policy(); }});
  fields.push_back({{"BACKING_HEAP"}, [](const H& h, absl::Time) {
                      return std::string(ShortName(h.backing_heap()));
                    }});
  return fields;
}

// Buffers -------------------------------------------------------------------------------------

using BufferField = Field<v1::Buffer>;
using B = v1::Buffer;

std::string NameCell(const B& b, absl::Time) { return std::string(ShortName(b.name())); }
std::string HeapCell(const B& b, absl::Time) { return std::string(ShortName(b.heap())); }
std::string SizeCell(const B& b, absl::Time) { return SizeText(b.size_bytes()); }
std::string ContiguityCell(const B& b, absl::Time) { return v1::Contiguity_Name(b.contiguity()); }
std::string LabelCell(const B& b, absl::Time) { return b.label(); }
std::string StateCell(const B& b, absl::Time) { return B::State_Name(b.state()); }
std::string UidCell(const B& b, absl::Time) { return absl::StrCat(b.owner_uid()); }
std::string ClientCell(const B& b, absl::Time) { return std::string(ShortName(b.client())); }
std::string RequestCell(const B& b, absl::Time) { return b.request_id(); }
std::string AgeCell(const B& b, absl::Time now) {
  return b.has_create_time() ? AgeText(now - ToTime(b.create_time())) : std::string();
}
std::string ExpiresCell(const B& b, absl::Time now) {
  return b.has_expire_time() ? AgeText(ToTime(b.expire_time()) - now) : std::string();
}

std::vector<BufferField> BufferFields(bool wide, bool of_all) {
  std::vector<BufferField> fields = {
      {{"NAME"}, NameCell},
      {{"HEAP", kLeft, true}, HeapCell},
      {{"SIZE", kRight}, SizeCell},
      {{"STATE"}, StateCell},
  };
  if (wide) fields.push_back({{"CONTIGUITY"}, ContiguityCell});
  if (wide || of_all) fields.push_back({{"UID", kRight}, UidCell});
  if (wide) fields.push_back({{"CLIENT", kRight}, ClientCell});
  fields.push_back({{"LABEL", kLeft, true}, LabelCell});
  if (wide) {
    fields.push_back({{"RESERVATION"}, [](const B& b, absl::Time) {
                        return std::string(ShortName(b.reservation()));
                      }});
  }
  if (wide) fields.push_back({{"REQUEST_ID"}, RequestCell});
  if (wide) fields.push_back({{"EXPIRES", kRight}, ExpiresCell});
  fields.push_back({{"AGE", kRight}, AgeCell});
  return fields;
}

// Clients -------------------------------------------------------------------------------------

using ClientField = Field<v1::Client>;

std::vector<ClientField> ClientFields(bool wide) {
  using C = v1::Client;
  std::vector<ClientField> fields = {
      {{"NAME"}, [](const C& c, absl::Time) { return std::string(ShortName(c.name())); }},
      {{"UID", kRight}, [](const C& c, absl::Time) { return absl::StrCat(c.uid()); }},
      {{"PID", kRight}, [](const C& c, absl::Time) { return absl::StrCat(c.debug_pid()); }},
      {{"LABEL", kLeft, true}, [](const C& c, absl::Time) { return c.label(); }},
      {{"BUFFERS", kRight}, [](const C& c, absl::Time) { return absl::StrCat(c.live_buffers()); }},
      {{"LIVE", kRight}, [](const C& c, absl::Time) { return SizeText(c.live_bytes()); }},
  };
  if (wide) {
    fields.push_back(
        {{"GID", kRight}, [](const C& c, absl::Time) { return absl::StrCat(c.gid()); }});
    fields.push_back({{"LIBRARY"}, [](const C& c, absl::Time) { return c.library_version(); }});
    fields.push_back(
        {{"WIRE", kRight}, [](const C& c, absl::Time) { return absl::StrCat(c.wire_version()); }});
    fields.push_back({{"UNACKED", kRight},
                      [](const C& c, absl::Time) { return absl::StrCat(c.unacknowledged_fds()); }});
  }
  fields.push_back({{"IDLE", kRight}, [](const C& c, absl::Time) {
                      return c.has_idle_duration() ? AgeText(ToDuration(c.idle_duration()))
                                                   : std::string();
                    }});
  fields.push_back({{"AGE", kRight}, [](const C& c, absl::Time now) {
                      return c.has_connect_time() ? AgeText(now - ToTime(c.connect_time()))
                                                  : std::string();
                    }});
  return fields;
}

// Allocations ---------------------------------------------------------------------------------

using AllocationField = Field<v1::Allocation>;
using A = v1::Allocation;

std::string UidOfCell(const A& a, absl::Time) { return absl::StrCat(a.owner_uid()); }
std::string StateOfCell(const A& a, absl::Time) { return A::State_Name(a.state()); }
std::string AttemptsCell(const A& a, absl::Time) { return absl::StrCat(a.attempts()); }
std::string ObstacleCell(const A& a, absl::Time) {
  return a.obstacle() == A::OBSTACLE_UNSPECIFIED ? std::string() : A::Obstacle_Name(a.obstacle());
}
std::string PinnedForCell(const A& a, absl::Time) {
  if (!a.has_pinned_page()) return "";
  return absl::FormatDuration(
      absl::Trunc(ToDuration(a.pinned_page().stuck_duration()), absl::Milliseconds(1)));
}
std::string PinnedByCell(const A& a, absl::Time) {
  return Printable(client_internal::ToText(a.pinned_page()));
}
std::string CountCell(const A& a, absl::Time) {
  return absl::StrCat(a.allocated(), "/", a.count());
}
std::string PriorityCell(const A& a, absl::Time) { return v1::Priority_Name(a.priority()); }
std::string PolicyCell(const A& a, absl::Time) { return a.retry_policy(); }
std::string NextCell(const A& a, absl::Time) {
  if (!a.has_next_delay()) return "";
  return absl::FormatDuration(absl::Ceil(ToDuration(a.next_delay()), absl::Milliseconds(100)));
}
std::string RequestOfCell(const A& a, absl::Time) { return a.request_id(); }
std::string LastErrorCell(const A& a, absl::Time) { return a.last_error(); }
std::string ElapsedCell(const A& a, absl::Time) {
  return AgeText(ToDuration(a.elapsed_duration()));
}

std::vector<AllocationField> AllocationFields(bool wide) {
  std::vector<AllocationField> fields = {
      {{"NAME", kLeft, false, 5},
       [](const A& a, absl::Time) { return std::string(ShortName(a.name())); }},
      {{"HEAP", kLeft, true, 9},
       [](const A& a, absl::Time) { return std::string(ShortName(a.heap())); }},
      {{"SIZE", kRight, false, 7}, [](const A& a, absl::Time) { return SizeText(a.size_bytes()); }},
  };
  if (wide) fields.push_back({{"COUNT", kRight}, CountCell});
  fields.push_back({{"UID", kRight, false, 5}, UidOfCell});
  if (wide) {
    fields.push_back({{"CLIENT", kRight},
                      [](const A& a, absl::Time) { return std::string(ShortName(a.client())); }});
    fields.push_back({{"PRIORITY"}, PriorityCell});
    fields.push_back({{"POLICY", kLeft, false, 8}, PolicyCell});
  }
  fields.push_back({{"STATE", kLeft, false, 11}, StateOfCell});
  fields.push_back({{"ATTEMPTS", kRight}, AttemptsCell});
  if (wide) fields.push_back({{"NEXT", kRight, false, 5}, NextCell});
  fields.push_back({{"OBSTACLE", kLeft, false, 11}, ObstacleCell});
  if (wide) {
    fields.push_back({{"FREE", kRight, false, 7}, [](const A& a, absl::Time) {
                        return KnownSize(a.has_free_bytes(), a.free_bytes(), SizeText);
                      }});
    fields.push_back({{"LARGEST", kRight}, [](const A& a, absl::Time) {
                        return KnownSize(a.has_largest_free_bytes(), a.largest_free_bytes(),
                                         SizeText);
                      }});
    fields.push_back({{"OWN", kRight, false, 7},
                      [](const A& a, absl::Time) { return SizeText(a.own_bytes()); }});
    fields.push_back({{"OTHERS", kRight, false, 7},
                      [](const A& a, absl::Time) { return SizeText(a.waiting_others_bytes()); }});
    fields.push_back({{"RESERVATION"}, [](const A& a, absl::Time) {
                        return std::string(ShortName(a.reservation()));
                      }});
    fields.push_back({{"REQUEST_ID"}, RequestOfCell});
    fields.push_back({{"LAST_ERROR"}, LastErrorCell});
  }
  fields.push_back({{"AGE", kRight, false, 4}, ElapsedCell});
  return fields;
}

// Reservations --------------------------------------------------------------------------------

using ReservationField = Field<v1::Reservation>;
using R = v1::Reservation;

std::string ReadyCell(const R& r, absl::Time) { return absl::StrCat(r.ready_count()); }
std::string DrawnCell(const R& r, absl::Time) { return absl::StrCat(r.drawn_count()); }
std::string RefillingCell(const R& r, absl::Time) { return absl::StrCat(r.refilling_count()); }
std::string BookedCell(const R& r, absl::Time) { return absl::StrCat(r.count()); }
std::string BookedLabelCell(const R& r, absl::Time) { return r.label(); }
std::string RefillBelowCell(const R& r, absl::Time) { return absl::StrCat(r.refill_below()); }
std::string BookedPriorityCell(const R& r, absl::Time) { return v1::Priority_Name(r.priority()); }
std::string BookedPolicyCell(const R& r, absl::Time) { return r.retry_policy(); }
std::string LeaseCell(const R& r, absl::Time) {
  return absl::FormatDuration(ToDuration(r.lease()));
}
std::string HitsCell(const R& r, absl::Time) { return absl::StrCat(r.hits()); }
std::string MissesCell(const R& r, absl::Time) { return absl::StrCat(r.misses()); }
std::string GivenBackCell(const R& r, absl::Time) { return absl::StrCat(r.given_back()); }
std::string RefillsCell(const R& r, absl::Time) { return absl::StrCat(r.refills()); }
std::string RefillErrorCell(const R& r, absl::Time) { return r.last_error(); }
std::string EndsCell(const R& r, absl::Time now) {
  return r.has_expire_time() ? AgeText(ToTime(r.expire_time()) - now) : std::string();
}
std::string BookedAgeCell(const R& r, absl::Time now) {
  return r.has_create_time() ? AgeText(now - ToTime(r.create_time())) : std::string();
}

std::vector<ReservationField> ReservationFields(bool wide, bool of_all) {
  std::vector<ReservationField> fields = {
      {{"NAME"}, [](const R& r, absl::Time) { return std::string(ShortName(r.name())); }},
      {{"HEAP", kLeft, true},
       [](const R& r, absl::Time) { return std::string(ShortName(r.heap())); }},
      {{"SIZE", kRight}, [](const R& r, absl::Time) { return SizeText(r.size_bytes()); }},
      {{"READY", kRight}, ReadyCell},
      {{"DRAWN", kRight}, DrawnCell},
      {{"COUNT", kRight}, BookedCell},
  };
  if (wide || of_all) {
    fields.push_back(
        {{"UID", kRight}, [](const R& r, absl::Time) { return absl::StrCat(r.owner_uid()); }});
  }
  if (wide) {
    fields.push_back({{"REFILLING", kRight}, RefillingCell});
    fields.push_back({{"REFILL_BELOW", kRight}, RefillBelowCell});
    fields.push_back({{"PRIORITY"}, BookedPriorityCell});
    fields.push_back({{"POLICY"}, BookedPolicyCell});
    fields.push_back({{"CLIENT", kRight},
                      [](const R& r, absl::Time) { return std::string(ShortName(r.client())); }});
    fields.push_back({{"HITS", kRight}, HitsCell});
    fields.push_back({{"MISSES", kRight}, MissesCell});
    fields.push_back({{"GIVEN_BACK", kRight}, GivenBackCell});
    fields.push_back({{"REFILLS", kRight}, RefillsCell});
  }
  fields.push_back({{"LABEL", kLeft, true}, BookedLabelCell});
  if (wide) {
    fields.push_back({{"LAST_ERROR"}, RefillErrorCell});
    fields.push_back({{"LEASE", kRight}, LeaseCell});
  }
  fields.push_back({{"EXPIRES", kRight}, EndsCell});
  fields.push_back({{"AGE", kRight}, BookedAgeCell});
  return fields;
}

}  // namespace

std::string UtcText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime(absl::RFC3339_sec, ToTime(time), absl::UTCTimeZone());
}

absl::string_view ShortName(absl::string_view name) {
  const size_t slash = name.find('/');
  return slash == absl::string_view::npos ? name : name.substr(slash + 1);
}

Table HeapTable(const v1::ListHeapsResponse& heaps, bool wide) {
  return MakeTable(HeapFields(wide), heaps.heaps(), absl::InfinitePast());
}

Table BufferTable(const v1::ListBuffersResponse& buffers, bool wide, bool of_all, absl::Time now) {
  return MakeTable(BufferFields(wide, of_all), buffers.buffers(), now);
}

Table ClientTable(const v1::ListClientsResponse& clients, bool wide, absl::Time now) {
  return MakeTable(ClientFields(wide), clients.clients(), now);
}

Table UnderWayTable(const v1::ListAllocationsResponse& allocations, bool wide) {
  return MakeTable(AllocationFields(wide), allocations.allocations(), absl::InfinitePast());
}

Table ReservationTable(const v1::ListReservationsResponse& reservations, bool wide, bool of_all,
                       absl::Time now) {
  return MakeTable(ReservationFields(wide, of_all), reservations.reservations(), now);
}

Table AllocationTable(const v1::AllocateBuffersResponse& got) {
  // The label last: it is the caller's own word.
  const std::vector<BufferField> fields = {
      {{"NAME"}, NameCell},
      {{"HEAP", kLeft, true}, HeapCell},
      {{"SIZE", kRight}, SizeCell},
      {{"CONTIGUITY"}, ContiguityCell},
      {{"LABEL", kLeft, true}, LabelCell},
  };
  return MakeTable(fields, got.buffers(), absl::InfinitePast());
}

Table HeldTable(const v1::AllocateBuffersResponse& held, bool wide, absl::Time now) {
  std::vector<BufferField> fields = {{{"NAME"}, NameCell}, {{"SIZE", kRight}, SizeCell}};
  if (wide) {
    fields.push_back({{"HEAP"}, HeapCell});
    fields.push_back({{"CONTIGUITY"}, ContiguityCell});
    fields.push_back({{"LABEL"}, LabelCell});
  }
  fields.push_back({{"EXPIRES", kRight}, ExpiresCell});
  Table table = MakeTable(fields, held.buffers(), now);
  table.columns.push_back({"TOKEN"});
  for (auto& row : table.rows) row.push_back(held.claim_token());
  return table;
}

std::string DescribeHeap(const v1::Heap& heap) {
  using H = v1::Heap;
  const std::vector<HeapField> fields = {
      {{"NAME"}, [](const H& h, absl::Time) { return h.name(); }},
      {{"KIND"}, [](const H& h, absl::Time) { return v1::HeapKind_Name(h.kind()); }},
      {{"CONTIGUITY"}, [](const H& h, absl::Time) { return v1::Contiguity_Name(h.contiguity()); }},
      {{"BACKING_HEAP"}, [](const H& h, absl::Time) { return h.backing_heap(); }},
      {{"RETRY_POLICY"}, [](const H& h, absl::Time) { return h.retry_policy(); }},
      {{"ALIASES"}, [](const H& h, absl::Time) { return absl::StrJoin(h.aliases(), " "); }},
      {{"SIZE"},
       [](const H& h, absl::Time) {
         return KnownSize(h.has_size_bytes(), h.size_bytes(), BothSizes);
       }},
      {{"FREE"},
       [](const H& h, absl::Time) {
         return KnownSize(h.has_free_bytes(), h.free_bytes(), BothSizes);
       }},
      {{"LARGEST_FREE"},
       [](const H& h, absl::Time) {
         return KnownSize(h.has_largest_free_bytes(), h.largest_free_bytes(), BothSizes);
       }},
      {{"LIVE_BUFFERS"}, [](const H& h, absl::Time) { return absl::StrCat(h.live_buffers()); }},
      {{"LIVE"}, [](const H& h, absl::Time) { return BothSizes(h.live_bytes()); }},
      {{"QUEUE_DEPTH"}, [](const H& h, absl::Time) { return absl::StrCat(h.queue_depth()); }},
      {{"PAGE_SIZE"}, [](const H& h, absl::Time) { return BothSizes(h.page_size_bytes()); }},
  };
  return Describe(fields, heap, absl::InfinitePast());
}

std::string DescribeBuffer(const v1::Buffer& buffer, absl::Time now) {
  const std::vector<BufferField> fields = {
      {{"NAME"}, [](const B& b, absl::Time) { return b.name(); }},
      {{"HEAP"}, [](const B& b, absl::Time) { return b.heap(); }},
      {{"SIZE"}, [](const B& b, absl::Time) { return BothSizes(b.size_bytes()); }},
      {{"CONTIGUITY"}, ContiguityCell},
      {{"STATE"}, StateCell},
      {{"LABEL"}, LabelCell},
      {{"UID"}, UidCell},
      {{"CLIENT"}, [](const B& b, absl::Time) { return b.client(); }},
      {{"RESERVATION"}, [](const B& b, absl::Time) { return b.reservation(); }},
      {{"REQUEST_ID"}, RequestCell},
      {{"CREATED"},
       [](const B& b, absl::Time) { return KnownTime(b.has_create_time(), b.create_time()); }},
      {{"EXPIRES"},
       [](const B& b, absl::Time) { return KnownTime(b.has_expire_time(), b.expire_time()); }},
      {{"AGE"}, AgeCell},
  };
  return Describe(fields, buffer, now);
}

std::string DescribeAllocation(const v1::Allocation& allocation) {
  const std::vector<AllocationField> fields = {
      {{"NAME"}, [](const A& a, absl::Time) { return a.name(); }},
      {{"REQUEST_ID"}, RequestOfCell},
      {{"UID"}, UidOfCell},
      {{"CLIENT"}, [](const A& a, absl::Time) { return a.client(); }},
      {{"RESERVATION"}, [](const A& a, absl::Time) { return a.reservation(); }},
      {{"HEAP"}, [](const A& a, absl::Time) { return a.heap(); }},
      {{"SIZE"}, [](const A& a, absl::Time) { return BothSizes(a.size_bytes()); }},
      {{"COUNT"}, CountCell},
      {{"PRIORITY"}, PriorityCell},
      {{"POLICY"}, PolicyCell},
      {{"STATE"}, StateOfCell},
      {{"ATTEMPTS"}, AttemptsCell},
      {{"NEXT"}, NextCell},
      {{"OBSTACLE"}, ObstacleCell},
      {{"FREE"},
       [](const A& a, absl::Time) {
         return KnownSize(a.has_free_bytes(), a.free_bytes(), BothSizes);
       }},
      {{"LARGEST_FREE"},
       [](const A& a, absl::Time) {
         return KnownSize(a.has_largest_free_bytes(), a.largest_free_bytes(), BothSizes);
       }},
      {{"OWN"}, [](const A& a, absl::Time) { return BothSizes(a.own_bytes()); }},
      {{"WAITING_OTHERS"},
       [](const A& a, absl::Time) { return BothSizes(a.waiting_others_bytes()); }},
      {{"PINNED_FOR"}, PinnedForCell},
      {{"PINNED_BY"}, PinnedByCell},
      {{"LAST_ERROR"}, LastErrorCell},
      {{"AGE"}, ElapsedCell},
  };
  return Describe(fields, allocation, absl::InfinitePast());
}

std::string DescribeReservation(const v1::Reservation& reservation, absl::Time now) {
  const std::vector<ReservationField> fields = {
      {{"NAME"}, [](const R& r, absl::Time) { return r.name(); }},
      {{"HEAP"}, [](const R& r, absl::Time) { return r.heap(); }},
      {{"SIZE"}, [](const R& r, absl::Time) { return BothSizes(r.size_bytes()); }},
      {{"COUNT"}, BookedCell},
      {{"READY"}, ReadyCell},
      {{"DRAWN"}, DrawnCell},
      {{"REFILLING"}, RefillingCell},
      {{"REFILL_BELOW"}, RefillBelowCell},
      {{"LAST_ERROR"}, RefillErrorCell},
      {{"LABEL"}, BookedLabelCell},
      {{"PRIORITY"}, BookedPriorityCell},
      {{"POLICY"}, BookedPolicyCell},
      {{"UID"}, [](const R& r, absl::Time) { return absl::StrCat(r.owner_uid()); }},
      {{"CLIENT"}, [](const R& r, absl::Time) { return r.client(); }},
      {{"LEASE"}, LeaseCell},
      {{"HITS"}, HitsCell},
      {{"MISSES"}, MissesCell},
      {{"GIVEN_BACK"}, GivenBackCell},
      {{"REFILLS"}, RefillsCell},
      {{"CREATED"},
       [](const R& r, absl::Time) { return KnownTime(r.has_create_time(), r.create_time()); }},
      {{"EXPIRES"},
       [](const R& r, absl::Time) { return KnownTime(r.has_expire_time(), r.expire_time()); }},
      {{"AGE"}, BookedAgeCell},
  };
  return Describe(fields, reservation, now);
}

}  // namespace dmaheap::ctl
