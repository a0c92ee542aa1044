/// Forwards every call to several observers.
#pragma once

#include <vector>

#include "core/embedder.h"
#include "core/job.h"
#include "core/observer.h"
#include "core/queue.h"

namespace embedd::observe {

/// The observers must outlive this object.
class Observers final : public Observer {
 public:
  explicit Observers(std::vector<Observer*> observers) : observers_(std::move(observers)) {}

  void claimed(const Vectorizer& vectorizer, std::size_t jobs, std::size_t rescued) override {
    for (Observer* each : observers_) each->claimed(vectorizer, jobs, rescued);
  }
  void request_started(const Vectorizer& vectorizer, std::size_t inputs, std::size_t tokens) override {
    for (Observer* each : observers_) each->request_started(vectorizer, inputs, tokens);
  }
  void request_finished(const Vectorizer& vectorizer, const Reply& reply) override {
    for (Observer* each : observers_) each->request_finished(vectorizer, reply);
  }
  void settled(const Vectorizer& vectorizer, const Settlement& settlement, Outcome outcome,
               std::size_t jobs) override {
    for (Observer* each : observers_) each->settled(vectorizer, settlement, outcome, jobs);
  }
  void fresh(const Vectorizer& vectorizer, Duration freshness) override {
    for (Observer* each : observers_) each->fresh(vectorizer, freshness);
  }
  void rescheduled(const Vectorizer& vectorizer, ErrorKind kind, std::size_t jobs, bool charged) override {
    for (Observer* each : observers_) each->rescheduled(vectorizer, kind, jobs, charged);
  }
  void discarded(const Vectorizer& vectorizer, ErrorKind kind, const std::string& message) override {
    for (Observer* each : observers_) each->discarded(vectorizer, kind, message);
  }
  void truncated(const Vectorizer& vectorizer, std::size_t tokens) override {
    for (Observer* each : observers_) each->truncated(vectorizer, tokens);
  }
  void cut_silently(const Vectorizer& vectorizer, std::size_t tokens, std::size_t most) override {
    for (Observer* each : observers_) each->cut_silently(vectorizer, tokens, most);
  }
  void equal_vectors(const Vectorizer& vectorizer, std::size_t texts, bool refused) override {
    for (Observer* each : observers_) each->equal_vectors(vectorizer, texts, refused);
  }
  void braked(const Vectorizer& vectorizer, std::size_t jobs, const std::string& why) override {
    for (Observer* each : observers_) each->braked(vectorizer, jobs, why);
  }
  void unbooked(const Unbooked& entry) override {
    for (Observer* each : observers_) each->unbooked(entry);
  }
  void abandoned(const Vectorizer& vectorizer, std::size_t inputs, Duration silence) override {
    for (Observer* each : observers_) each->abandoned(vectorizer, inputs, silence);
  }
  void paced(const std::string& endpoint, std::uint32_t requests, double inputs_per_second) override {
    for (Observer* each : observers_) each->paced(endpoint, requests, inputs_per_second);
  }
  void endpoint_changed(const std::string& endpoint, EndpointState state, const std::string& message,
                        Duration pause) override {
    for (Observer* each : observers_) each->endpoint_changed(endpoint, state, message, pause);
  }
  void vectorizer_resting(const Vectorizer& vectorizer, const std::string& message, Duration pause) override {
    for (Observer* each : observers_) each->vectorizer_resting(vectorizer, message, pause);
  }
  void budget_changed(const BudgetNews& news) override {
    for (Observer* each : observers_) each->budget_changed(news);
  }
  void polled(const std::vector<VectorizerState>& states) override {
    for (Observer* each : observers_) each->polled(states);
  }
  void walked(const Vectorizer& vectorizer, const WalkPage::Progress& progress) override {
    for (Observer* each : observers_) each->walked(vectorizer, progress);
  }
  void database_error(std::string_view what, const Error& error) override {
    for (Observer* each : observers_) each->database_error(what, error);
  }
  void in_flight(std::size_t requests, std::size_t leases, std::size_t held_bytes) override {
    for (Observer* each : observers_) each->in_flight(requests, leases, held_bytes);
  }
  void turned() override {
    for (Observer* each : observers_) each->turned();
  }

 private:
  std::vector<Observer*> observers_;
};

}  // namespace embedd::observe
