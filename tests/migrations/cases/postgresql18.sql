-- What only 18 has, before the cases that are marked `since = 18`.
CREATE TABLE lax (
    p_id int CONSTRAINT lax_fk REFERENCES p (id) NOT ENFORCED,
    virt int GENERATED ALWAYS AS (2) VIRTUAL
);
INSERT INTO lax VALUES (1);
