#!/usr/bin/env python3
"""Breaks the code on purpose, one guarantee at a time, and shows which tests notice: ./dev mutate [--check] [NAME...]

Each mutation replaces one piece of source with a wrong one, builds the tests that should notice, and runs them. A
mutation that survives is a hole in the tests. Works on a copy of the tree; the sources are never touched. With --check
nothing is built: it only sees that each mutation still finds what it breaks, in one place.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutants"

# name, guarantee, file, what is replaced, by what, test binary, filter
MUTATIONS = [
    ("in_doubt_is_forgotten", "G1", "src/core/settlements.cc",
     "return add(std::move(pending));\n    case SettlementVerdict::split:", "return;\n    case SettlementVerdict::split:",
     "sim_tests", "Scenario.ALostConnection*:Scenario.ADatabaseRestart*:Seeds.*"),
    ("reconcile_is_never_due", "G1", "src/core/worker.cc",
     "if (state.reconcile_due && !vectorizer.paused)", "if (false)",
     "sim_tests", "Scenario.RowsWrittenBehind*"),
    ("walks_do_not_pause", "G10", "src/core/walk.cc",
     "return WalkPace(share).pause(page.took, walks);", "return walks > 99 ? seconds(1) : seconds(0);",
     "sim_tests", "Walks.*"),
    ("walks_that_find_something_pause", "G1", "src/core/walk.cc",
     "if (hurried || !page.routine || page.enqueued > 0) return {};", "if (hurried) return {};",
     "sim_tests", "Walks.*"),
    ("walks_are_put_off_whatever_happened", "G1", "src/queue/sql/walk_begin.sql",
     "AND s.walked_with = s.says\n", "AND s.walked_with IS NOT NULL\n",
     "contract_tests", "Postgres/*Walk*"),
    ("walks_are_put_off_for_ever", "G1", "src/queue/sql/walk_begin.sql",
     "AND s.reconciled_at > now() - interval '1 day'", "AND s.reconciled_at > now() - interval '1 year'",
     "contract_tests", "Postgres/*Walk*"),
    ("lost_statistics_are_believed", "G1", "src/queue/sql/walk_begin.sql",
     "extract(epoch FROM pg_catalog.pg_stat_get_bgwriter_stat_reset_time()),", "",
     "integration_tests", "PutOff*.*"),
    ("partitions_have_no_history", "G1", "src/queue/sql/walk_begin.sql",
     "ON i.inhparent = f.oid)", "ON i.inhparent = f.oid AND false)",
     "integration_tests", "PutOffParts.*"),
    ("who_lost_the_duty_walks_on", "G1", "src/queue/sql/reconcile.sql",
     "WHERE v.id = {id} AND v.walk_worker = $3::uuid FOR NO KEY UPDATE", "WHERE v.id = {id} AND $3::uuid IS NOT NULL FOR NO KEY UPDATE",
     "integration_tests", "LeftBehind.*"),
    ("reconcile_does_not_pardon", "G1", "src/queue/sql/reconcile.sql",
     "AND coalesce(d.text_hash, 0) = coalesce(q.hash, 0))),", ")),",
     "contract_tests", "Postgres/*"),
    ("a_pardoned_row_stays_a_dead_letter", "G1", "src/queue/sql/reconcile.sql",
     "USING free q\n  WHERE d.vectorizer_id = {id}", "USING free q\n  WHERE false AND d.vectorizer_id = {id}",
     "contract_tests", "Postgres/*"),
    ("different_texts_may_have_one_vector", "G9", "src/core/answer_doubts.cc",
     "if (groups.empty()) return std::nullopt;", "if (groups.size() < 1'000'000) return std::nullopt;",
     "sim_tests", "Doubts.VectorsThatAServerMixesUp*"),
    ("silent_cuts_are_not_looked_for", "G9", "src/core/answer_doubts.cc",
     "cut_.asks_alone(held.job.text.size())", "cut_.asks_alone(0)",
     "sim_tests", "Doubts.AServerThatCuts*"),
    ("equal_vectors_are_doubted_for_ever", "G12", "src/core/answer_doubts.cc",
     "equals_trusted_until_ = now + kTrusted;", "",
     "sim_tests", "Doubts.Models*"),
    ("an_index_fault_is_the_rows", "G6", "src/pg/pipeline.cc",
     "if (is_index_fault(error)) {", "if (error.sqlstate.empty()) {",
     "integration_tests", "Stores.AVectorThatAnIndex*"),
    ("a_missing_database_is_asked_for_at_once", "G13", "src/app/start_up.cc",
     "return backoff(milliseconds(250), seconds(10), failures, random);",
     "return backoff(milliseconds(250), milliseconds(250), failures, random);",
     "unit_tests", "Reconnecting.*"),
    ("a_build_is_not_repeated_serially", "G13", "src/schema/vector_index_build.cc",
     "if (!short_of_it || !builder.direct || last)", "if (short_of_it || !builder.direct || last)",
     "integration_tests", "LittleSharedMemory.*"),
    ("pieces_are_averaged_without_weights", "G1", "src/core/batch.cc",
     "static_cast<double>(batch.travelling[i].piece.tokens) *",
     "static_cast<double>(batch.travelling[i].piece.tokens > 0) *",
     "unit_tests", "Packing.*"),
    ("complete_ignores_the_text", "G2", "src/queue/sql/complete.sql",
     "WHERE {t=f} AND {hash} = f.hash FOR NO KEY UPDATE", "WHERE {t=f} FOR NO KEY UPDATE",
     "contract_tests", "Postgres/*"),
    ("discard_ignores_the_text", "G2", "src/queue/sql/discard.sql",
     "coalesce(s.hash, 0) = f.hash AS same", "true AS same",
     "contract_tests", "Postgres/*"),
    ("settling_ignores_the_lease", "G2", "src/queue/sql/fenced.sql",
     " AND q.lease = j.lease\n    FOR UPDATE", "\n    FOR UPDATE",
     "contract_tests", "Postgres/*"),
    ("outcomes_are_mixed_up", "G2", "src/queue/settling.cc",
     "open.outcomes[part.first + i] = outcome_of(letters[i]);", "open.outcomes[i] = outcome_of(letters[i]);",
     "contract_tests", "Postgres/*"),
    ("a_changed_text_keeps_its_lease", "G2", "src/schema/sql/reset.sql",
     "lease = NULL, run_at", "run_at",
     "contract_tests", "Postgres/*"),
    ("a_current_job_is_dropped_whatever_vector_stands_there", "G2", "src/queue/sql/drop.sql",
     "WHERE (SELECT l.vector_hash IS NULL OR l.vector_hash =", "WHERE true OR (SELECT l.vector_hash IS NULL OR l.vector_hash =",
     "contract_tests", "Postgres/*"),
    ("a_replaced_vector_takes_the_lease_away", "G12", "src/schema/sql/replaced.sql",
     "lease = CASE WHEN q.run_at > now() THEN q.lease END", "lease = NULL",
     "contract_tests", "Postgres/*"),
    ("partitions_that_come_are_proven", "G2", "src/queue/sql/walk_begin.sql",
     "pg_catalog.md5(string_agg(f.oid::text, ',' ORDER BY f.oid))", "min(f.oid::bigint)",
     "integration_tests", "PutOffParts.*"),
    ("unproven_vectors_are_trusted", "G2", "src/queue/sql/reconcile.sql",
     "OR q.proven IS DISTINCT FROM q.hash OR", "OR q.proven <> q.hash OR",
     "integration_tests", "Adoption.*:Lifecycle.RowsFromBefore*"),
    ("claims_look_at_no_vector", "G2", "src/queue/sql/claim.sql",
     "AND (l.vector_hash IS NULL OR l.vector_hash = (", "AND (true OR l.vector_hash = (",
     "contract_tests", "Postgres/*"),
    ("walks_look_at_no_vector", "G2", "src/queue/sql/reconcile.sql",
     "coalesce(vector_hash <> proven_vector AND proven = hash, false) AS replaced", "false AS replaced",
     "contract_tests", "Postgres/*"),
    ("a_write_to_the_vector_is_not_captured", "G2", "src/schema/sql/vector.sql",
     "IF {untouched} THEN", "IF true THEN",
     "contract_tests", "Postgres/*"),
    ("walks_believe_another_tables_proofs", "G2", "src/queue/sql/reconcile.sql",
     "WHEN v.proven_in = v.walk_in", "WHEN true",
     "integration_tests", "Pairs.*"),
    ("a_foreign_vector_is_kept", "G12", "src/schema/sql/replaced.sql",
     "ON {l_is_old} AND l.vector_hash = {hash}", "ON {l_is_old} AND {hash} IS NOT NULL",
     "contract_tests", "Postgres/*"),
    ("a_disputed_vector_is_bought_for_ever", "G12", "src/queue/sql/reconcile.sql",
     "(q.replaced AND q.repairs < {most_repairs})", "q.replaced",
     "contract_tests", "Postgres/*"),
    ("proofs_of_another_declaration_count", "G2", "src/schema/adoption.cc",
     "k.send_dimensions::text, k.long_texts] = $4::text[]", "k.send_dimensions::text, k.long_texts] <> '{}' AND $4::text[] <> '{}'",
     "integration_tests", "Adoption.*"),
    ("vectors_of_another_model_are_adopted", "G2", "src/schema/adoption.cc",
     '" AND ({}::pg_catalog.text OPERATOR(pg_catalog.=) {}{})"',
     '" AND ({}::pg_catalog.text OPERATOR(pg_catalog.=) {}{} OR true)"',
     "integration_tests", "Adoption.*"),
    ("leases_are_never_extended", "G4", "src/core/leases.cc",
     "if (now < next_ || !state_.queue.ready() || state_.settlements.extending()) return;", "return;",
     "sim_tests", "Scenario.ALongRequest*"),
    ("a_lease_begins_when_its_claim_is_answered", "G12", "src/core/worker.cc",
     ".lapses_at = lane.claims.sent_at() + claim.request.lease_time", ".lapses_at = now + claim.request.lease_time",
     "sim_tests", "Lease.*"),
    ("leases_count_as_extended_when_asked_for", "G12", "src/core/settlements.cc",
     "  pending.locked = error.kind == ErrorKind::conflict;\n",
     "  pending.locked = error.kind == ErrorKind::conflict;\n  if (action == Action::extend) news.extended.push_back({pending"
     ".settlement.vectorizer, pending.settlement.jobs, pending.sent_at + pending.settlement.delay});\n",
     "sim_tests", "Lease.*"),
    ("a_stopping_worker_keeps_its_leases", "G4", "src/core/worker.cc",
     "for (const auto& lane : state_.lanes) keeper_.give_back(*lane, now);\n  }\n  if (drain_.cancels", "}\n  if (drain_.cancels",
     "sim_tests", "Scenario.AStoppingWorker*"),
    ("lapsed_leases_are_not_rescued", "G4", "src/queue/sql/claim.sql",
     "WHERE (q.priority, q.run_at) <= (0::smallint, now())",
     "WHERE (q.priority, q.run_at) <= (0::smallint, now()) AND q.lease IS NULL",
     "contract_tests", "Postgres/*"),
    ("settling_waits_for_jobs_being_written", "G5", "src/queue/sql/fenced.sql",
     "AND q.lease = j.lease\n    FOR UPDATE SKIP LOCKED) q", "AND q.lease = j.lease\n    FOR UPDATE) q",
     "contract_tests", "Postgres/*"),
    ("completing_waits_for_users", "G5", "src/queue/sql/complete.sql",
     "{hash} = f.hash FOR NO KEY UPDATE SKIP LOCKED", "{hash} = f.hash FOR NO KEY UPDATE",
     "contract_tests", "Postgres/*"),
    ("vectors_for_a_locked_table_stay_in_memory", "G5", "src/core/settlements.cc",
     "::keep: settlement.action = Action::keep;", "::keep:",
     "sim_tests", "Scenario.VectorsForALocked*"),
    ("a_refused_batch_is_not_split", "G6", "src/core/retry_policy.cc",
     "return failure.jobs > 1 ? Verdict::split : alone_at_fault(failure);", "return alone_at_fault(failure);",
     "sim_tests", "Scenario.PoisonStaysAlone:Seeds.*"),
    ("a_refused_statement_is_not_split", "G6", "src/core/retry_policy.cc",
     "if (failure.jobs > 1) return SettlementVerdict::split;\n  if (stores", "if (stores",
     "sim_tests", "Scenario.ARowThatTheDatabaseRefuses*:Seeds.*"),
    ("a_missed_change_is_not_noted", "G1", "src/schema/sql/note_missed.sql",
     "PERFORM embedd.note_missed({id}, SQLSTATE, SQLERRM);", "NULL;",
     "integration_tests", "AlteredTables.*"),
    ("claims_pass_over_what_did_not_fit", "G1", "src/queue/sql/claim.sql",
     "(SELECT min(run_at) FROM left_over WHERE priority = 1)) AS backfill", "NULL) AS backfill",
     "contract_tests", "Postgres/*"),
    ("answers_are_left_to_a_pools_next_client", "G5", "src/pg/pipeline.cc",
     "if (pooled_ && !sent_.empty())", "if (false)",
     "integration_tests", "QueuePooled.*"),
    ("a_truncate_waits_for_workers", "G5", "src/schema/sql/truncate.sql",
     "IN ACCESS EXCLUSIVE MODE NOWAIT", "IN ACCESS EXCLUSIVE MODE",
     "integration_tests", "Truncate.*"),
    ("no_base_url_means_openai", "G11", "src/provider/endpoint.h",
     "  std::string base_url;", "  std::string base_url{kOpenAiBaseUrl};",
     "unit_tests", "Endpoint.*:ConfigTest.*"),
    ("types_are_written_by_anybodys_cast", "G11", "src/schema/sql_text.cc",
     "fmt::format(\"pg_catalog.format('%s', {})\", column)", "column + \"::text\"",
     "integration_tests", "Owner.*"),
    ("a_label_stays_without_its_column", "G2", "src/schema/sql_text.cc",
     "CASE WHEN {} THEN '' ELSE {} END", "CASE WHEN {} AND false THEN '' ELSE {} END",
     "integration_tests", "Template*.*"),
    ("a_list_shows_what_is_null_in_an_array", "G12", "src/schema/sql_text.cc",
     "pg_catalog.array_to_string({}, ', ')", "pg_catalog.array_to_string({}, ', ', '')",
     "integration_tests", "Template*.*"),
    ("whatever_has_the_sources_name_is_the_source", "G2", "src/queue/statements.cc",
     "THEN true ELSE pg_catalog.regclass", "THEN true ELSE true OR pg_catalog.regclass",
     "integration_tests", "Shapes.ThatMove*"),
    ("virtual_columns_are_read", "G1", "src/schema/text_columns.cc",
     "if (column && column->is_virtual)", "if (column && column->is_virtual && false)",
     "integration_tests", "Shapes.OfColumns*"),
    ("a_retyped_key_is_compared_all_the_same", "G11", "src/schema/sql/update_check.sql",
     "{>refuse_other_key_types}", "",
     "integration_tests", "Owner.*"),
    ("statements_run_on_any_type", "G11", "src/queue/statements.cc",
     "definition.types_sql)},", "\"true\")},",
     "integration_tests", "Owner.*"),
    ("a_filter_may_use_what_is_a_strangers", "G11", "src/schema/filter.cc",
     "if (strangers.is_null(0, 0)) return {};", "return {};",
     "integration_tests", "Owner.*"),
    ("anybodys_view_is_read_for_pgais_table", "G11", "src/schema/declaration.cc",
     "AND c.relkind = 'r'\n                AND (r.rolsuper OR", "AND (true OR",
     "integration_tests", "Owner.OfWhatLooksLike*"),
    ("keys_are_compared_by_anybodys_operator", "G11", "src/schema/sql_text.cc",
     "{}.k{} OPERATOR(pg_catalog.=) t.{}", "{}.k{} = t.{}",
     "integration_tests", "Owner.OfAnOperator*"),
    ("a_trigger_may_change_the_role", "G11", "src/pg/session_settings.cc",
     "SELECT pg_catalog.set_config('role', 'none', true)", "SELECT true",
     "integration_tests", "Owner.*"),
    ("hidden_rows_are_taken_for_deleted", "G11", "src/queue/pg_queue.cc",
     ".sees_every_row = planning == pg::Planning::custom,", ".sees_every_row = false,",
     "integration_tests", "HiddenRows.*"),
    ("settings_are_anybodys", "G12", "src/pg/session_settings.cc",
     "for (const PinnedSetting& setting : pinned_settings()) set(setting.name, quote_literal(setting.value));", "",
     "integration_tests", "Owner.*"),
    ("a_text_that_cannot_be_converted_is_handed_out", "G6", "src/queue/sql/claim.sql",
     "WHEN s.not_utf8 IS NULL THEN 3 ELSE 5 END AS task", "ELSE 3 END AS task",
     "integration_tests", "In/Encodings.ARowThat*"),
    ("keys_are_converted", "G6", "src/queue/statements.cc",
     'return definition.encoding != "UTF8" &&', "return false &&",
     "integration_tests", "In/Encodings.ARowThat*"),
    ("a_table_that_refuses_every_row_loses_what_was_paid_for", "G12", "src/core/retry_policy.cc",
     "if (stores && failure.refused_alone + 1 >= patience) return SettlementVerdict::rest;", "",
     "sim_tests", "Scenario.ATableThatRefusesEveryRow*"),
    ("many_bad_rows_are_a_bad_vectorizer", "G6", "src/core/retry_policy.cc",
     "return Verdict::doubt;", "return Verdict::rest_vectorizer;", "sim_tests", "Bisection.*"),
    ("a_refused_canary_means_nothing", "G6", "src/core/answers.cc",
     "if (!decides || is_endpoint_fault(error.kind)", "if (true || is_endpoint_fault(error.kind)",
     "sim_tests", "Bisection.*"),
    ("suspects_go_first", "G6", "src/core/batch.h",
     "return fresh_.empty() || (!suspects_.empty() && turn_ == &fresh_);", "return !suspects_.empty();",
     "unit_tests", "Packing.*"),
    ("fresh_changes_queue_behind_a_backfill", "G6", "src/core/batch.h",
     "if (!job.changed_at) return fresh_.push_back(std::move(job));", "return fresh_.push_back(std::move(job));",
     "unit_tests", "Packing.*"),
    ("outages_are_charged", "G7", "src/core/retry_policy.cc",
     "return failure.endpoint_healthy ? Verdict::set_aside : Verdict::hold;", "return Verdict::charge;",
     "sim_tests", "Provider/*:Seeds.*"),
    ("retry_after_is_ignored", "G7", "src/core/retry_policy.cc",
     "retry_after.value_or(Duration{})", "Duration{}",
     "sim_tests", "Scenario.RateLimits*:Seeds.*"),
    ("everyone_probes_at_once", "G7", "src/core/endpoint_gate.h",
     "return probing_ ? 1 : pace_.requests();", "return pace_.requests();",
     "unit_tests", "Gate.*"),
    ("answers_may_take_minutes", "G7", "src/core/inputs_in_flight.h",
     "kTarget = seconds(2);", "kTarget = seconds(200);",
     "sim_tests", "*/SlowServer.*:Endpoint.*"),
    ("the_first_requests_are_large", "G7", "src/core/inputs_in_flight.h",
     "double count_ = 8;", "double count_ = 4000;",
     "unit_tests", "Pace.*"),
    ("more_requests_are_always_worth_it", "G7", "src/core/requests_in_flight.cc",
     "return gained >= (more ?", "return true || gained >= (more ?",
     "sim_tests", "Endpoint.ThatIsSerial*"),
    ("answers_to_others_are_no_sign_of_life", "G7", "src/core/answers.cc",
     "if (!batch.given_up) state_.in_flight.hear(batch, now);", "",
     "sim_tests", "Endpoint.*"),
    ("later_answers_are_a_sign_of_life", "G7", "src/core/in_flight.cc",
     "if (id > answered.id && batch", "if (batch",
     "sim_tests", "Endpoint.*"),
    ("silence_changes_nothing", "G7", "src/core/endpoint_gate.cc",
     "    pace_.too_much(load.inputs, load.requests, now);\n    patience_.silent();", "    patience_.silent();",
     "unit_tests", "Gate.*"),
    ("quota_is_a_rate_limit", "G7", "src/core/retry_policy.cc",
     "case ErrorKind::quota_exhausted: return backoff(seconds(30), minutes(15)",
     "case ErrorKind::quota_exhausted: return backoff(seconds(1), minutes(1)",
     "sim_tests", "Provider/*"),
    ("requests_go_out_unreserved", "G7", "src/core/allowance.cc",
     "if (!limited()) return std::numeric_limits<std::size_t>::max();\n  if (asked_",
     "return std::numeric_limits<std::size_t>::max();\n  if (asked_",
     "sim_tests", "OneAccount.*"),
    ("nothing_is_ever_reserved", "G7", "src/core/allowance.cc",
     "if (asked_ || now < ask_again_at_) return std::nullopt;", "return std::nullopt;",
     "sim_tests", "OneAccount.*"),
    ("what_is_left_over_is_kept", "G7", "src/core/allowance.cc",
     "if (requests_ == 0) tokens_ = std::min(tokens_, kMostLeftOver * tokens_per_second());", "",
     "unit_tests", "AllowanceTest.*"),
    ("the_others_are_not_told_to_wait", "G7", "src/core/answers.cc",
     "if (error.kind == ErrorKind::rate_limited && allowance.limited() && state_.queue.ready())", "if (false)",
     "sim_tests", "OneAccount.*"),
    ("how_the_provider_counts_is_not_learned", "G7", "src/core/allowance.cc",
     "ratio_ = std::clamp(ratio_ + kLearning * (ratio - ratio_), kLeastRatio, kMostRatio);",
     "static_cast<void>(ratio);",
     "unit_tests", "AllowanceTest.*"),
    ("token_reservations_overlap", "G7", "src/queue/sql/reserve.sql",
     "least(a.tokens_at,", "least(now(),",
     "contract_tests", "Postgres/*"),
    ("request_reservations_overlap", "G7", "src/queue/sql/reserve.sql",
     "least(a.requests_at,", "least(now(),",
     "contract_tests", "Postgres/*"),
    ("without_a_key_requests_go_out", "G8", "src/core/endpoint_gate.h",
     "return key_ == KeyState::present;", "return true;",
     "sim_tests", "Scenario.*Key*"),
    ("a_bad_key_file_ends_the_key", "G8", "src/provider/key_file.cc",
     "if (!read) {", "if (!read) {\n    key_ = Secret();",
     "unit_tests", "KeyFileTest.*"),
    ("answers_are_taken_by_position", "G9", "src/provider/response.cc",
     "if (std::ranges::all_of(indexes_, [](std::int64_t index) { return index == kNoIndex; })) return {};", "return {};",
     "unit_tests", "*"),
    ("answers_behind_a_byte_order_mark_are_refused", "G9", "src/provider/response.cc",
     "const std::string_view text = without_bom(body);", "const std::string_view text = body;",
     "unit_tests", "Response.*"),
    ("zeros_are_stored", "G9", "src/provider/response.cc",
     "return magnitudes == 0 ? Content::all_zero : Content::vector;", "return Content::vector;",
     "unit_tests", "*"),
    ("models_share_what_is_learned_of_one", "G7", "src/core/endpoint_gate.cc",
     "learned_.try_emplace(model, name_, model)", 'learned_.try_emplace("", name_)',
     "sim_tests", "OneAccount.*Model*"),
    ("locked_tables_are_all_asked_for_at_once", "G5", "src/core/lanes.cc",
     "return lane.lock.locked() && std::ranges::any_of(", "return false && std::ranges::any_of(",
     "sim_tests", "LockedTables.*"),
    ("memory_has_no_bound", "G10", "src/core/budget.cc",
     "if (use.all.requests > 0 && use.all.bytes + answer > all_.bytes) return false;\n  return ", "return true || ",
     "sim_tests", "Memory.*:Scenario.MemoryStays*"),
    ("claims_go_on_while_settlements_pile_up", "G10", "src/core/claim_wish.cc",
     "if (work.settling >= kClaimsToSettle * work.claim_rows) return false;", "",
     "sim_tests", "Memory.*"),
    ("what_answers_weigh_is_not_learned", "G10", "src/core/answers.cc",
     "gate.answers().learn(reply.answer->body_bytes, reply.answer->vectors.values.size());", "",
     "sim_tests", "Memory.*"),
    ("wrong_answers_are_blamed_on_the_number_of_inputs", "G7", "src/core/answers.cc",
     "if (error.kind == ErrorKind::too_large || error.kind == ErrorKind::rejected)", "if (true)",
     "sim_tests", "InputLimit.*"),
    ("named_limits_are_not_heeded", "G7", "src/core/answers.cc",
     "if (error.kind == ErrorKind::too_large && heed(", "if (false && heed(",
     "sim_tests", "TextsLongerThanTheServerTakes.*:InputLimit.*"),
    ("texts_that_wait_are_not_cut", "G7", "src/core/text_fitter.cc",
     "  fit_again(lane, waiting, now);\n", "",
     "sim_tests", "TextsLongerThanTheServerTakes.*"),
    ("numbers_that_do_not_help_are_believed_for_ever", "G13", "src/core/text_fitter.cc",
     "if (held.heeded++ >= kMostHeeded) return false;", "",
     "sim_tests", "TextsLongerThanTheServerTakes.*"),
    ("learned_limits_are_not_remembered", "G7", "src/core/worker.cc",
     "if (state_.queue.ready()) limits_.remember(lane, state.remembered);", "",
     "sim_tests", "InputLimit.*"),
    ("learned_limits_hold_for_ever", "G7", "src/core/learned_limits.cc",
     "if (was_there) {", "if (false) {",
     "unit_tests", "LimitsMemory.*"),
    ("limits_of_neighbours_are_overwritten", "G7", "src/core/learned_limits.cc",
     "merge(std::exchange(agreed_, ours), ours, *remembered)", "(agreed_ = ours)",
     "unit_tests", "LimitsMemory.*"),
    ("a_refused_parameter_is_sent_for_ever", "G7", "src/provider/openai_embedder.cc",
     "if (learns_from(in_flight, answer)) {", "if (false) {",
     "contract_tests", "*OpenAi*"),
    ("redirects_are_followed", "G11", "src/provider/post.cc",
     "CURLOPT_FOLLOWLOCATION, 0L", "CURLOPT_FOLLOWLOCATION, 1L",
     "contract_tests", "*OpenAi*"),
    ("the_key_crosses_redirects", "G11", "src/provider/post.cc",
     "CURLOPT_FOLLOWLOCATION, 0L", "CURLOPT_FOLLOWLOCATION, 1L);\n  set(easy_, CURLOPT_UNRESTRICTED_AUTH, 1L",
     "contract_tests", "*OpenAi*"),
    ("messages_may_quote_the_key", "G11", "src/provider/classify.cc",
     "std::string out = redact(one_line(redact(text)));", "std::string out = one_line(text);",
     "contract_tests", "*OpenAi*"),
    ("a_refused_url_is_quoted", "G11", "src/pg/plain_url.cc",
     "out += \"\\\"...\\\"\";", "out += message.substr(0, message.rfind('\"') + 1);",
     "unit_tests", "ConfigTest.ARefusedDatabaseUrl*"),
    ("a_part_of_a_password_names_a_parameter", "G11", "src/pg/plain_url.cc",
     "out.ambiguous = !out.ignored.empty()", "out.ambiguous = false && !out.ignored.empty()",
     "unit_tests", "ConfigTest.ARefusedDatabaseUrl*"),
    ("messages_may_quote_a_row", "G11", "src/pg/server_error.cc",
     "return std::ranges::none_of(kAboutTheServer,", "return false && std::ranges::none_of(kAboutTheServer,",
     "integration_tests", "Texts.*"),
    ("what_a_function_raises_is_repeated", "G11", "src/pg/server_error.cc",
     "if (!error.context.empty()) return true;", "",
     "unit_tests", "ServerErrors.*"),
    ("request_ids_may_quote_the_key", "G11", "src/provider/headers.cc",
     "return sound ? redact(id) : std::string();", "return sound ? std::string(id) : std::string();",
     "contract_tests", "*OpenAi*"),
    ("a_key_cut_off_may_be_quoted", "G11", "src/base/redaction.cc",
     "if (secret) mark(", "if (secret && end - begin > 3 * Redactor::kPiece) mark(",
     "unit_tests", "Redaction.*"),
    ("a_key_in_capitals_may_be_quoted", "G11", "src/base/redaction.cc",
     "if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');", "",
     "contract_tests", "*OpenAi*"),
    ("keys_in_further_headers_may_be_quoted", "G11", "src/provider/openai_embedder.cc",
     "for (const std::string& header : config_.headers)\n    for (const std::string_view word",
     "for (const std::string& header : std::vector<std::string>())\n    for (const std::string_view word",
     "contract_tests", "*OpenAi*"),
    ("a_password_that_is_a_word_is_shown", "G11", "src/base/redaction.cc",
     "    if (!has_own_piece(text)) {\n", "    if (text.size() < kPiece) {\n",
     "unit_tests", "Redaction.*"),
    ("what_is_logged_may_hold_a_key", "G11", "src/base/log.cc",
     "return text == nullptr ? value : Value(redact(*text));", "return text == nullptr ? value : Value(*text);",
     "unit_tests", "Redaction.*"),
    ("the_key_before_the_last_may_be_quoted", "G11", "src/provider/key_file.cc",
     "hidden_before_ = std::exchange(hidden_, HiddenSecret(key_));", "hidden_ = HiddenSecret(key_);",
     "unit_tests", "KeyFileTest.*"),
    ("closed_streams_are_taken_by_sockets", "G11", "src/main.cc",
     "if (!embedd::occupy_standard_streams()) return embedd::cli::kFailed;", "",
     "integration_tests", "Streams.ThoseThatAreClosed*"),
    ("logging_waits_for_whoever_reads_it", "G13", "src/base/log.cc",
     "if (BackgroundWriter* const writer = background) return writer->write(text);", "",
     "integration_tests", "Streams.AFullOne*"),
    ("dropped_lines_are_not_told_of", "G13", "src/base/background_writer.cc",
     "if (missing > 0) write_all(descriptor, notice(missing));", "(void)missing;",
     "unit_tests", "BackgroundWriter.*"),
    ("a_loop_that_stands_still_is_alive", "G13", "src/serve/routes.cc",
     "return {report.stuck ? 503 : 200,", "return {200,",
     "unit_tests", "RoutesTest.*"),
    ("idle_connections_keep_probes_out", "G10", "src/serve/listener.cc",
     "if (error || open_.size() >= kMaxConnections) open_.close_one();",
     "if (error) open_.close_one();\n      if (open_.size() >= kMaxConnections) return accept();",
     "unit_tests", "ListenerTest.*"),
    ("a_newcomer_cuts_an_answer_off", "G10", "src/serve/listener.cc",
     "std::ranges::find_if(sessions_, &Session::waits_for_request);", "sessions_.end();",
     "unit_tests", "Listener*"),
    ("a_bad_key_file_is_quoted", "G11", "src/provider/key_file.cc",
     'return problem("holds more than one line, or control characters");',
     'return problem(fmt::format("holds more than one line: {}", secret.reveal()));',
     "unit_tests", "KeyFileTest.*"),
    ("equal_texts_are_paid_each", "G12", "src/core/batch.cc",
     "if (!fresh) return;", "batch_.slots.back() = first;",
     "sim_tests", "Scenario.EqualTexts*"),
    ("equal_texts_are_sent_twice", "G12", "src/core/batch.cc",
     "if (!fresh) return;", "",
     "unit_tests", "Packing.*"),
    ("a_held_row_is_bought_again", "G12", "src/queue/sql/complete.sql",
     "kept_hash = CASE WHEN f.held THEN f.hash END,", "kept_hash = NULL,",
     "contract_tests", "Postgres/*"),
    ("what_was_bought_for_a_locked_table_is_lost", "G12", "src/queue/sql/keep.sql",
     "kept_hash = CASE WHEN f.slot >= 0 THEN f.hash ELSE q.kept_hash END,", "kept_hash = NULL,",
     "contract_tests", "Postgres/*"),
    ("a_drop_forgets_its_proofs", "G12", "src/schema/vectorizers.cc",
     "auto proofs = TRY(keep_proofs(db, found.id));", "auto proofs = false;",
     "integration_tests", "Adoption.TheSame*:Lifecycle.Dropping*"),
    ("a_text_that_came_back_is_bought_again", "G12", "src/queue/sql/claim.sql",
     "FROM {ledger} l WHERE {l=f}) THEN 1", "FROM {ledger} l WHERE {l=f}) AND false THEN 1",
     "contract_tests", "Postgres/*"),
    ("the_servers_wish_shortens_our_pause", "G7", "src/core/retry_policy.cc",
     "return std::max(own_pause(kind, failures, random),", "return retry_after ? *retry_after : std::max(own_pause(kind, failures, random),",
     "sim_tests", "Server/*"),
    ("money_has_no_brake", "G12", "src/core/job_keeper.cc",
     "if (wait.length <= Duration{}) {", "if (true) {",
     "sim_tests", "Spending.*"),
    ("texts_that_are_others_each_time_have_no_brake", "G12", "src/core/spending_brake.cc",
     "any = until(known->any, kAnyText - 1, kAnyForgottenASecond) - passed;", "any = {};",
     "sim_tests", "Spending.*"),
    ("others_are_not_told_of_waste", "G12", "src/core/settlements.cc",
     "++stale.jobs.back().wasted;", "stale.jobs.back().wasted = 0;",
     "sim_tests", "Spending.*"),
    ("waste_is_not_written_down", "G12", "src/queue/sql/reschedule.sql",
     "FROM fenced f WHERE f.purchases > 0 GROUP BY", "FROM fenced f WHERE f.purchases > 9999 GROUP BY",
     "contract_tests", "Postgres/*"),
    ("what_the_dead_have_bought_is_bought_at_once", "G12", "src/core/worker.cc",
     "(held.job.rescued ? rescued : wanted).push_back", "wanted.push_back",
     "sim_tests", "Spending.*"),
    ("a_vectorizer_that_stores_nothing_goes_on", "G12", "src/core/vain_purchases.cc",
     "return thrown_away_ >= kThrownAway;", "return false;",
     "sim_tests", "Spending.*"),
    ("tokens_that_cannot_be_true_are_believed", "G12", "src/provider/response.cc",
     "answer.tokens = std::min(tokens, expected.most_tokens);", "answer.tokens = tokens;",
     "contract_tests", "*OpenAi*"),
    ("refused_usage_holds_up_all", "G12", "src/queue/usage_book.cc",
     "if (!refused || !entries_.contains(key)) continue;", "continue;",
     "unit_tests", "Book.*"),
    ("refused_usage_is_asked_for_without_pause", "G13", "src/queue/usage_book.cc",
     "trouble.next_at = alone ? now +", "trouble.next_at = false ? now +",
     "unit_tests", "Book.*"),
    ("a_draining_worker_keeps_silent", "G4", "src/core/heartbeat.cc",
     ".draining = draining", ".draining = false",
     "sim_tests", "Stop.*"),
    ("claims_never_retry", "G13", "src/core/claim_schedule.cc",
     "  claiming_ = false;\n  next_at_ = now + backoff(", "  next_at_ = now + backoff(",
     "sim_tests", "Scenario.ALostConnection*:Seeds.*"),
]


def run(arguments, **options):
    return subprocess.run(arguments, capture_output=True, text=True, **options)


def copy_tree():
    for part in ("CMakeLists.txt", "CMakePresets.json", "cmake", "src", "tests", "migrations", "samples", "bench", "fuzz", ".deps"):
        source, target = ROOT / part, COPY / part
        if source.is_dir():
            run(["cp", "-a", "-u", "--no-target-directory", str(source), str(target)], check=True)
        elif source.exists():
            shutil.copy2(source, target)
    # What a run that was killed left broken is newer than its source.
    for file in {mutation[2] for mutation in MUTATIONS}:
        if (COPY / file).read_bytes() != (ROOT / file).read_bytes():
            shutil.copy(ROOT / file, COPY / file)


def build(target):
    return run(["ninja", "-C", str(COPY / "build" / "release"), target])


def places(mutation):
    """What the mutation replaces, as often as its file has it; the formatter may have broken the lines elsewhere."""
    _, _, file, old, *_ = mutation
    path = ROOT / file
    pattern = r"\s+".join(re.escape(word) for word in old.split())
    return re.findall(pattern, path.read_text()) if path.exists() else []


def check():
    """Whether each mutation can still be made: its code is there, in one place."""
    stale = 0
    for mutation in MUTATIONS:
        found = len(places(mutation))
        if found != 1:
            stale += 1
            print(f"{mutation[1]:<4} {mutation[0]:<42} STALE: {mutation[2]} has the code it breaks {found} times")
    names = [mutation[0] for mutation in MUTATIONS]
    for name in sorted({name for name in names if names.count(name) > 1}):
        stale += 1
        print(f"two mutations are called {name}")
    print(f"{len(MUTATIONS)} mutations, {stale} stale")
    return 1 if stale else 0


def verdict(mutation):
    _, _, file, _, new, binary, test_filter = mutation
    found = places(mutation)
    if len(found) != 1:
        return f"STALE: the code it breaks is there {len(found)} times"
    path = COPY / file
    original = path.read_text()
    try:
        path.write_text(original.replace(found[0], new, 1))
        built = build(binary)
        if built.returncode != 0:
            return "DOES NOT BUILD: " + built.stdout[-300:]
        try:
            tests = run([str(COPY / "build/release/tests" / binary), "--gtest_filter=" + test_filter], timeout=300)
        except subprocess.TimeoutExpired:
            return "caught: the tests hang"
        if tests.returncode == 0:
            return "SURVIVED"
        failed = re.findall(r"\[  FAILED  \] ([\w/]+\.[\w/]+)", tests.stdout)
        if not failed:  # a broken invariant aborts the run
            begun = re.findall(r"\[ RUN      \] ([\w/.]+)", tests.stdout)[-1:]
            said = (tests.stderr.strip().splitlines() or ["crash"])[-1]
            return "caught: " + ", ".join([*begun, said])[:150]
        return "caught: " + ", ".join(dict.fromkeys(failed))[:150]
    finally:
        path.write_text(original)


def main():
    wanted = set(sys.argv[1:])
    if "--check" in wanted:
        return check()
    unknown = wanted - {mutation[0] for mutation in MUTATIONS}
    if unknown:
        print("no such mutation: " + ", ".join(sorted(unknown)))
        return 2
    COPY.mkdir(parents=True, exist_ok=True)
    # So that the copy's first build comes out of the compiler cache.
    os.environ.update(CCACHE_BASEDIR=str(COPY), CCACHE_NOHASHDIR="1")
    copy_tree()
    run(["cmake", "--preset", "release"], cwd=COPY, check=True)
    holes = 0
    for mutation in MUTATIONS:
        if wanted and mutation[0] not in wanted:
            continue
        result = verdict(mutation)
        holes += not result.startswith("caught")
        print(f"{mutation[1]:<4} {mutation[0]:<42} {result}", flush=True)
    print(f"{holes} mutations were not caught")
    return 1 if holes else 0


sys.exit(main())
