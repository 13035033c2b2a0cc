// A table of text columns.

#ifndef CLIENT_CTL_TABLE_H_
#define CLIENT_CTL_TABLE_H_

#include <string>
#include <vector>

namespace dmaheap::ctl {

// Columns of a terminal that nobody made wider.
inline constexpr size_t kTerminalColumns = 80;

struct Column {
  std::string header;
  enum class Align { kLeft, kRight } align = Align::kLeft;
  // May be cut where the table is too wide; ends in "~" then.
  bool shrinks = false;
  // Of most cells; only where rows come one by one.
  size_t usual_width = 0;
};

struct Table {
  std::vector<Column> columns;
  // Each of as many cells as there are columns.
  std::vector<std::vector<std::string>> rows;
};

// A pure function: the header and a line for each row; two spaces between columns, none at the end
// of a line. Empty cells become "-". Wider than max_width (0: no limit), the widest of the columns
// that may shrink is cut until the table fits or nothing is left to cut.
std::string PrintTable(const Table& table, size_t max_width);

// A table whose rows come one by one. A column is as wide as the widest of its cells so far, and as
// the usual one, so that few rows stand out.
class GrowingTable {
 public:
  explicit GrowingTable(size_t max_width) : max_width_(max_width) {}

  // The lines of rows, which has the same columns each time; the first time below the header.
  std::string Add(const Table& rows);

 private:
  const size_t max_width_;
  std::vector<size_t> widths_;
};

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_TABLE_H_
