#include "client/ctl/views.h"

#include <string>

#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

constexpr int64_t kNowSeconds = 1700000000;
const absl::Time kNow = absl::FromUnixSeconds(kNowSeconds);

v1::ListHeapsResponse Heaps() {
  v1::ListHeapsResponse heaps;
  v1::Heap& cma = *heaps.add_heaps();
  cma.set_name("heaps/reserved");
  cma.set_kind(v1::CMA);
  cma.set_contiguity(v1::PHYSICAL);
  cma.add_aliases("linux,cma");
  cma.add_aliases("default_cma_region");
  cma.set_size_bytes(256 << 20);
  cma.set_free_bytes(181665792);
  cma.set_largest_free_bytes(128 << 20);
  cma.set_live_buffers(6);
  cma.set_live_bytes(74649600);
  cma.set_queue_depth(2);
  cma.set_page_size_bytes(4096);
  cma.set_retry_policy("default");
  v1::Heap& system = *heaps.add_heaps();
  system.set_name("heaps/system");
  system.set_kind(v1::SYSTEM);
  system.set_contiguity(v1::SCATTERED);
  system.set_page_size_bytes(4096);
  system.set_retry_policy("failfast");
  return heaps;
}

v1::ListBuffersResponse Buffers() {
  v1::ListBuffersResponse buffers;
  v1::Buffer& delivered = *buffers.add_buffers();
  delivered.set_name("buffers/4711");
  delivered.set_heap("heaps/reserved");
  delivered.set_size_bytes(12443648);
  delivered.set_contiguity(v1::PHYSICAL);
  delivered.set_label("preview");
  delivered.set_state(v1::Buffer::DELIVERED);
  delivered.set_owner_uid(1000);
  delivered.set_client("clients/7");
  delivered.set_request_id("r1");
  delivered.set_reservation("reservations/3");
  delivered.mutable_create_time()->set_seconds(kNowSeconds - 300);
  v1::Buffer& held = *buffers.add_buffers();
  held.set_name("buffers/memfd-123456789012");
  held.set_heap("heaps/simulated-with-a-very-long-name");
  held.set_size_bytes(4096);
  held.set_contiguity(v1::SIMULATED);
  held.set_label("a-label-of-thirty-one-charactes");
  held.set_state(v1::Buffer::HELD);
  held.set_owner_uid(4294967294);
  held.mutable_create_time()->set_seconds(kNowSeconds - 10);
  held.mutable_expire_time()->set_seconds(kNowSeconds + 50);
  return buffers;
}

v1::ListClientsResponse Clients() {
  v1::ListClientsResponse clients;
  v1::Client& client = *clients.add_clients();
  client.set_name("clients/7");
  client.set_uid(1000);
  client.set_gid(1001);
  client.set_debug_pid(4711);
  client.set_label("camera-hal");
  client.set_library_version("0.1.0");
  client.set_wire_version(1);
  client.mutable_connect_time()->set_seconds(kNowSeconds - 9000);
  client.set_live_buffers(6);
  client.set_live_bytes(74649600);
  client.set_unacknowledged_fds(3);
  client.mutable_idle_duration()->set_seconds(3);
  return clients;
}

TEST(ViewsTest, ShortNameDropsTheCollectionOnly) {
  EXPECT_EQ(ShortName("heaps/linux,cma"), "linux,cma");
  EXPECT_EQ(ShortName("memfd-7"), "memfd-7");
  EXPECT_EQ(ShortName(""), "");
}

TEST(ViewsTest, HeapsAreATable) {
  EXPECT_EQ(PrintTable(HeapTable(Heaps(), /*wide=*/false), 80),
            "NAME      KIND    CONTIGUITY    SIZE      FREE  LARGEST  BUFFERS     LIVE\n"
            "reserved  CMA     PHYSICAL    256MiB  173.2MiB   128MiB        6  71.1MiB\n"
            "system    SYSTEM  SCATTERED        -         -        -        0       0B\n");
}

TEST(ViewsTest, WideHeapsHaveQueuePageAliasesAndPolicy) {
  EXPECT_EQ(PrintTable(HeapTable(Heaps(), /*wide=*/true), 0),
            "NAME      KIND    CONTIGUITY    SIZE      FREE  LARGEST  BUFFERS     LIVE  QUEUE  "
            "PAGE  ALIASES                       RETRY_POLICY  BACKING_HEAP\n"
            "reserved  CMA     PHYSICAL    256MiB  173.2MiB   128MiB        6  71.1MiB      2  "
            "4KiB  linux,cma default_cma_region  default       -\n"
            "system    SYSTEM  SCATTERED        -         -        -        0       0B      0  "
            "4KiB  -                             failfast      -\n");
}

