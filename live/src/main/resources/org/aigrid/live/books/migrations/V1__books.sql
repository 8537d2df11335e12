-- Tenants, keys and prices; the double-entry books; what control remembers of the gateways' journals.

create table tenants (
  id text primary key check (id ~ '^[A-Za-z0-9._-]{1,64}$'),
  name text not null,
  active boolean not null default true,
  prepaid boolean not null default true,
  tier_ceiling text not null default 'interactive'
    check (tier_ceiling in ('realtime', 'interactive', 'standard', 'background', 'harvest')),
  weight int not null default 1 check (weight between 1 and 1000),
  jurisdictions text[] not null default '{}',
  policy text not null default '',
  requests_per_second bigint check (requests_per_second > 0),
  requests_per_minute bigint check (requests_per_minute > 0),
  tokens_per_minute bigint check (tokens_per_minute > 0),
  concurrent_max bigint check (concurrent_max > 0),
  created_at timestamptz not null default now()
);

create table projects (
  tenant text not null references tenants,
  id text not null check (id ~ '^[A-Za-z0-9._-]{1,64}$'),
  active boolean not null default true,
  jurisdictions text[] not null default '{}',
  policy text not null default '',
  requests_per_second bigint check (requests_per_second > 0),
  requests_per_minute bigint check (requests_per_minute > 0),
  tokens_per_minute bigint check (tokens_per_minute > 0),
  concurrent_max bigint check (concurrent_max > 0),
  created_at timestamptz not null default now(),
  primary key (tenant, id)
);

create table members (
  tenant text not null references tenants,
  subject text not null,
  role text not null check (role in ('owner', 'admin', 'member', 'auditor')),
  primary key (tenant, subject)
);

create table api_keys (
  id text primary key check (id ~ '^[A-Za-z0-9._-]{1,64}$'),
  tenant text not null,
  project text not null,
  sha256 bytea not null unique check (octet_length(sha256) = 32),
  scopes text[] not null default '{inference}',
  requests_per_second bigint check (requests_per_second > 0),
  requests_per_minute bigint check (requests_per_minute > 0),
  tokens_per_minute bigint check (tokens_per_minute > 0),
  concurrent_max bigint check (concurrent_max > 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  replaces text references api_keys,
  foreign key (tenant, project) references projects
);

create table prices (
  id bigint generated always as identity primary key,
  model text not null,
  tier text not null
    check (tier in ('*', 'realtime', 'interactive', 'standard', 'background', 'harvest')),
  prompt_micros bigint not null check (prompt_micros between 0 and 100000000000),
  cached_micros bigint not null check (cached_micros between 0 and 100000000000),
  output_micros bigint not null check (output_micros between 0 and 100000000000),
  valid_from timestamptz not null default now()
);

-- Bumped by every change of what gateways have to know.
create table directory (
  one boolean primary key default true check (one),
  revision bigint not null default 1,
  currency text not null default 'JPY'
);
insert into directory default values;

create function directory_changed() returns trigger language plpgsql as $$
begin
  update directory set revision = revision + 1;
  notify grid_directory;
  return null;
end $$;
create trigger changed after insert or update or delete on tenants
  for each statement execute function directory_changed();
create trigger changed after insert or update or delete on projects
  for each statement execute function directory_changed();
create trigger changed after insert or update or delete on api_keys
  for each statement execute function directory_changed();
create trigger changed after insert or update or delete on prices
  for each statement execute function directory_changed();

-- The books. An account is a text:
--   tenant/T/balance   what a tenant has paid in and nobody holds
--   tenant/T/held/G    what gateway G may spend of it
--   tenant/T/owed      what a tenant that pays later owes (negative)
--   grid/paid-in       the other side of top-ups (negative)
--   grid/revenue       what was earned
--   grid/written-off   what was charged beyond what there was (negative)
create table transactions (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('credit', 'hold', 'return', 'usage')),
  reference text unique,
  note text not null default '',
  at timestamptz not null default now()
);

create table entries (
  transaction_id bigint not null references transactions,
  account text not null,
  micros bigint not null check (micros <> 0),
  primary key (transaction_id, account)
);

create table balances (
  account text primary key,
  micros bigint not null,
  check (micros >= 0 or account like 'grid/%' or account like 'tenant/%/owed')
);

create function entries_posted() returns trigger language plpgsql as $$
declare
  wrong bigint;
begin
  select transaction_id into wrong from fresh group by transaction_id having sum(micros) <> 0 limit 1;
  if found then
    raise exception 'entries of transaction % do not sum to zero', wrong;
  end if;
  insert into balances (account, micros)
    select distinct account, 0 from fresh order by account on conflict do nothing;
  -- always in the same order, so that two transactions never wait for each other
  perform 1 from balances where account in (select account from fresh) order by account for update;
  update balances b set micros = b.micros + f.micros
    from (select account, sum(micros) as micros from fresh group by account) f
    where b.account = f.account;
  return null;
end $$;
create trigger posted after insert on entries
  referencing new table as fresh for each statement execute function entries_posted();

create function append_only() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: post a correcting transaction instead', tg_table_name;
end $$;
create trigger append_only before update or delete or truncate on transactions
  for each statement execute function append_only();
create trigger append_only before update or delete or truncate on entries
  for each statement execute function append_only();

-- What a gateway holds of a tenant's balance, until when. The amount is the account's.
create table holds (
  gateway text not null,
  tenant text not null,
  expires_at timestamptz not null,
  primary key (gateway, tenant)
);

create table requests (
  request_id text primary key,
  transaction_id bigint not null references transactions,
  gateway text not null,
  tenant text not null,
  project text not null,
  api_key text not null,
  model text not null,
  tier text not null,
  site text not null,
  jurisdiction text not null,
  operator text not null,
  price text not null,
  prompt_tokens int not null,
  cached_tokens int not null,
  output_tokens int not null,
  charged_micros bigint not null,
  list_micros bigint not null,
  attempts text not null,
  outcome text not null,
  begun_at timestamptz not null,
  ended_at timestamptz not null
);
create index requests_by_tenant on requests (tenant, ended_at);
create index requests_by_transaction on requests (transaction_id);
create trigger append_only before update or delete or truncate on requests
  for each statement execute function append_only();

-- How far each journal has been applied.
create table journals (
  journal text primary key,
  segment bigint not null,
  position bigint not null
);

create table admin_actions (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null,
  action text not null,
  subject text not null,
  detail text not null default ''
);
create trigger append_only before update or delete or truncate on admin_actions
  for each statement execute function append_only();
