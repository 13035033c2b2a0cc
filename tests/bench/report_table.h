// A report for people.

#ifndef TESTS_BENCH_REPORT_TABLE_H_
#define TESTS_BENCH_REPORT_TABLE_H_

#include <string>

#include "tests/bench/report.h"

namespace dmaheap::bench {

// The machine, the rows with their targets and whether they were met, the notes.
std::string ToTable(const Report& report);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_REPORT_TABLE_H_
