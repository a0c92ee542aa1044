/// Blocks until the search service has answered.
///
///   auto answer = wait_for<SearchAnswer>([&](auto done) { service.search(name, request, std::move(done));
///   });
#pragma once

#include <expected>
#include <future>
#include <memory>
#include <utility>

#include "app/search_failure.h"

namespace embedd::app {

/// `start` begins a call of the service, and hands `done` to it.
template <typename T, typename Start>
std::expected<T, SearchFailure> wait_for(Start start) {
  // Shared, because the service's thread may still be in set_value() when the answer is here.
  const auto promise = std::make_shared<std::promise<std::expected<T, SearchFailure>>>();
  auto future = promise->get_future();
  start([promise](std::expected<T, SearchFailure> answer) { promise->set_value(std::move(answer)); });
  return future.get();
}

}  // namespace embedd::app