TEST(ViewsTest, BuffersFit80ColumnsAndKeepTheirNames) {
  EXPECT_EQ(PrintTable(BufferTable(Buffers(), /*wide=*/false, /*of_all=*/false, kNow), 80),
            "NAME                HEAP                 SIZE  STATE      LABEL              AGE\n"
            "4711                reserved          11.8MiB  DELIVERED  preview             5m\n"
            "memfd-123456789012  simulated-with-~     4KiB  HELD       a-label-of-thirt~  10s\n");
}

TEST(ViewsTest, BuffersOfAllUsersNameThem) {
  EXPECT_EQ(PrintTable(BufferTable(Buffers(), /*wide=*/false, /*of_all=*/true, kNow), 80),
            "NAME                HEAP           SIZE  STATE             UID  LABEL        AGE\n"
            "4711                reserved    11.8MiB  DELIVERED        1000  preview       5m\n"
            "memfd-123456789012  simulated~     4KiB  HELD       4294967294  a-label-of~  10s\n");
}

TEST(ViewsTest, WideBuffersSayEverything) {
  EXPECT_EQ(
      PrintTable(BufferTable(Buffers(), /*wide=*/true, /*of_all=*/false, kNow), 0),
      "NAME                HEAP                                SIZE  STATE      CONTIGUITY        "
      " UID  CLIENT  LABEL                            RESERVATION  REQUEST_ID  EXPIRES  AGE\n"
      "4711                reserved                         11.8MiB  DELIVERED  PHYSICAL          "
      "1000       7  preview                          3            r1                -   5m\n"
      "memfd-123456789012  simulated-with-a-very-long-name     4KiB  HELD       SIMULATED   "
      "4294967294       -  a-label-of-thirty-one-charactes  -            -               50s  "
      "10s\n");
}

TEST(ViewsTest, ClientsAreATable) {
  EXPECT_EQ(PrintTable(ClientTable(Clients(), /*wide=*/false, kNow), 80),
            "NAME   UID   PID  LABEL       BUFFERS     LIVE  IDLE   AGE\n"
            "7     1000  4711  camera-hal        6  71.1MiB    3s  150m\n");
}

TEST(ViewsTest, WideClientsSayEverything) {
  EXPECT_EQ(PrintTable(ClientTable(Clients(), /*wide=*/true, kNow), 0),
            "NAME   UID   PID  LABEL       BUFFERS     LIVE   GID  LIBRARY  WIRE  UNACKED  IDLE   "
            "AGE\n"
            "7     1000  4711  camera-hal        6  71.1MiB  1001  0.1.0       1        3    3s  "
            "150m\n");
}

v1::ListAllocationsResponse Allocations() {
  v1::ListAllocationsResponse allocations;
  v1::Allocation& waits = *allocations.add_allocations();
  waits.set_name("allocations/12");
  waits.set_request_id("r7");
  waits.set_reservation("reservations/3");
  waits.set_owner_uid(1000);
  waits.set_client("clients/3");
  waits.set_heap("heaps/linux,cma");
  waits.set_size_bytes(8 << 20);
  waits.set_count(6);
  waits.set_allocated(2);
  waits.set_priority(v1::HIGH);
  waits.set_retry_policy("nofail");
  waits.set_state(v1::Allocation::BACKING_OFF);
  waits.set_attempts(41);
  waits.mutable_elapsed_duration()->set_seconds(300);
  waits.mutable_next_delay()->set_nanos(250'000'000);
  waits.set_last_error("ENOMEM");
  waits.set_obstacle(v1::Allocation::OWN_BUFFERS);
  waits.set_free_bytes(6 << 20);
  waits.set_largest_free_bytes(4 << 20);
  waits.set_own_bytes(24 << 20);
  v1::Allocation& in_line = *allocations.add_allocations();
  in_line.set_name("allocations/13");
  in_line.set_owner_uid(1001);
  in_line.set_heap("heaps/linux,cma");
  in_line.set_size_bytes(4096);
  in_line.set_count(1);
  in_line.set_priority(v1::NORMAL);
  in_line.set_retry_policy("default");
  in_line.set_state(v1::Allocation::IN_LINE);
  in_line.mutable_elapsed_duration()->set_seconds(2);
  return allocations;
}

