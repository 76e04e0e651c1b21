-- Makes the monitoring role, or makes it again what it shall be. For psql as the administrator of the database:
--
--   psql --set=ON_ERROR_STOP=1 --set=role=postgres_exporter --set=database=app --set=connection_limit=5
--     --set=statement_timeout=10s --set=lock_timeout=2s --set='search_path=public, pg_catalog' --file=role.sql
--
-- It asks for the role's password twice, and hashes it before it sends it. A GRANT with a warning had no effect.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN CONNECTION LIMIT :connection_limit;
SET LOCAL password_encryption = 'scram-sha-256';
\password :"role"
ALTER ROLE :"role" SET statement_timeout = :'statement_timeout';
ALTER ROLE :"role" SET lock_timeout = :'lock_timeout';
ALTER ROLE :"role" SET search_path = :search_path;
GRANT pg_monitor TO :"role";
GRANT CONNECT ON DATABASE :"database" TO :"role";
COMMIT;
