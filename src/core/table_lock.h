/// Whether somebody has a lock on a vectorizer's whole table.
///
/// Each claim or page of a locked table takes the lock timeout, and all vectorizers share the connection. So
/// of the locked tables one is asked for at a time.
///
/// Invariant: locked if and only if the last answered claim or page ran into the lock.
#pragma once

#include "base/error.h"

namespace embedd {

class TableLock {
 public:
  void succeeded() { locked_ = false; }
  void failed(const Error& error) { locked_ = error.kind == ErrorKind::conflict; }
  [[nodiscard]] bool locked() const { return locked_; }

 private:
  bool locked_ = false;
};

}  // namespace embedd
