// A table of text columns. A pure function.

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
};

struct Table {
  std::vector<Column> columns;
  // Each of as many cells as there are columns.
  std::vector<std::vector<std::string>> rows;
};

// The header and a line for each row; two spaces between columns, none at the end of a line. Empty
// cells become "-". Wider than max_width (0: no limit), the widest of the columns that may shrink
// is cut until the table fits or nothing is left to cut.
std::string PrintTable(const Table& table, size_t max_width);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_TABLE_H_