TEST(ViewsTest, AllocationsAreATable) {
  EXPECT_EQ(PrintTable(UnderWayTable(Allocations(), /*wide=*/false), 80),
            "NAME  HEAP       SIZE   UID  STATE        ATTEMPTS  OBSTACLE     AGE\n"
            "12    linux,cma  8MiB  1000  BACKING_OFF        41  OWN_BUFFERS   5m\n"
            "13    linux,cma  4KiB  1001  IN_LINE             0  -             2s\n");
}

TEST(ViewsTest, AllocationsThatComeOneByOneStandBelowEachOther) {
  v1::ListAllocationsResponse one = Allocations();
  one.mutable_allocations()->RemoveLast();
  v1::ListAllocationsResponse other = Allocations();
  other.mutable_allocations()->DeleteSubrange(0, 1);
  GrowingTable table(80);

  EXPECT_EQ(table.Add(UnderWayTable(other, /*wide=*/false)),
            "NAME   HEAP          SIZE    UID  STATE        ATTEMPTS  OBSTACLE      AGE\n"
            "13     linux,cma     4KiB   1001  IN_LINE             0  -              2s\n");
  EXPECT_EQ(table.Add(UnderWayTable(one, /*wide=*/false)),
            "12     linux,cma     8MiB   1000  BACKING_OFF        41  OWN_BUFFERS    5m\n");
}

TEST(ViewsTest, WideAllocationsSayEverything) {
  EXPECT_EQ(
      PrintTable(UnderWayTable(Allocations(), /*wide=*/true), 0),
      "NAME  HEAP       SIZE  COUNT   UID  CLIENT  PRIORITY  POLICY   STATE        ATTEMPTS   "
      "NEXT  OBSTACLE     FREE  LARGEST    OWN  OTHERS  RESERVATION  REQUEST_ID  LAST_ERROR  AGE\n"
      "12    linux,cma  8MiB    2/6  1000       3  HIGH      nofail   BACKING_OFF        41  "
      "300ms  OWN_BUFFERS  6MiB     4MiB  24MiB      0B  3            r7          ENOMEM       5m\n"
      "13    linux,cma  4KiB    0/1  1001       -  NORMAL    default  IN_LINE             0   "
      "   -  -               -        -     0B      0B  -            -           -            "
      "2s\n");
}

TEST(ViewsTest, AnAllocationIsDescribedFieldByField) {
  EXPECT_EQ(DescribeAllocation(Allocations().allocations(0)),
            "NAME            allocations/12\n"
            "REQUEST_ID      r7\n"
            "UID             1000\n"
            "CLIENT          clients/3\n"
            "RESERVATION     reservations/3\n"
            "HEAP            heaps/linux,cma\n"
            "SIZE            8MiB (8388608)\n"
            "COUNT           2/6\n"
            "PRIORITY        HIGH\n"
            "POLICY          nofail\n"
            "STATE           BACKING_OFF\n"
            "ATTEMPTS        41\n"
            "NEXT            300ms\n"
            "OBSTACLE        OWN_BUFFERS\n"
            "FREE            6MiB (6291456)\n"
            "LARGEST_FREE    4MiB (4194304)\n"
            "OWN             24MiB (25165824)\n"
            "WAITING_OTHERS  0B (0)\n"
            "PINNED_FOR      -\n"
            "PINNED_BY       -\n"
            "LAST_ERROR      ENOMEM\n"
            "AGE             5m\n");
}

