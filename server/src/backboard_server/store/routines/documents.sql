-- Bytes do not outlive the row that names them.
-- Whatever deletes documents, a cascade included, leaves a job that deletes their blobs, in the same transaction.
CREATE OR REPLACE FUNCTION enqueue_blob_deletion() RETURNS trigger
LANGUAGE plpgsql SET search_path = backboard, pg_temp
AS $$
BEGIN
    INSERT INTO jobs (tenant_id, id, kind, subject, payload)
    SELECT k.tenant_id, k.id, 'delete_blobs', k.id::text, json_build_object('keys', k.keys)
    FROM (
        SELECT d.tenant_id, gen_random_uuid() AS id, json_agg(d.blob_key ORDER BY d.blob_key) AS keys
        FROM deleted AS d
        GROUP BY d.tenant_id
    ) AS k;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION enqueue_blob_deletion() FROM PUBLIC;

CREATE OR REPLACE TRIGGER documents_deleted
AFTER DELETE ON documents REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION enqueue_blob_deletion();
