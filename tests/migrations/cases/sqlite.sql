-- What exists before each case of sqlite.toml.
CREATE TABLE p (id INTEGER PRIMARY KEY);
CREATE TABLE t (
    id INTEGER PRIMARY KEY, a INT, b TEXT UNIQUE, c TEXT, d INT NOT NULL DEFAULT 1, e INT REFERENCES p (id),
    f INT CONSTRAINT f_positive CHECK (f > 0), g INT, h TEXT
);
CREATE INDEX t_c ON t (c);
CREATE INDEX t_g ON t (a) WHERE g > 3;
INSERT INTO p VALUES (1);
INSERT INTO t (id, a, b, c, e, f, g) VALUES (1, 1, 'x', 'y', 1, 1, 1), (2, 2, 'z', 'y', 1, 1, 1);
