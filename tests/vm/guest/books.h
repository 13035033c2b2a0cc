// What the daemon says there is, beside what the guest's kernel says.

#ifndef TESTS_VM_GUEST_BOOKS_H_
#define TESTS_VM_GUEST_BOOKS_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {

// What Admin.ListBuffers answers, which first brings the books to the kernel's view.
struct Books {
  // Resource name -> what is said of the buffer.
  std::map<std::string, nlohmann::json> buffers;
  // AccountingSource.
  std::string accounting;
};

// Asks the daemon that serves at the moment, as root.
class BooksReader {
 public:
  BooksReader();
  Books Read();

 private:
  GuestProcess process_;
};

// The inode number in the resource name of a dma-buf; 0 for any other buffer's.
uint64_t InodeIn(const std::string& name);

// Whether, within half a minute, the books, sysfs and bufinfo each have exactly these buffers, of
// the same sizes, and the books and the CMA area the same number of bytes in use. Says what each
// has if not.
testing::AssertionResult AllAgreeOn(BooksReader& reader, const std::vector<std::string>& names);

// Whether the books alone come to have exactly these.
testing::AssertionResult BooksComeTo(BooksReader& reader, const std::vector<std::string>& names);

}  // namespace dmaheap

#endif  // TESTS_VM_GUEST_BOOKS_H_
