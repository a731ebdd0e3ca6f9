"""The table that prices of AI models are kept in: written before the models are built, read by stg_config__ai_prices."""

PRICES_TABLE = """
create schema if not exists config;
create table if not exists config.ai_prices (
    provider text not null,
    model text,
    service_tier text not null,
    context_window text,
    price_class text not null,
    unit_price numeric not null,
    list_unit_price numeric not null,
    discount numeric not null default 0,
    price_version text not null,
    origin text not null,
    valid_from date not null,
    valid_to date not null
);
comment on table config.ai_prices is 'US dollars for one unit of a class of usage of a model, by tier, context window and day.';
"""
