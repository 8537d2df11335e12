-- Moves that may be told twice; what keys live; administrators in the directory; holds by budget.

-- What was given of a project's budget, or came back, under which reference: as that of
-- transactions, so that a move whose answer was lost is made once. Kept as long as a lease.
create table project_moves (
  reference text primary key,
  micros bigint not null,
  at timestamptz not null default now()
);
create index project_moves_by_time on project_moves (at);

-- Until when a key was made to be good, whatever became of `expires_at`; null: for ever. What a
-- key that has been rotated was made for is no longer known: it counts as made for what it has.
alter table api_keys add column made_until timestamptz;
update api_keys set made_until = expires_at;

-- A token that one grid has revoked is refused by all that use the database.
create trigger changed after insert or update or delete on admin_tokens
  for each statement execute function directory_changed();
