-- The jobs of a settlement, in the order in which they are sent.
jobs AS MATERIALIZED (
  SELECT lease, {in}{columns}, n FROM unnest($1::uuid[], {key_arrays}{arrays}) WITH ORDINALITY AS j(lease, {keys}{columns}, n))
