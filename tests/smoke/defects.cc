// Does the one wrong thing that its argument names, so that a test can see whether it is reported.
//
// The compiler must neither warn of the defects nor optimise them away: values pass through
// volatile.

#include <climits>
#include <cstdio>
#include <cstring>
#include <thread>

namespace {

// NOLINTBEGIN: clang-tidy sees them too.

int UseAfterFree() {
  char* volatile text = new char[16]();
  char* volatile alias = text;
  delete[] text;
  return alias[3];
}

int SignedOverflow() {
  volatile int number = INT_MAX;
  number = number + 1;
  return number == INT_MIN ? 0 : 1;
}

int Leak() {
  int* volatile memory = new int[1024]();
  memory = nullptr;
  return memory == nullptr ? 0 : 1;
}

// Neither thread waits for the other: whatever the order, no rule puts one write before the other.
int DataRace() {
  static int shared = 0;
  std::thread first([] { ++shared; });
  std::thread second([] { ++shared; });
  first.join();
  second.join();
  return 0;
}

// NOLINTEND

int Nothing() {
  int* volatile memory = new int(1);
  std::thread other([&] { *memory = 2; });
  other.join();
  const int result = *memory - 2;
  delete memory;
  return result;
}

struct Defect {
  const char* name;
  int (*commit)();
};

constexpr Defect kDefects[] = {
    {"use_after_free", UseAfterFree},
    {"signed_overflow", SignedOverflow},
    {"leak", Leak},
    {"data_race", DataRace},
    {"nothing", Nothing},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Defect& defect : kDefects) {
    if (argc == 2 && strcmp(argv[1], defect.name) == 0) return defect.commit();
  }
  fprintf(stderr, "usage: defects use_after_free|signed_overflow|leak|data_race|nothing\n");
  return 2;
}
