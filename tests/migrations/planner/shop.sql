CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE users (id bigint PRIMARY KEY, email text, name text NOT NULL DEFAULT 'x');
CREATE TABLE orders (
  id int PRIMARY KEY, customer bigint, amount int NOT NULL DEFAULT 1, note varchar(20), state text DEFAULT 'new',
  at timestamptz NOT NULL DEFAULT '2024-05-05', feeling mood, code int
);
CREATE INDEX orders_amount_idx ON orders (amount);
CREATE INDEX orders_note_idx ON orders (note);
CREATE TABLE lines (id bigserial PRIMARY KEY, "Order" int REFERENCES orders (id), sku text);
CREATE TABLE counted (id serial PRIMARY KEY, a int);
CREATE TABLE parts (id bigint NOT NULL, day date, customer bigint) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
CREATE TABLE parts_3 (id bigint NOT NULL, day date, customer bigint);
INSERT INTO users SELECT g, 'u' || g, 'n' FROM generate_series(1, 50) g;
INSERT INTO orders SELECT g, g % 50 + 1, g, 'n' || g, 'new', '2024-05-05', 'ok', g FROM generate_series(1, 2500) g;
INSERT INTO lines ("Order", sku) SELECT g, 's' || g FROM generate_series(1, 200) g;
INSERT INTO counted (a) SELECT g FROM generate_series(1, 100) g;
INSERT INTO parts SELECT g, date '2024-01-01' + g % 300, g % 50 + 1 FROM generate_series(1, 600) g;
INSERT INTO parts_3 SELECT g, date '2025-01-01' + g % 100, 1 FROM generate_series(1, 100) g;
