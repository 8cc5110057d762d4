-- Keys, indexes and foreign keys, some missing and some useless on purpose: reviews should have something to find.
set role shop_admin;
set maintenance_work_mem = '128MB';

alter table shop.customers add primary key (id);
alter table shop.addresses add primary key (id);
alter table shop.categories add primary key (id);
alter table shop.products add primary key (id), add unique (sku);
alter table shop.coupons add primary key (code);
alter table shop.carts add primary key (id);
alter table shop.cart_items add primary key (cart_id, product_id);
alter table shop.orders add primary key (id, placed_at);
alter table shop.order_items add primary key (order_id, line);
alter table shop.reviews add primary key (id);
alter table shop."Gift Cards" add primary key ("Card No");
alter table billing.payments add primary key (id);
alter table billing.invoices add primary key (id), add unique (number);
alter table billing.refunds add primary key (id);
alter table warehouse.warehouses add primary key (id);
alter table warehouse.inventory add primary key (warehouse_id, product_id);
alter table warehouse.shipments add primary key (id);
alter table warehouse.movements add primary key (id);
alter table analytics.events add primary key (id);
alter table ops.jobs add primary key (id);
alter table ops.audit_log add primary key (id);
alter table ops.legacy_tickets add primary key (id);
alter table ops.feature_flags add primary key (name);

create unique index customers_email_key on shop.customers (email);
create index categories_parent_id_idx on shop.categories (parent_id);
create index products_category_id_idx on shop.products (category_id);
create index products_search_idx on shop.products using gin (search);
create index products_name_trgm_idx on shop.products using gin (name gin_trgm_ops);
create index products_colour_idx on shop.products ((attributes ->> 'colour'));  -- unused
create index orders_customer_id_idx on shop.orders (customer_id);  -- a prefix of the next one
create index orders_customer_id_placed_at_idx on shop.orders (customer_id, placed_at desc);
create index orders_open_idx on shop.orders (placed_at) where status in ('pending', 'paid', 'packed');
create index reviews_product_id_idx on shop.reviews (product_id);
create index reviews_by_product on shop.reviews (product_id);  -- a duplicate
create index reviews_customer_id_idx on shop.reviews (customer_id);
create index inventory_product_id_idx on warehouse.inventory (product_id);
create index shipments_tracking_idx on warehouse.shipments (tracking);
create index movements_moved_at_idx on warehouse.movements using brin (moved_at);
create index events_occurred_at_idx on analytics.events using brin (occurred_at);
create index events_payload_idx on analytics.events using gin (payload jsonb_path_ops);  -- unused
create index jobs_queued_idx on ops.jobs (run_at) where state = 'queued';
create index audit_log_row_id_idx on ops.audit_log (relation, row_id);

alter table shop.addresses add foreign key (customer_id) references shop.customers;  -- without an index
alter table shop.categories add foreign key (parent_id) references shop.categories;
alter table shop.products add foreign key (category_id) references shop.categories;
alter table shop.carts add foreign key (customer_id) references shop.customers on delete set null;  -- without an index
alter table shop.cart_items add foreign key (cart_id) references shop.carts on delete cascade,
  add foreign key (product_id) references shop.products;  -- without an index
alter table shop.orders add foreign key (customer_id) references shop.customers,
  add foreign key (coupon) references shop.coupons;  -- without an index
alter table shop.order_items add foreign key (order_id, order_placed_at) references shop.orders on delete cascade,
  add foreign key (product_id) references shop.products;  -- without an index
alter table shop.reviews add foreign key (product_id) references shop.products,
  add foreign key (customer_id) references shop.customers,
  add constraint reviews_rating_check check (rating between 1 and 5) not valid;
alter table billing.invoices add foreign key (order_id, order_placed_at) references shop.orders;  -- without an index
alter table billing.refunds add foreign key (payment_id) references billing.payments;  -- without an index
alter table warehouse.inventory add foreign key (warehouse_id) references warehouse.warehouses,
  add foreign key (product_id) references shop.products;
alter table warehouse.shipments add foreign key (order_id, order_placed_at) references shop.orders,  -- without an index
  add foreign key (warehouse_id) references warehouse.warehouses;
alter table warehouse.movements add foreign key (warehouse_id, product_id) references warehouse.inventory;  -- without an index
alter table ops.legacy_tickets add foreign key (customer_id) references shop.customers;  -- integer to bigint

-- Two customers share a phone number, so this fails and leaves an invalid index behind, as it would in earnest.
\set ON_ERROR_STOP off
create unique index concurrently customers_phone_key on shop.customers (phone);
\set ON_ERROR_STOP on
