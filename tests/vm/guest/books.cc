#include "tests/vm/guest/books.h"

#include <chrono>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "tests/vm/guest/cma_counters.h"
#include "tests/vm/guest/dma_buf_lists.h"

namespace dmaheap {
namespace {

using Clock = std::chrono::steady_clock;
using Names = std::set<std::string>;

// The daemon asks the kernel at most once a second, and the prober needs two looks where it scans.
constexpr std::chrono::seconds kPatience{30};
constexpr int64_t kPageBytes = 4096;
constexpr char kAdminSocket[] = "/run/dmaheapd/admin.sock";

// Between two looks: what is looked for is made on it.
void LeaveTheProcessor() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

Names NamesIn(const Books& books) {
  Names names;
  for (const auto& [name, buffer] : books.buffers) names.insert(name);
  return names;
}

int64_t BytesOf(const nlohmann::json& buffer) {
  int64_t bytes = 0;
  EXPECT_TRUE(absl::SimpleAtoi(buffer["size_bytes"].get<std::string>(), &bytes)) << buffer;
  return bytes;
}

DmaBufSizes SizesIn(const Books& books) {
  DmaBufSizes sizes;
  for (const auto& [name, buffer] : books.buffers) sizes[InodeIn(name)] = BytesOf(buffer);
  return sizes;
}

int64_t BytesOfTheArea(const Books& books) {
  int64_t bytes = 0;
  for (const auto& [name, buffer] : books.buffers) {
    if (buffer["heap"] == absl::StrCat("heaps/", kDefaultArea)) bytes += BytesOf(buffer);
  }
  return bytes;
}

std::string ToText(const DmaBufSizes& sizes) {
  return absl::StrJoin(sizes, " ", absl::PairFormatter(":"));
}

}  // namespace

BooksReader::BooksReader() : process_({"books_reader", kAdminSocket}, /*uid=*/0) {}

Books BooksReader::Read() {
  process_.WriteLine("");
  const std::string line = process_.ReadLine();
  const nlohmann::json listed = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(listed.is_object()) << line;
  Books books;
  if (!listed.is_object()) return books;
  for (const nlohmann::json& buffer : listed["buffers"]) books.buffers[buffer["name"]] = buffer;
  books.accounting = listed["accounting"];
  return books;
}

uint64_t InodeIn(const std::string& name) {
  absl::string_view number = name;
  uint64_t inode = 0;
  return absl::ConsumePrefix(&number, "buffers/") && absl::SimpleAtoi(number, &inode) ? inode : 0;
}

testing::AssertionResult AllAgreeOn(BooksReader& reader, const std::vector<std::string>& names) {
  const Names expected(names.begin(), names.end());
  const Clock::time_point limit = Clock::now() + kPatience;
  Books books;
  DmaBufSizes sysfs, bufinfo;
  int64_t used = 0;
  do {
    books = reader.Read();
    sysfs = DmaBufsOfSysfs();
    bufinfo = DmaBufsOfBufinfo();
    used = ReadCmaCounters().used_pages * kPageBytes;
    if (NamesIn(books) == expected && SizesIn(books) == sysfs && sysfs == bufinfo &&
        BytesOfTheArea(books) == used) {
      return testing::AssertionSuccess();
    }
    LeaveTheProcessor();
  } while (Clock::now() < limit);
  return testing::AssertionFailure()
         << "expected: " << absl::StrJoin(expected, " ") << "\nbooks:    " << ToText(SizesIn(books))
         << " (" << books.accounting << ")\nsysfs:    " << ToText(sysfs)
         << "\nbufinfo:  " << ToText(bufinfo) << "\nof the area in use: " << used
         << " bytes, by the books " << BytesOfTheArea(books);
}

testing::AssertionResult BooksComeTo(BooksReader& reader, const std::vector<std::string>& names) {
  const Names expected(names.begin(), names.end());
  const Clock::time_point limit = Clock::now() + kPatience;
  Books books;
  do {
    books = reader.Read();
    if (NamesIn(books) == expected) return testing::AssertionSuccess();
    LeaveTheProcessor();
  } while (Clock::now() < limit);
  return testing::AssertionFailure() << "expected: " << absl::StrJoin(expected, " ")
                                     << "\nbooks:    " << absl::StrJoin(NamesIn(books), " ");
}

}  // namespace dmaheap
