/// One thing that `check` has looked at.
#pragma once

#include <string>

namespace embedd::app {

struct Finding {
  enum class Verdict { good, note, bad };
  Verdict verdict = Verdict::good;
  std::string subject;
  std::string text;  ///< what is, or what to do
};

}  // namespace embedd::app
