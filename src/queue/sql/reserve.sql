-- Reserves at most a quarter of an hour ahead, so that a clock that is set back stops workers for no longer.
INSERT INTO embedd.accounts AS a (endpoint, requests_at, tokens_at)
VALUES ($1::text, now() + make_interval(secs => $4::float8 + $2::float8), now() + make_interval(secs => $4::float8 + $3::float8))
ON CONFLICT (endpoint) DO UPDATE
SET requests_at = greatest(least(a.requests_at, now() + interval '15 minutes'), now() + make_interval(secs => $4::float8))
                  + make_interval(secs => $2::float8),
    tokens_at = greatest(least(a.tokens_at, now() + interval '15 minutes'), now() + make_interval(secs => $4::float8))
                + make_interval(secs => $3::float8)
RETURNING extract(epoch FROM greatest(requests_at - make_interval(secs => $2::float8),
                                      tokens_at - make_interval(secs => $3::float8)) - clock_timestamp())::float8
