/// The result of one check.
#pragma once

#include <string>

namespace embedd::app {

struct Finding {
  enum class Verdict { good, note, bad };
  Verdict verdict = Verdict::good;
  std::string subject;
  std::string text;  ///< the fact, or what to do
};

}  // namespace embedd::app
