// A report for programs.

#ifndef TESTS_BENCH_REPORT_JSON_H_
#define TESTS_BENCH_REPORT_JSON_H_

#include <string>

#include "tests/bench/report.h"

namespace dmaheap::bench {

// One object, with a newline at its end:
//   {"benchmark": NAME, "machine": {...},
//    "rows": [{"name": NAME, "value": NUMBER, "unit": UNIT, "bound": NUMBER or null, "ok": BOOL}]}
// value is null for what was not measured. ok says on which side of bound the value has to be.
// Numbers are rounded to three decimals. Notes are for people and left out.
std::string ToJson(const Report& report);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_REPORT_JSON_H_
