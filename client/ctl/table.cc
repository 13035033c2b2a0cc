#include "client/ctl/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/ctl/units_text.h"

namespace dmaheap::ctl {
namespace {

constexpr size_t kGap = 2;

std::string CellText(const std::string& cell) { return cell.empty() ? "-" : Printable(cell); }

std::vector<size_t> NaturalWidths(const Table& table) {
  std::vector<size_t> widths;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    size_t width = table.columns[i].header.size();
    for (const auto& row : table.rows) width = std::max(width, CellText(row[i]).size());
    widths.push_back(width);
  }
  return widths;
}

void Shrink(const std::vector<Column>& columns, size_t max_width, std::vector<size_t>& widths) {
  size_t total = kGap * (widths.size() - 1);
  for (const size_t width : widths) total += width;
  while (total > max_width) {
    size_t widest = columns.size();
    for (size_t i = 0; i < columns.size(); ++i) {
      // The header stays readable.
      if (!columns[i].shrinks || widths[i] <= columns[i].header.size()) continue;
      if (widest == columns.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == columns.size()) return;
    --widths[widest];
    --total;
  }
}

std::string Line(const Table& table, const std::vector<size_t>& widths,
                 const std::vector<std::string>& cells) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    std::string text = CellText(cells[i]);
    if (text.size() > widths[i]) text = absl::StrCat(text.substr(0, widths[i] - 1), "~");
    const std::string pad(widths[i] - text.size(), ' ');
    if (i > 0) line.append(kGap, ' ');
    if (table.columns[i].align == Column::Align::kRight) {
      absl::StrAppend(&line, pad, text);
    } else {
      absl::StrAppend(&line, text, pad);
    }
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return absl::StrCat(line, "\n");
}

std::string HeaderLine(const Table& table, const std::vector<size_t>& widths) {
  std::vector<std::string> headers;
  for (const Column& column : table.columns) headers.push_back(column.header);
  return Line(table, widths, headers);
}

std::string RowLines(const Table& table, const std::vector<size_t>& widths) {
  std::string text;
  for (const auto& row : table.rows) absl::StrAppend(&text, Line(table, widths, row));
  return text;
}

}  // namespace

std::string PrintTable(const Table& table, size_t max_width) {
  if (table.columns.empty()) return "";
  std::vector<size_t> widths = NaturalWidths(table);
  if (max_width > 0) Shrink(table.columns, max_width, widths);
  return absl::StrCat(HeaderLine(table, widths), RowLines(table, widths));
}

std::string GrowingTable::Add(const Table& rows) {
  const bool first = widths_.empty();
  std::vector<size_t> widths = NaturalWidths(rows);
  widths_.resize(widths.size());
  for (size_t i = 0; i < widths.size(); ++i) {
    widths_[i] = std::max({widths_[i], widths[i], rows.columns[i].usual_width});
  }
  widths = widths_;
  if (max_width_ > 0) Shrink(rows.columns, max_width_, widths);
  return absl::StrCat(first ? HeaderLine(rows, widths) : "", RowLines(rows, widths));
}

}  // namespace dmaheap::ctl
