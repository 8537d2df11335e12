-- Scopes that mean something, roles that gateways know, projects' budgets, named administrators.

-- A scope is stored only if a gateway asks for it. A key that had nothing else than 'batch', which
-- nobody ever asked for, opens nothing from here on, as before.
update api_keys set scopes = array_remove(scopes, 'batch') where 'batch' = any(scopes);
alter table api_keys add constraint api_keys_scopes_check
  check (scopes <@ array['inference', 'usage']);

-- 'none' is a role that was taken away; the subject '*' is everybody who has none of their own.
alter table members drop constraint members_role_check;
alter table members add constraint members_role_check
  check (role in ('owner', 'admin', 'member', 'auditor', 'none'));
create trigger changed after insert or update or delete on members
  for each statement execute function directory_changed();

-- The most that a project may spend of its tenant's money, a month (UTC) or in all; null: no cap.
alter table projects add column budget_micros bigint
  check (budget_micros between 0 and 1000000000000000000);
alter table projects add column budget_per text not null default 'total'
  check (budget_per in ('month', 'total'));

-- What the requests of a project were charged, by the month (UTC) in which they began: always the
-- sum over `requests`, kept by a trigger.
create table project_spending (
  tenant text not null,
  project text not null,
  month text not null,
  micros bigint not null,
  primary key (tenant, project, month)
);
insert into project_spending
  select tenant, project, to_char(begun_at at time zone 'UTC', 'YYYY-MM'), sum(charged_micros)
    from requests group by 1, 2, 3;

-- What a gateway was given of a project's budget and the books have not seen spent, until when.
-- The period is a month or 'total'.
create table project_holds (
  gateway text not null,
  tenant text not null,
  project text not null,
  period text not null,
  micros bigint not null check (micros >= 0),
  expires_at timestamptz not null,
  primary key (gateway, tenant, project, period)
);

create function requests_spent() returns trigger language plpgsql as $$
begin
  -- always in the same order, so that two transactions never wait for each other
  insert into project_spending as known (tenant, project, month, micros)
    select tenant, project, to_char(begun_at at time zone 'UTC', 'YYYY-MM'), sum(charged_micros)
      from fresh where charged_micros > 0 group by 1, 2, 3 order by 1, 2, 3
    on conflict (tenant, project, month) do update set micros = known.micros + excluded.micros;
  -- what is spent is not held any more
  update project_holds h set micros = greatest(0, h.micros - f.micros)
    from (select gateway, tenant, project, to_char(begun_at at time zone 'UTC', 'YYYY-MM') as month,
        sum(charged_micros) as micros from fresh where charged_micros > 0 group by 1, 2, 3, 4) f
    where h.gateway = f.gateway and h.tenant = f.tenant and h.project = f.project
      and h.period = f.month;
  update project_holds h set micros = greatest(0, h.micros - f.micros)
    from (select gateway, tenant, project, sum(charged_micros) as micros
        from fresh where charged_micros > 0 group by 1, 2, 3) f
    where h.gateway = f.gateway and h.tenant = f.tenant and h.project = f.project
      and h.period = 'total';
  return null;
end $$;
create trigger spent after insert on requests
  referencing new table as fresh for each statement execute function requests_spent();

-- Administrators with tokens of their own; of a token only its SHA-256.
create table admin_tokens (
  name text primary key check (name ~ '^[A-Za-z0-9._-]{1,64}$'),
  sha256 bytea not null unique check (octet_length(sha256) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
