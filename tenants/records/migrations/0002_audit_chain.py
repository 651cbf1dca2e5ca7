"""Chain the audit log: each row is hashed over the last as it is written (see secrets_vault/hashchain.py)."""

from django.db import migrations

# SECURITY DEFINER: the head of the chain is nobody's to touch but this function's. It takes no argument, runs no
# dynamic SQL, can't be called by anybody (EXECUTE is granted to none) and its search path is fixed as it is made.
# The row lock on the head makes writers wait for one another inside one tenant and for nobody else; an advisory lock
# could be taken by another tenant.
CHAIN = """
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    SELECT position + 1, hash INTO STRICT NEW.position, NEW.previous FROM audit_head FOR UPDATE;
    PERFORM NEW.entry::jsonb;  -- what is no JSON is refused: one such row would stop whoever reads the log
    NEW.at := clock_timestamp();
    NEW.hash := sha256(
        'bulkhead-audit-v1'::bytea || NEW.previous || int8send(NEW.position)
        || int8send((extract(epoch FROM NEW.at) * 1000000)::bigint)
        || int8send(octet_length(convert_to(NEW.entry, 'UTF8'))::bigint) || convert_to(NEW.entry, 'UTF8'));
    UPDATE audit_head SET position = NEW.position, hash = NEW.hash;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION audit_chain() FROM PUBLIC;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_chain();
INSERT INTO audit_head (one, position, hash) VALUES (true, 0, decode(repeat('00', 32), 'hex'));
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]
    operations = [migrations.RunSQL(CHAIN, "DROP TRIGGER audit_chain ON audit; DROP FUNCTION audit_chain();")]
