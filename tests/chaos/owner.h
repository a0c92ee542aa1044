/// The tables' owner in the chaos run, who changes his mind while users write and things break: another
/// model, template and rule, a switch to it, and for the store a switch back. Meanwhile one vectorizer has a
/// budget, which is spent, and then raised.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/units.h"

namespace embedd::chaos {

/// Runs embedd's commands on a thread of its own, each until the database says that it is done: a command may
/// lose its connection, and it may not know then whether it was obeyed.
class Owner {
 public:
  /// `command` runs embedd with these words and returns its exit status; it is called on the owner's thread.
  using Command = std::function<int(const std::vector<std::string>&)>;

  /// Changes at a quarter of `run`, switches at half of it, and switches back at three quarters. The budget
  /// stands from a tenth of it to four.
  Owner(std::string url, Command command, Duration run);
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  /// When nothing breaks any more: does what is left. False if it cannot be done within a minute.
  bool finish();

  /// After finish(): how often commands were run, and how many of them failed.
  [[nodiscard]] int commands() const { return commands_; }
  [[nodiscard]] int refused() const { return refused_; }

 private:
  struct Step {
    double at;  ///< share of the run
    std::vector<std::string> words;
    std::string done;  ///< SQL that yields true then
  };

  void live(const std::stop_token& stop, Duration run);
  bool is_done(const Step& step) const;
  /// Once more, and then whether it is done.
  bool attempt(const Step& step, bool at_any_price);

  std::string url_;
  Command command_;
  std::vector<Step> steps_;
  std::size_t next_ = 0;
  int commands_ = 0, refused_ = 0;
  std::jthread thread_;
};

}  // namespace embedd::chaos
