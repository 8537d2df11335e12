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

-- What is spent is not held any more: taken off the hold of the budget that is in force, and where
-- there is none by now, off each that is left of an earlier one.
create or replace function requests_spent() returns trigger language plpgsql as $$
begin
  -- always in the same order, so that two transactions never wait for each other
  insert into project_spending as known (tenant, project, month, micros)
    select tenant, project, to_char(begun_at at time zone 'UTC', 'YYYY-MM'), sum(charged_micros)
      from fresh where charged_micros > 0 group by 1, 2, 3 order by 1, 2, 3
    on conflict (tenant, project, month) do update set micros = known.micros + excluded.micros;
  update project_holds h set micros = greatest(0, h.micros - f.micros)
    from (select gateway, tenant, project, to_char(begun_at at time zone 'UTC', 'YYYY-MM') as month,
        sum(charged_micros) as micros from fresh where charged_micros > 0 group by 1, 2, 3, 4) f
    where h.gateway = f.gateway and h.tenant = f.tenant and h.project = f.project
      and h.period = f.month
      and not exists (select from projects p where p.tenant = f.tenant and p.id = f.project
        and p.budget_micros is not null and p.budget_per = 'total');
  update project_holds h set micros = greatest(0, h.micros - f.micros)
    from (select gateway, tenant, project, sum(charged_micros) as micros
        from fresh where charged_micros > 0 group by 1, 2, 3) f
    where h.gateway = f.gateway and h.tenant = f.tenant and h.project = f.project
      and h.period = 'total'
      and not exists (select from projects p where p.tenant = f.tenant and p.id = f.project
        and p.budget_micros is not null and p.budget_per = 'month');
  return null;
end $$;