TEST(ViewsTest, AnAllocationSaysWhichProcessesHaveThePageInItsWay) {
  v1::Allocation waits = Allocations().allocations(0);
  waits.mutable_pinned_page()->mutable_stuck_duration()->set_seconds(2);
  for (const char* name : {"camera", "\x1b[2J"}) {
    v1::Allocation::Process& process = *waits.mutable_pinned_page()->add_mappers();
    process.set_pid(42);
    process.set_uid(1047);
    process.set_process_name(name);
  }

  const std::string text = DescribeAllocation(waits);

  EXPECT_NE(text.find("PINNED_FOR      2s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("PINNED_BY       camera (pid 42, uid 1047), ?[2J (pid 42, uid 1047)\n"),
            std::string::npos)
      << text;
}

v1::AllocateBuffersResponse Got() {
  v1::AllocateBuffersResponse got;
  *got.mutable_buffers() = Buffers().buffers();
  got.set_claim_token("0123456789abcdef0123456789abcdef");
  return got;
}

TEST(ViewsTest, AnAllocationSaysWhatItGot) {
  EXPECT_EQ(PrintTable(AllocationTable(Got()), 80),
            "NAME                HEAP                   SIZE  CONTIGUITY  LABEL\n"
            "4711                reserved            11.8MiB  PHYSICAL    preview\n"
            "memfd-123456789012  simulated-with-a-~     4KiB  SIMULATED   a-label-of-thirty-~\n");
}

TEST(ViewsTest, HeldBuffersStandBesideTheirToken) {
  EXPECT_EQ(PrintTable(HeldTable(Got(), /*wide=*/false, kNow), 80),
            "NAME                   SIZE  EXPIRES  TOKEN\n"
            "4711                11.8MiB        -  0123456789abcdef0123456789abcdef\n"
            "memfd-123456789012     4KiB      50s  0123456789abcdef0123456789abcdef\n");
}

TEST(ViewsTest, AHeapIsDescribedFieldByField) {
  EXPECT_EQ(DescribeHeap(Heaps().heaps(0)),
            "NAME          heaps/reserved\n"
            "KIND          CMA\n"
            "CONTIGUITY    PHYSICAL\n"
            "BACKING_HEAP  -\n"
            "RETRY_POLICY  default\n"
            "ALIASES       linux,cma default_cma_region\n"
            "SIZE          256MiB (268435456)\n"
            "FREE          173.2MiB (181665792)\n"
            "LARGEST_FREE  128MiB (134217728)\n"
            "LIVE_BUFFERS  6\n"
            "LIVE          71.1MiB (74649600)\n"
            "QUEUE_DEPTH   2\n"
            "PAGE_SIZE     4KiB (4096)\n");
}

TEST(ViewsTest, AVirtualHeapSaysWhatStandsBehindIt) {
  v1::Heap heap;
  heap.set_name("heaps/linux,cma-nofail");
  heap.set_kind(v1::VIRTUAL);
  heap.set_backing_heap("heaps/reserved");
  heap.set_retry_policy("nofail");
  EXPECT_EQ(DescribeHeap(heap).substr(0, 162),
            "NAME          heaps/linux,cma-nofail\n"
            "KIND          VIRTUAL\n"
            "CONTIGUITY    CONTIGUITY_UNSPECIFIED\n"
            "BACKING_HEAP  heaps/reserved\n"
            "RETRY_POLICY  nofail\n"
            "ALIASES       -\n");
}

TEST(ViewsTest, ABufferIsDescribedFieldByField) {
  EXPECT_EQ(DescribeBuffer(Buffers().buffers(1), kNow),
            "NAME         buffers/memfd-123456789012\n"
            "HEAP         heaps/simulated-with-a-very-long-name\n"
            "SIZE         4KiB (4096)\n"
            "CONTIGUITY   SIMULATED\n"
            "STATE        HELD\n"
            "LABEL        a-label-of-thirty-one-charactes\n"
            "UID          4294967294\n"
            "CLIENT       -\n"
            "RESERVATION  -\n"
            "REQUEST_ID   -\n"
            "CREATED      2023-11-14T22:13:10+00:00\n"
            "EXPIRES      2023-11-14T22:14:10+00:00\n"
            "AGE          10s\n");
}

TEST(ViewsTest, ABufferThatIsReadySaysSoAndInWhichReservation) {
  v1::ListBuffersResponse buffers;
  v1::Buffer& ready = *buffers.add_buffers();
  ready.set_name("buffers/4711");
  ready.set_heap("heaps/reserved");
  ready.set_size_bytes(4096);
  ready.set_state(v1::Buffer::RESERVED);
  ready.set_reservation("reservations/1700000000123456");
  ready.mutable_create_time()->set_seconds(kNowSeconds - 10);

  EXPECT_EQ(PrintTable(BufferTable(buffers, /*wide=*/false, /*of_all=*/false, kNow), 80),
            "NAME  HEAP      SIZE  STATE     LABEL  AGE\n"
            "4711  reserved  4KiB  RESERVED  -      10s\n");
  const std::string text = DescribeBuffer(ready, kNow);
  EXPECT_NE(text.find("STATE        RESERVED\n"), std::string::npos) << text;
  EXPECT_NE(text.find("RESERVATION  reservations/1700000000123456\n"), std::string::npos) << text;
}

v1::ListReservationsResponse Reservations() {
  v1::ListReservationsResponse reservations;
  v1::Reservation& kept = *reservations.add_reservations();
  kept.set_name("reservations/1700000000123456");
  kept.set_heap("heaps/linux,cma");
  kept.set_size_bytes(12443648);
  kept.set_count(6);
  kept.set_label("preview");
  kept.set_priority(v1::NORMAL);
  kept.set_retry_policy("default");
  kept.set_refill_below(4);
  kept.set_owner_uid(1000);
  kept.set_client("clients/7");
  kept.mutable_create_time()->set_seconds(kNowSeconds - 300);
  kept.mutable_lease()->set_seconds(60);
  kept.set_ready_count(3);
  kept.set_drawn_count(2);
  kept.set_refilling_count(1);
  kept.set_last_error("ENOMEM");
  kept.set_hits(41);
  kept.set_misses(2);
  kept.set_given_back(1);
  kept.set_refills(40);
  v1::Reservation& leased = *reservations.add_reservations();
  leased.set_name("reservations/1700000000999999");
  leased.set_heap("heaps/simulated-with-a-very-long-name");
  leased.set_size_bytes(4096);
  leased.set_count(32);
  leased.set_label("a-label-of-thirty-one-charactes");
  leased.set_priority(v1::LOW);
  leased.set_retry_policy("nofail");
  leased.set_refill_below(32);
  leased.set_owner_uid(1000);
  leased.mutable_create_time()->set_seconds(kNowSeconds - 10);
  leased.mutable_expire_time()->set_seconds(kNowSeconds + 50);
  leased.mutable_lease()->set_seconds(60);
  leased.set_ready_count(32);
  return reservations;
}

TEST(ViewsTest, ReservationsFit80ColumnsAndKeepTheirNames) {
  EXPECT_EQ(
      PrintTable(ReservationTable(Reservations(), /*wide=*/false, /*of_all=*/false, kNow), 80),
      "NAME              HEAP         SIZE  READY  DRAWN  COUNT  LABEL     EXPIRES  AGE\n"
      "1700000000123456  linux,c~  11.8MiB      3      2      6  preview         -   5m\n"
      "1700000000999999  simulat~     4KiB     32      0     32  a-label~      50s  10s\n");
}

TEST(ViewsTest, WideReservationsSayEverything) {
  EXPECT_EQ(PrintTable(ReservationTable(Reservations(), /*wide=*/true, /*of_all=*/false, kNow), 0),
            "NAME              HEAP                                SIZE  READY  DRAWN  COUNT   UID "
            " REFILLING"
            "  REFILL_BELOW  PRIORITY  POLICY   CLIENT  HITS  MISSES  GIVEN_BACK  REFILLS  "
            "LABEL                            LAST_ERROR  LEASE  EXPIRES  AGE\n"
            "1700000000123456  linux,cma                        11.8MiB      3      2      6  1000 "
            "         1"
            "             4  NORMAL    default       7    41       2           1       40  "
            "preview                          ENOMEM         1m        -   5m\n"
            "1700000000999999  simulated-with-a-very-long-name     4KiB     32      0     32  1000 "
            "         0"
            "            32  LOW       nofail        -     0       0           0        0  "
            "a-label-of-thirty-one-charactes  -              1m      50s  10s\n");
}

TEST(ViewsTest, AReservationIsDescribedFieldByField) {
  EXPECT_EQ(DescribeReservation(Reservations().reservations(0), kNow),
            "NAME          reservations/1700000000123456\n"
            "HEAP          heaps/linux,cma\n"
            "SIZE          11.8MiB (12443648)\n"
            "COUNT         6\n"
            "READY         3\n"
            "DRAWN         2\n"
            "REFILLING     1\n"
            "REFILL_BELOW  4\n"
            "LAST_ERROR    ENOMEM\n"
            "LABEL         preview\n"
            "PRIORITY      NORMAL\n"
            "POLICY        default\n"
            "UID           1000\n"
            "CLIENT        clients/7\n"
            "LEASE         1m\n"
            "HITS          41\n"
            "MISSES        2\n"
            "GIVEN_BACK    1\n"
            "REFILLS       40\n"
            "CREATED       2023-11-14T22:08:20+00:00\n"
            "EXPIRES       -\n"
            "AGE           5m\n");
}

}  // namespace
}  // namespace dmaheap::ctl
